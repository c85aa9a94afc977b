//! Which kinds of names there are in a certificate, or in its limits.

use std::ops::BitOr;

/// A set of kinds of names: those of GeneralName, by their tags (RFC 5280
/// section 4.2.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameKinds(u16);

impl NameKinds {
    /// dNSName, number 2, and iPAddress, number 7.
    pub const HOSTS: Self = Self((1 << 2) | (1 << 7));
    /// directoryName, number 4: every certificate has one, its subject.
    pub const DIRECTORY: Self = Self(1 << 4);
    /// Those that can't be read, which may be of every kind.
    pub const UNREADABLE: Self = Self(u16::MAX);

    /// The kind of the names under this tag.
    #[must_use]
    pub fn of_tag(tag: u32) -> Self {
        match tag {
            0..=8 => Self(1 << tag),
            _ => Self::UNREADABLE,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a kind other than those of hosts is in both.
    #[must_use]
    pub fn shares_beside_hosts(self, other: Self) -> bool {
        self.0 & other.0 & !Self::HOSTS.0 != 0
    }
}

impl BitOr for NameKinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Self> for NameKinds {
    fn from_iter<I: IntoIterator<Item = Self>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::default(), BitOr::bitor)
    }
}
