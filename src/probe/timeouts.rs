use std::time::Duration;

/// How long a peer may take. Time spent waiting for rates and host slots is
/// in none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP handshake. The default leaves time for the answer to a SYN
    /// that the system sends again after 1 s and after 3 s (RFC 6298).
    pub connect: Duration,
    /// For all words before TLS where the server greets first. Greetings are
    /// held back against senders of spam: Postfix's postscreen waits 6 s. The
    /// time for a handshake, where that is longer.
    pub greeting: Duration,
    /// For the server's flight, from the ClientHello on; and for the words
    /// before TLS where the client speaks first.
    pub handshake: Duration,
    /// For all connections of one question together.
    pub target: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3500),
            greeting: Duration::from_secs(10),
            handshake: Duration::from_secs(5),
            target: Duration::from_secs(20),
        }
    }
}
