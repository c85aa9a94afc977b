use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Part `number` of `of` equal parts of a plan: the whole is 1 of 1.
///
/// It has every `of`th group of 256 indices of the plan, so that parts are
/// disjoint and complete whatever the seed, each is spread over all networks,
/// and neighbours stay together in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    /// From 1 to `of`.
    number: NonZeroU32,
    of: NonZeroU32,
}

/// A text that is not `K/N` with 1 <= K <= N.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard")]
pub struct InvalidShard(pub String);

/// Indices that go to one part together: about a /24 at one port.
const GROUP: u64 = 256;

impl Shard {
    /// All of a plan.
    pub const WHOLE: Self = Self {
        number: NonZeroU32::MIN,
        of: NonZeroU32::MIN,
    };

    /// Part `number` (from 1) of `of`.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        let (number, of) = (NonZeroU32::new(number)?, NonZeroU32::new(of)?);
        (number <= of).then_some(Self { number, of })
    }

    /// Which part it is, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number.get()
    }

    /// Of how many.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of.get()
    }

    /// How many of the plan's first `indices` it has.
    pub(super) fn count_below(self, indices: u64) -> u64 {
        let (rounds, rest) = (indices / self.round(), indices % self.round());
        rounds * GROUP + rest.saturating_sub(self.first()).min(GROUP)
    }

    /// The plan's index of its own index; the caller's lies in the plan.
    pub(super) fn plan_index(self, own: u64) -> Option<u64> {
        (own / GROUP)
            .checked_mul(self.round())?
            .checked_add(self.first() + own % GROUP)
    }

    /// The lowest index of the plan that it has.
    fn first(self) -> u64 {
        u64::from(self.number() - 1) * GROUP
    }

    /// Indices in which each part has one group.
    fn round(self) -> u64 {
        u64::from(self.of()) * GROUP
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| digits)
        };
        text.split_once('/')
            .and_then(|(part, of)| Self::new(number(part)?, number(of)?))
            .ok_or_else(|| InvalidShard(text.to_owned()))
    }
}

impl InvalidShard {
    /// What would be accepted.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("a shard is K/N with K from 1 to N: 1/3, 2/3 and 3/3 are all of a plan".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_n_of_n_is_a_shard() {
        assert_eq!("1/1".parse(), Ok(Shard::WHOLE));
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        for wrong in ["", "1", "0/3", "4/3", "1/0", "+1/3", "1/3/5", "a/b", "/"] {
            let error = wrong.parse::<Shard>().unwrap_err();
            assert!(error.hint().is_some(), "{wrong}");
        }
    }

    #[test]
    fn shards_are_disjoint_and_complete() {
        for of in 1..=7 {
            for total in (0..50).chain(250..520).chain([256 * 7 * 3 + 100]) {
                let mut indices = Vec::new();
                for number in 1..=of {
                    let shard = Shard::new(number, of).unwrap();
                    let own = 0..shard.count_below(total);
                    indices.extend(own.map(|own| shard.plan_index(own).unwrap()));
                }
                indices.sort_unstable();
                assert_eq!(indices, (0..total).collect::<Vec<_>>());
            }
        }
    }
}
