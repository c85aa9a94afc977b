use std::fmt;

/// How far a connection had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The TCP handshake.
    Connect,
    /// The words before TLS, in a STARTTLS dialect.
    Starttls,
    /// Our ClientHello is out, nothing of TLS has come back.
    Hello,
    /// The server's flight has begun.
    Flight,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: &[Self] = &[Self::Connect, Self::Starttls, Self::Hello, Self::Flight];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Starttls => "starttls",
            Self::Hello => "hello",
            Self::Flight => "flight",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
