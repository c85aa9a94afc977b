use std::fmt;
use std::str::FromStr;

use super::TlsVersion;

/// The versions one ClientHello offers: `tls1.2+tls1.1+tls1.0`. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtocolSet(u8);

/// A text that names no set of protocols.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol (tls1.3, tls1.2, tls1.1, tls1.0, ssl3 or ssl2)")]
pub struct InvalidProtocolSet(pub String);

/// Newest first: the order in which a set is written.
const WORDS: [(&str, TlsVersion); 6] = [
    ("tls1.3", TlsVersion::TLS_1_3),
    ("tls1.2", TlsVersion::TLS_1_2),
    ("tls1.1", TlsVersion::TLS_1_1),
    ("tls1.0", TlsVersion::TLS_1_0),
    ("ssl3", TlsVersion::SSL_3),
    ("ssl2", TlsVersion::SSL_2),
];

impl ProtocolSet {
    /// TLS 1.3 alone.
    pub const TLS_1_3: Self = Self(0b00_0001);
    /// The two that are in use.
    pub const TLS_1_3_OR_1_2: Self = Self(0b00_0011);
    /// TLS 1.0 or SSL 3.0.
    pub const TLS_1_0_OR_SSL_3: Self = Self(0b01_1000);
    /// SSL 3.0 alone.
    pub const SSL_3: Self = Self(0b01_0000);
    /// TLS 1.0, or anything older.
    pub const TLS_1_0_TO_SSL_2: Self = Self(0b11_1000);
    /// SSL 2.0 alone.
    pub const SSL_2: Self = Self(0b10_0000);
    /// Everything that sends its certificate in clear and takes extensions.
    pub const TLS_1_2_TO_1_0: Self = Self(0b00_1110);

    /// This version alone; `None` for one that no set holds.
    #[must_use]
    pub fn only(version: TlsVersion) -> Option<Self> {
        let bit = WORDS.iter().position(|(_, known)| *known == version);
        bit.map(|bit| Self(1 << bit))
    }

    /// The versions in it, newest first.
    pub fn versions(self) -> impl Iterator<Item = TlsVersion> {
        WORDS
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, (_, version))| *version)
    }

    /// The newest version in it.
    #[must_use]
    pub fn newest(self) -> TlsVersion {
        self.versions().next().unwrap_or(TlsVersion::SSL_2)
    }

    /// Whether every version of `other` is in it too.
    #[must_use]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether `version` is offered.
    #[must_use]
    pub fn contains(self, version: TlsVersion) -> bool {
        self.versions().any(|offered| offered == version)
    }
}

impl fmt::Display for ProtocolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (bit, (word, _)) in WORDS.iter().enumerate() {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{separator}{word}")?;
                separator = "+";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ProtocolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ProtocolSet {
    type Err = InvalidProtocolSet;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split('+').try_fold(Self(0), |set, word| {
            WORDS
                .iter()
                .position(|(known, _)| *known == word)
                .map(|bit| Self(set.0 | 1 << bit))
                .ok_or_else(|| InvalidProtocolSet(word.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_what_it_prints() {
        assert_eq!(ProtocolSet::TLS_1_3.to_string(), "tls1.3");
        assert_eq!(
            ProtocolSet::TLS_1_2_TO_1_0.to_string(),
            "tls1.2+tls1.1+tls1.0"
        );
        assert_eq!(
            "tls1.0+tls1.2+tls1.1".parse(),
            Ok(ProtocolSet::TLS_1_2_TO_1_0)
        );
        let constants = [
            (ProtocolSet::TLS_1_3_OR_1_2, "tls1.3+tls1.2"),
            (ProtocolSet::TLS_1_0_OR_SSL_3, "tls1.0+ssl3"),
            (ProtocolSet::TLS_1_0_TO_SSL_2, "tls1.0+ssl3+ssl2"),
            (ProtocolSet::SSL_3, "ssl3"),
            (ProtocolSet::SSL_2, "ssl2"),
        ];
        for (set, words) in constants {
            assert_eq!(set.to_string(), words);
            assert_eq!(words.parse(), Ok(set));
        }
        assert_eq!(ProtocolSet::TLS_1_0_TO_SSL_2.newest(), TlsVersion::TLS_1_0);
        assert!(ProtocolSet::TLS_1_0_TO_SSL_2.holds(ProtocolSet::SSL_2));
        assert!(!ProtocolSet::SSL_2.holds(ProtocolSet::TLS_1_0_TO_SSL_2));
        assert!(ProtocolSet::TLS_1_2_TO_1_0.contains(TlsVersion::TLS_1_1));
        assert_eq!(
            ProtocolSet::only(TlsVersion::TLS_1_3),
            Some(ProtocolSet::TLS_1_3)
        );
        assert_eq!(ProtocolSet::only(TlsVersion(0x7f1c)), None);
        assert!("tls1.2+".parse::<ProtocolSet>().is_err());
        assert!("".parse::<ProtocolSet>().is_err());
    }
}
