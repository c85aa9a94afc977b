use std::fmt;
use std::str::FromStr;

use crate::domain::{InvalidProtocolSet, KeyType, ProtocolSet};

use super::rung::{Alpn, Rung, can_ask_for, is_available};

/// Which protocol sets are offered, one connection after the other, until
/// one yields a certificate. Never empty; no set twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    first: ProtocolSet,
    rest: Vec<ProtocolSet>,
    alpn: Alpn,
    key_type: Option<KeyType>,
    pub(super) climb: Climb,
}

/// How long a ladder is climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Climb {
    /// As long as a rung may find what the ones before did not.
    Whole,
    /// As long as the server answers in TLS.
    WhileTls,
}

/// A text that is no ladder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLadder {
    /// One of its sets is none.
    #[error(transparent)]
    Set(#[from] InvalidProtocolSet),
    /// We have no hello that offers this set.
    #[error(
        "`{0}` can't be offered in one hello (available: tls1.3, tls1.3+tls1.2, \
         or any of tls1.2+tls1.1+tls1.0+ssl3+ssl2)"
    )]
    Unavailable(ProtocolSet),
    /// A set stands in it twice.
    #[error("`{0}` is listed twice")]
    Repeated(ProtocolSet),
}

/// The name of [`Ladder::venafi`] where a ladder is written.
const VENAFI: &str = "venafi";

impl Ladder {
    /// One hello and no other.
    #[must_use]
    pub const fn of_one(set: ProtocolSet) -> Self {
        Self {
            first: set,
            rest: Vec::new(),
            alpn: Alpn::WEB,
            key_type: None,
            climb: Climb::Whole,
        }
    }

    /// One modern hello: what a browser sends, and nothing after it.
    #[must_use]
    pub const fn gentle() -> Self {
        Self::of_one(ProtocolSet::TLS_1_3_OR_1_2)
    }

    /// The certificate in clear first, since it costs no cryptography; then
    /// TLS 1.3.
    #[must_use]
    pub fn fast() -> Self {
        Self::of_one(ProtocolSet::TLS_1_2_TO_1_0).then(&[ProtocolSet::TLS_1_3])
    }

    /// Every server: after the modern ones those that refuse, or do not
    /// answer, a newer version, any extension or a long hello; those of SSL
    /// 3.0 that refuse a newer version even so; those that read only the frame
    /// of SSL 2.0; and those of SSL 2.0 that refuse a newer version in it.
    #[must_use]
    pub fn standard() -> Self {
        Self::of_one(ProtocolSet::TLS_1_2_TO_1_0).then(&[
            ProtocolSet::TLS_1_3,
            ProtocolSet::TLS_1_0_OR_SSL_3,
            ProtocolSet::SSL_3,
            ProtocolSet::TLS_1_0_TO_SSL_2,
            ProtocolSet::SSL_2,
        ])
    }

    /// The four sets of Venafi's certificate discovery, in its order.
    #[must_use]
    pub fn venafi() -> Self {
        Self::of_one(ProtocolSet::TLS_1_0_TO_SSL_2).then(&[
            ProtocolSet::TLS_1_0_OR_SSL_3,
            ProtocolSet::TLS_1_2_TO_1_0,
            ProtocolSet::SSL_3,
        ])
    }

    /// The same sets, for a certificate of this key type and no other, as far
    /// as a hello of theirs can ask for it; `None` where none can.
    #[must_use]
    pub fn restricted_to(self, key_type: KeyType) -> Option<Self> {
        let mut sets = self.sets().filter(|set| can_ask_for(*set, key_type));
        Some(Self {
            first: sets.next()?,
            rest: sets.collect(),
            key_type: Some(key_type),
            alpn: self.alpn,
            climb: self.climb,
        })
    }

    /// The same sets, as long as the server answers each with an alert: one
    /// that hangs up or says nothing gets no second hello.
    #[must_use]
    pub fn while_it_speaks_tls(self) -> Self {
        Self {
            climb: Climb::WhileTls,
            ..self
        }
    }

    /// The same sets, offering these application protocols.
    #[must_use]
    pub fn offering(self, alpn: Alpn) -> Self {
        Self { alpn, ..self }
    }

    /// The key type it is restricted to, if it is.
    #[must_use]
    pub const fn key_type(&self) -> Option<KeyType> {
        self.key_type
    }

    /// The rung to begin with.
    #[must_use]
    pub fn first(&self) -> Rung {
        self.rung(self.first)
    }

    /// Every rung, in order.
    pub fn rungs(&self) -> impl Iterator<Item = Rung> {
        self.sets().map(|set| self.rung(set))
    }

    fn then(self, rest: &[ProtocolSet]) -> Self {
        Self {
            rest: rest.to_vec(),
            ..self
        }
    }

    const fn rung(&self, set: ProtocolSet) -> Rung {
        Rung {
            alpn: self.alpn,
            key_type: self.key_type,
            ..Rung::new(set)
        }
    }

    fn sets(&self) -> impl Iterator<Item = ProtocolSet> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Display for Ladder {
    /// `tls1.2+tls1.1+tls1.0,tls1.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|set| write!(f, ",{set}"))
    }
}

impl FromStr for Ladder {
    type Err = InvalidLadder;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == VENAFI {
            return Ok(Self::venafi());
        }
        let mut sets = text.split(',').map(|word| {
            let set: ProtocolSet = word.trim().parse()?;
            is_available(set)
                .then_some(set)
                .ok_or(InvalidLadder::Unavailable(set))
        });
        let first = sets
            .next()
            .unwrap_or_else(|| Err(InvalidProtocolSet(String::new()).into()))?;
        let mut ladder = Self::of_one(first);
        for set in sets {
            let set = set?;
            if ladder.sets().any(|earlier| earlier == set) {
                return Err(InvalidLadder::Repeated(set));
            }
            ladder.rest.push(set);
        }
        Ok(ladder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_reads_back_what_it_prints() {
        let ladders = [
            (Ladder::gentle(), "tls1.3+tls1.2"),
            (Ladder::fast(), "tls1.2+tls1.1+tls1.0,tls1.3"),
            (
                Ladder::standard(),
                "tls1.2+tls1.1+tls1.0,tls1.3,tls1.0+ssl3,ssl3,tls1.0+ssl3+ssl2,ssl2",
            ),
            (
                Ladder::venafi(),
                "tls1.0+ssl3+ssl2,tls1.0+ssl3,tls1.2+tls1.1+tls1.0,ssl3",
            ),
        ];
        for (ladder, text) in ladders {
            assert_eq!(ladder.to_string(), text);
            assert_eq!(text.parse(), Ok(ladder));
        }
        assert_eq!(Ladder::default(), Ladder::standard());
        let spaced: Ladder = "tls1.3, tls1.0".parse().unwrap();
        assert_eq!(spaced.to_string(), "tls1.3,tls1.0");
    }

    #[test]
    fn the_field_s_own_ladder_has_a_name() {
        assert_eq!("venafi".parse(), Ok(Ladder::venafi()));
        assert!("venafi,tls1.3".parse::<Ladder>().is_err());
    }

    #[test]
    fn every_set_of_what_comes_in_clear_is_available() {
        let words = ["tls1.2", "tls1.1", "tls1.0", "ssl3", "ssl2"];
        for chosen in 1..1 << words.len() {
            let chosen: Vec<&str> = words
                .iter()
                .enumerate()
                .filter(|(bit, _)| chosen & 1 << bit != 0)
                .map(|(_, word)| *word)
                .collect();
            let text = chosen.join("+");
            assert_eq!(text.parse::<Ladder>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_set_without_a_hello_is_refused_with_those_that_have_one() {
        for unavailable in ["tls1.3+tls1.1", "tls1.3+tls1.2+tls1.1", "tls1.3+ssl2"] {
            let error = unavailable.parse::<Ladder>().unwrap_err();
            assert!(matches!(error, InvalidLadder::Unavailable(_)));
            assert!(error.to_string().contains("available: tls1.3"), "{error}");
        }
        for wrong in ["", "tls1.4", "tls1.3,", "tls1.3,tls1.3"] {
            assert!(wrong.parse::<Ladder>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_restricted_ladder_keeps_the_sets_that_can_ask_for_its_key_type() {
        let restricted = |key_type| {
            let ladder = Ladder::standard().restricted_to(key_type)?;
            assert_eq!(ladder.key_type(), Some(key_type));
            assert!(ladder.rungs().all(|rung| rung.key_type == Some(key_type)));
            Some(ladder.to_string())
        };
        let modern = "tls1.2+tls1.1+tls1.0,tls1.3";
        for key_type in [KeyType::Rsa, KeyType::Ecdsa, KeyType::Eddsa] {
            assert_eq!(restricted(key_type).as_deref(), Some(modern));
        }
        let in_clear = restricted(KeyType::Dsa);
        assert_eq!(in_clear.as_deref(), Some("tls1.2+tls1.1+tls1.0"));
        assert_eq!(restricted(KeyType::MlDsa).as_deref(), Some("tls1.3"));
        assert_eq!(restricted(KeyType::Other), None);
        let old: Ladder = "ssl3,ssl2".parse().unwrap();
        assert_eq!(old.restricted_to(KeyType::Rsa), None);
    }
}
