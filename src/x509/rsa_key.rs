//! The DER of a SubjectPublicKeyInfo → the numbers of an RSA key.

use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::sha1;
use super::walk::Element;

/// The numbers of an RSA public key (RFC 8017 section 3.1), big-endian,
/// without leading zeros. They may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// The product of the primes.
    pub modulus: Vec<u8>,
    /// The public exponent.
    pub exponent: Vec<u8>,
}

impl RsaKey {
    /// The SHA-1 of `Modulus=`, the modulus in hexadecimal and a line feed, as
    /// `openssl rsa -modulus` prints it: by that, lists of weak keys name them
    /// (openssl-vulnkey(1)).
    #[must_use]
    pub fn modulus_sha1(&self) -> [u8; 20] {
        let digits = data_encoding::HEXUPPER.encode(&self.modulus);
        sha1(format!("Modulus={}\n", digits.trim_start_matches('0')).as_bytes())
    }
}

/// Reads the RSA key in the DER of a SubjectPublicKeyInfo, a key meant for
/// PSS alone (RFC 4055) too; `None` where it is of another family or can't be
/// read.
#[must_use]
pub fn rsa_public_key(spki: &[u8]) -> Option<RsaKey> {
    let (_, key) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    if !is_rsa(&key.algorithm.oid().to_id_string()) {
        return None;
    }
    let sequence = Element::first(&key.subject_public_key.data)?;
    let mut integers = sequence.within(Tag::Sequence);
    let mut next = || integers.next().and_then(|integer| unsigned(&integer));
    Some(RsaKey {
        modulus: next()?,
        exponent: next()?,
    })
}

/// rsaEncryption, and the same key meant for PSS alone (RFC 4055).
pub(super) fn is_rsa(oid: &str) -> bool {
    matches!(oid, "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10")
}

/// An INTEGER, taken as unsigned: an encoder that forgot the sign octet meant
/// it so.
fn unsigned(integer: &Element<'_>) -> Option<Vec<u8>> {
    let octets = integer.is(Tag::Integer).then_some(integer.any.data)?;
    let start = octets.iter().position(|octet| *octet != 0);
    let significant = start.and_then(|start| octets.get(start..));
    Some(significant.unwrap_or_default().to_vec())
}
