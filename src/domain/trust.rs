use std::fmt;
use std::str::FromStr;

/// Whether a chain is to be trusted: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// A signature of the chain is wrong, or it can't be read.
    Invalid,
    /// Its own key signed it, and it is in none of the stores.
    SelfSigned,
    /// The chain is whole and ends in a root that no store holds.
    UntrustedRoot,
    /// An issuer is neither in what was sent nor in the stores.
    IncompleteChain,
    /// A certificate of the path is over, or has not begun.
    Expired,
    /// The name asked for is not in the leaf.
    NameMismatch,
    /// None of these.
    Trusted,
    /// Nobody looked.
    Unchecked,
}

/// A word that is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a verdict of trust")]
pub struct UnknownTrust(pub String);

impl Trust {
    /// Every verdict, in the order in which they are looked for.
    pub const ALL: [Self; 8] = [
        Self::Invalid,
        Self::SelfSigned,
        Self::UntrustedRoot,
        Self::IncompleteChain,
        Self::Expired,
        Self::NameMismatch,
        Self::Trusted,
        Self::Unchecked,
    ];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::SelfSigned => "self-signed",
            Self::UntrustedRoot => "untrusted-root",
            Self::IncompleteChain => "incomplete-chain",
            Self::Expired => "expired",
            Self::NameMismatch => "name-mismatch",
            Self::Trusted => "trusted",
            Self::Unchecked => "unchecked",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Trust {
    type Err = UnknownTrust;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|trust| trust.as_str() == text)
            .ok_or_else(|| UnknownTrust(text.to_owned()))
    }
}
