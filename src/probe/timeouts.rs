use std::time::Duration;

/// How long a peer may take. Time spent waiting for rates and host slots is
/// in none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP handshake. The default leaves time for the answer to a SYN
    /// that the system sends again after 1 s and after 3 s (RFC 6298).
    pub connect: Duration,
    /// For the server's flight, from the connection on.
    pub handshake: Duration,
    /// For all connections of one question together.
    pub target: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3500),
            handshake: Duration::from_secs(5),
            target: Duration::from_secs(20),
        }
    }
}
