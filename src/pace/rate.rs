use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// New connections a second: a number, or no limit. The lower one is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl Rates {
    /// A lower bound of the time that so many connections take, to so many
    /// hosts in so many networks: the best case is that they spread evenly.
    #[must_use]
    pub fn fastest(&self, connections: u64, hosts: u64, networks: u64) -> Duration {
        self.overall
            .fastest(connections)
            .max(self.per_host.fastest(connections.div_ceil(hosts.max(1))))
            .max(
                self.per_network
                    .fastest(connections.div_ceil(networks.max(1))),
            )
    }
}

/// How a rate is kept: a token comes every `interval`, and at most `burst` of
/// them lie ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spacing {
    pub(super) burst: NonZeroU32,
    pub(super) interval: Duration,
}

impl Rate {
    /// The spacing that keeps this rate in every second; `None` if unlimited.
    ///
    /// A second holds the `burst` that lay ready and what comes in less than a
    /// second, so `burst + sustained - 1` tokens: with `sustained = rate -
    /// burst + 1` these are `rate`. The interval is rounded up, or one token
    /// more would fit into the second.
    ///
    /// Without a burst, whatever a timer is late is lost, and tokio's tick in
    /// milliseconds. Up to 63 a second that is little, and the connections
    /// stay evenly spaced; above, 1/64 of the rate lies ready.
    pub(super) fn spacing(self) -> Option<Spacing> {
        let Self::PerSecond(rate) = self else {
            return None;
        };
        let stock = rate.get() / 64;
        let sustained = u64::from(rate.get() - stock);
        Some(Spacing {
            burst: NonZeroU32::MIN.saturating_add(stock),
            interval: Duration::from_nanos(NANOS_PER_SECOND.div_ceil(sustained)),
        })
    }

    /// The least time from the first to the last of so many connections.
    fn fastest(self, connections: u64) -> Duration {
        let Some(Spacing { burst, interval }) = self.spacing() else {
            return Duration::ZERO;
        };
        let spaced = connections.saturating_sub(u64::from(burst.get()));
        let nanos = interval.as_nanos().saturating_mul(u128::from(spaced));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn per_second(rate: u32) -> Rate {
        Rate::PerSecond(NonZeroU32::new(rate).unwrap())
    }

    #[test]
    fn a_rate_is_a_number_from_one_or_unlimited() {
        assert_eq!("1000".parse(), Ok(per_second(1000)));
        assert_eq!("unlimited".parse(), Ok(Rate::Unlimited));
        for wrong in ["0", "-1", "1.5", "", "5/s", "Unlimited", "4294967296"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        assert_eq!(per_second(5).to_string(), "5");
        assert_eq!(Rate::Unlimited.to_string(), "unlimited");
    }

    #[test]
    fn the_fastest_time_is_the_slowest_of_the_three_rates() {
        let rates = Rates {
            overall: per_second(10),
            per_host: per_second(2),
            per_network: per_second(5),
        };
        let seconds = Duration::from_secs;
        assert_eq!(rates.fastest(101, 101, 101), seconds(10));
        assert_eq!(rates.fastest(101, 1, 1), seconds(50));
        assert_eq!(rates.fastest(101, 101, 1), seconds(20));
        assert_eq!(rates.fastest(0, 0, 0), seconds(0));
        assert!(rates.fastest(u64::MAX, 1, 1) > seconds(1 << 30));
        let unlimited = Rates {
            overall: Rate::Unlimited,
            per_host: Rate::Unlimited,
            per_network: Rate::Unlimited,
        };
        assert_eq!(unlimited.fastest(1_000_000, 1, 1), seconds(0));
    }

    proptest! {
        /// Tokens in the half-open second that starts with a full stock:
        /// those at 0, then one each interval.
        #[test]
        fn no_second_holds_more_tokens_than_the_rate(rate in 1..=u32::MAX) {
            let Spacing { burst, interval } = per_second(rate).spacing().unwrap();
            let interval = u64::try_from(interval.as_nanos()).unwrap();
            let tokens = u64::from(burst.get()) + (NANOS_PER_SECOND - 1) / interval;
            prop_assert!(tokens <= u64::from(rate));
        }
    }
}
