use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of one certificate exactly as received; they may be anything.
///
/// Clones share them, and their fingerprint once it was asked for.
#[derive(Clone)]
pub struct Der(Arc<Received>);

struct Received {
    bytes: Box<[u8]>,
    fingerprint: OnceLock<Fingerprint>,
}

/// SHA-256 of the received bytes: the identity of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 fingerprint (64 hexadecimal digits)")]
pub struct InvalidFingerprint(pub String);

/// Certificates exactly as presented, leaf first. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    leaf: Der,
    rest: Vec<Der>,
}

impl Der {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Their SHA-256, computed once.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let received = &*self.0;
        let compute = || Fingerprint::of(&received.bytes);
        *received.fingerprint.get_or_init(compute)
    }
}

impl PartialEq for Der {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Der {}

impl Hash for Der {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl From<&[u8]> for Der {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Der {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Received {
            bytes: bytes.into_boxed_slice(),
            fingerprint: OnceLock::new(),
        }))
    }
}

impl fmt::Debug for Der {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.as_bytes().len();
        write!(f, "Der({length} bytes, {})", self.fingerprint())
    }
}

impl Fingerprint {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.as_ref());
        Self(fingerprint)
    }

    /// SHA-256 of several, in their order: of as many bytes as they have, so
    /// that no two lists are the same.
    #[must_use]
    pub fn of_all(fingerprints: &[Self]) -> Self {
        let bytes: Vec<_> = fingerprints.iter().flat_map(|one| one.0).collect();
        Self::of(&bytes)
    }

    /// The fingerprint with these 32 bytes, as the inventory holds them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&HEXLOWER.encode_display(&self.0), f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidFingerprint(text.to_owned());
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut fingerprint = [0; 32];
        for (byte, pair) in fingerprint.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(fingerprint))
    }
}

impl Chain {
    /// The chain of a Certificate message; `None` when it listed nothing.
    #[must_use]
    pub fn from_wire(certificates: Vec<Der>) -> Option<Self> {
        let mut certificates = certificates.into_iter();
        let leaf = certificates.next()?;
        Some(Self {
            leaf,
            rest: certificates.collect(),
        })
    }

    /// The first certificate sent, the server's own.
    #[must_use]
    pub fn leaf(&self) -> &Der {
        &self.leaf
    }

    /// What followed it, in the order sent.
    #[must_use]
    pub fn rest(&self) -> &[Der] {
        &self.rest
    }

    /// All of it, leaf first.
    pub fn iter(&self) -> impl Iterator<Item = &Der> {
        std::iter::once(&self.leaf).chain(&self.rest)
    }

    /// SHA-256 over the fingerprints in the order sent: the identity of this
    /// chain, since the same certificates in another order are another chain.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut context = digest::Context::new(&digest::SHA256);
        for der in self.iter() {
            context.update(der.fingerprint().as_bytes());
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.finish().as_ref());
        Fingerprint(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_what_it_prints() {
        let fingerprint = Fingerprint::of(b"abc");
        let text = fingerprint.to_string();
        assert_eq!(
            text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(text.parse(), Ok(fingerprint));
        assert!(text.get(1..).unwrap().parse::<Fingerprint>().is_err());
    }

    #[test]
    fn the_same_bytes_are_the_same_der_however_they_came() {
        let (one, other) = (Der::from(&b"abc"[..]), Der::from(b"abc".to_vec()));
        assert_eq!(one, other);
        assert_eq!(one.fingerprint(), Fingerprint::of(b"abc"));
        assert_eq!(one.clone().fingerprint(), other.fingerprint());
        assert_ne!(one, Der::from(&b"abd"[..]));
    }

    #[test]
    fn a_chain_has_a_leaf_and_its_order_is_part_of_it() {
        assert_eq!(Chain::from_wire(Vec::new()), None);
        let (a, b) = (Der::from(&b"a"[..]), Der::from(&b"b"[..]));
        let chain = Chain::from_wire(vec![a.clone(), b.clone()]).unwrap();
        let swapped = Chain::from_wire(vec![b.clone(), a.clone()]).unwrap();
        assert_eq!(chain.leaf(), &a);
        assert_eq!(chain.rest(), [b]);
        assert_ne!(chain.fingerprint(), swapped.fingerprint());
    }
}
