use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{NamedGroup, TlsVersion, UnknownGroup};

/// What an endpoint accepts beside what it chose: one connection a version,
/// and one for the groups that withstand a quantum computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Every version asked for by itself, and whether a ServerHello of that
    /// version came back. A version whose asking failed for another reason
    /// (time-out, fault of ours) is not in it.
    pub versions: BTreeMap<TlsVersion, Acceptance>,
    /// The hybrid post-quantum group it agrees to in TLS 1.3; `None` where
    /// that is not known.
    pub hybrid_group: Option<HybridGroup>,
}

/// Whether a server takes a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acceptance {
    /// Its ServerHello chose it.
    Accepted,
    /// It answered otherwise.
    Refused,
}

/// Whether a server agrees to a hybrid post-quantum key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HybridGroup {
    /// To this one, when it was offered nothing else.
    Agreed(NamedGroup),
    /// To none of those offered.
    Refused,
}

impl Survey {
    /// The versions it accepts, oldest first.
    pub fn accepted(&self) -> impl Iterator<Item = TlsVersion> {
        self.answered(Acceptance::Accepted)
    }

    /// The versions it refuses, oldest first.
    pub fn refused(&self) -> impl Iterator<Item = TlsVersion> {
        self.answered(Acceptance::Refused)
    }

    fn answered(&self, wanted: Acceptance) -> impl Iterator<Item = TlsVersion> {
        let answers = self.versions.iter();
        let answers = answers.filter(move |(_, acceptance)| **acceptance == wanted);
        answers.map(|(version, _)| *version)
    }
}

impl Acceptance {
    /// Its word, as the inventory writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for HybridGroup {
    /// The group's name, or `refused`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreed(group) => group.fmt(f),
            Self::Refused => f.write_str("refused"),
        }
    }
}

impl FromStr for HybridGroup {
    type Err = UnknownGroup;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refused" => Ok(Self::Refused),
            group => group.parse().map(Self::Agreed),
        }
    }
}
