use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// New connections a second: a number, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// At most so many in any second, burst included.
    PerSecond(NonZeroU32),
    /// As fast as the machine goes.
    Unlimited,
}

/// A text that is neither a number above 0 nor `unlimited`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate (connections a second, from 1, or `unlimited`)")]
pub struct InvalidRate(pub String);

/// The three rates that every connection pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// All connections together.
    pub overall: Rate,
    /// To one address.
    pub per_host: Rate,
    /// To one /24 (IPv6: /64).
    pub per_network: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        let per_second = |number| NonZeroU32::new(number).map_or(Rate::Unlimited, Rate::PerSecond);
        Self {
            overall: per_second(1000),
            per_host: per_second(5),
            per_network: per_second(200),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(number) => number.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        text.parse()
            .map(Self::PerSecond)
            .map_err(|_| InvalidRate(text.to_owned()))
    }
}
