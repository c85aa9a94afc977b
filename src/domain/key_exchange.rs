use std::fmt;

use super::NamedGroup;

/// How the session's key was, or would have been, agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyExchange {
    /// A named group: (EC)DHE in TLS 1.3, ECDHE with a named curve before.
    Group(NamedGroup),
    /// ECDHE over a curve the server spelled out (RFC 4492 section 5.4).
    ExplicitCurve,
    /// DHE with the server's own prime, of so many bits.
    Dhe {
        /// Bits of the prime.
        bits: u32,
    },
    /// The client encrypts to the certificate's RSA key: no forward secrecy.
    Rsa,
    /// Static Diffie-Hellman with a key in the certificate.
    StaticDh,
}

impl fmt::Display for KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => group.fmt(f),
            Self::ExplicitCurve => f.write_str("explicit-curve"),
            Self::Dhe { bits } => write!(f, "DHE-{bits}"),
            Self::Rsa => f.write_str("RSA"),
            Self::StaticDh => f.write_str("static-DH"),
        }
    }
}
