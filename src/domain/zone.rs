use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// From where we look. Two plants may both use 10.0.0.0/24, so the zone is
/// part of every endpoint's identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(Arc<str>);

/// A zone name that is empty, too long, or holds something but letters,
/// digits, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a zone name (1 to 64 letters, digits, `.`, `_` or `-`)")]
pub struct InvalidZone(pub String);

/// Longest zone name, in bytes: it stands in every row of every report.
const MAX_LENGTH: usize = 64;

impl Zone {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(Arc::from("default"))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(InvalidZone(text.to_owned()));
        }
        Ok(Self(Arc::from(text)))
    }
}
