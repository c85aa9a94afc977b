//! Lists of RSA keys that somebody else has → whether a key is one of them.

use std::fmt;
use std::sync::Arc;

use crate::x509::RsaKey;

/// Keys whose private halves are known: those that Debian's OpenSSL made until
/// 2008 (CVE-2008-0166), those that products were shipped with. Clones share
/// them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WeakKeys(Arc<[Checksum]>);

/// The last 80 bits of [`RsaKey::modulus_sha1`].
type Checksum = [u8; 10];

/// A line of a list that is no checksum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is not the checksum of a key")]
pub struct InvalidChecksum {
    /// From 1.
    pub line: usize,
    /// What stands there, cut to [`Self::LONGEST`] characters.
    pub text: String,
}

impl InvalidChecksum {
    /// Characters of a wrong line that are told.
    pub const LONGEST: usize = 60;

    /// What a right one looks like.
    pub const HINT: &'static str = "a list has a key a line, 20 or 40 hexadecimal digits: the \
        last ones of `openssl rsa -noout -modulus -in key.pem | sha1sum`; lines that begin with # are \
        comments";
}

impl WeakKeys {
    /// Reads a list in the form of openssl-vulnkey(1): of each key the SHA-1 of
    /// what `openssl -modulus` prints, or its last 20 digits, a line each;
    /// lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The first line that is neither.
    pub fn read(list: &str) -> Result<Self, InvalidChecksum> {
        let lines = (1..).zip(list.lines().map(str::trim));
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(number, line)| checksum(line).ok_or_else(|| invalid(number, line));
        keys.map(read).collect::<Result<_, _>>().map(Self::of)
    }

    /// The keys of several lists.
    #[must_use]
    pub fn join(lists: &[Self]) -> Self {
        Self::of(lists.iter().flat_map(|list| &*list.0).copied().collect())
    }

    fn of(mut checksums: Vec<Checksum>) -> Self {
        checksums.sort_unstable();
        checksums.dedup();
        Self(checksums.into())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key is one of them.
    #[must_use]
    pub fn contain(&self, key: &RsaKey) -> bool {
        let sha1 = key.modulus_sha1();
        let checksum = sha1.last_chunk::<10>();
        checksum.is_some_and(|checksum| self.0.binary_search(checksum).is_ok())
    }
}

/// The last 80 bits of what is written in hexadecimal.
fn checksum(line: &str) -> Option<Checksum> {
    let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(line.as_bytes());
    let octets = octets.ok().filter(|it| matches!(it.len(), 10 | 20))?;
    octets.last_chunk().copied()
}

fn invalid(line: usize, text: &str) -> InvalidChecksum {
    InvalidChecksum {
        line,
        text: text.chars().take(InvalidChecksum::LONGEST).collect(),
    }
}

impl fmt::Debug for WeakKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} weak keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl rsa -modulus` of it prints `Modulus=C5`.
    fn key() -> RsaKey {
        RsaKey {
            modulus: vec![0xc5],
            exponent: vec![3],
        }
    }

    /// `printf 'Modulus=C5\n' | sha1sum`
    const SHA1: &str = "d421fcb4ffdada55297b8faac7e795b2ab19cfc2";

    #[test]
    fn a_key_is_found_by_its_checksum_whole_or_cut() {
        for line in [SHA1, &SHA1[20..], &SHA1.to_uppercase()] {
            let text = format!("# a list\n\n0123456789abcdef0123\n {line}\r\n");
            let keys = WeakKeys::read(&text).unwrap();
            let joined = WeakKeys::join(&[WeakKeys::default(), keys.clone(), keys.clone()]);
            assert_eq!(joined, keys);
            assert!(keys.contain(&key()), "{line}");
        }
        let others = WeakKeys::read("0123456789abcdef0123").unwrap();
        assert!(!others.contain(&key()) && !others.is_empty());
        assert!(WeakKeys::default().is_empty());
    }

    #[test]
    fn a_line_that_is_no_checksum_is_told_with_its_place() {
        for wrong in [
            "Modulus=C5",
            "0123",
            "0123456789abcdef012g",
            &"é".repeat(99),
        ] {
            let text = format!("# a list\n{wrong}\n");
            let error = WeakKeys::read(&text).unwrap_err();
            assert_eq!(error.line, 2, "{wrong}");
            assert!(error.text.chars().count() <= InvalidChecksum::LONGEST);
        }
    }
}
