use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// A TCP port, 1 to 65535 (RFC 9293 section 3.1; 0 is reserved by IANA).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(NonZeroU16);

/// A port that is not a number from 1 to 65535.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a port (1 to 65535)")]
pub struct InvalidPort(pub String);

impl Port {
    /// HTTPS, the port asked when nobody names one.
    pub const HTTPS: Self = Self(NonZeroU16::new(443).unwrap());

    /// The port of this number; `None` for 0.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number, 1 to 65535.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Port {
    type Err = InvalidPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .then(|| text.parse().ok().and_then(Self::new))
            .flatten()
            .ok_or_else(|| InvalidPort(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_65535_is_a_port() {
        assert_eq!("443".parse(), Ok(Port::HTTPS));
        assert_eq!("65535".parse::<Port>().map(Port::number), Ok(65535));
        for wrong in ["0", "65536", "+443", "", "-1", "4 43", "0x1bb"] {
            assert!(wrong.parse::<Port>().is_err(), "{wrong}");
        }
    }
}
