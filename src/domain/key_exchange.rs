use std::fmt;
use std::str::FromStr;

use super::{NamedGroup, UnknownGroup};

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

impl FromStr for KeyExchange {
    type Err = UnknownGroup;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "explicit-curve" => Self::ExplicitCurve,
            "RSA" => Self::Rsa,
            "static-DH" => Self::StaticDh,
            _ => match text.strip_prefix("DHE-").map(str::parse) {
                Some(Ok(bits)) => Self::Dhe { bits },
                _ => Self::Group(text.parse()?),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_exchange_reads_as_it_is_written() {
        let exchanges = [
            KeyExchange::Group(NamedGroup(0x001d)),
            KeyExchange::Group(NamedGroup(0x2a2a)),
            KeyExchange::ExplicitCurve,
            KeyExchange::Dhe { bits: 1024 },
            KeyExchange::Rsa,
            KeyExchange::StaticDh,
        ];
        for exchange in exchanges {
            assert_eq!(exchange.to_string().parse(), Ok(exchange));
        }
        assert!("DHE-many".parse::<KeyExchange>().is_err());
    }
}
