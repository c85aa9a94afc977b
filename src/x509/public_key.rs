//! The DER of a SubjectPublicKeyInfo → family, size, curve.
//!
//! The parser's own sizes are off (P-521 as 528 bits, the modulus short of
//! a byte, nothing for Ed448 and RSA-PSS), so they are counted here.

use x509_parser::asn1_rs::{Any, FromDer, Oid, Tag};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::faults::Faults;
use super::walk::{Element, elements};
use super::{PublicKey, curves, rsa_key};
use crate::domain::{Fingerprint, KeyType};

/// Family, bits and curve.
type Kind = (KeyType, Option<u32>, Option<String>);

/// Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
pub(super) fn read(der: &[u8], faults: &mut Faults) -> PublicKey {
    let (key_type, bits, curve) = if let Ok((_, key)) = SubjectPublicKeyInfo::from_der(der) {
        note_excess(der, faults);
        kind(&key)
    } else {
        faults.note("public key", "can't be read");
        (KeyType::Unparsed, None, None)
    };
    PublicKey {
        key_type,
        bits,
        curve,
        spki: Some(Fingerprint::of(der)),
    }
}

/// An algorithm with its parameters and the key, and no more.
fn note_excess(der: &[u8], faults: &mut Faults) {
    let Some(info) = Element::first(der) else {
        return;
    };
    let parts = info.within(Tag::Sequence);
    parts.note_excess(2, "public key", faults);
    for algorithm in parts.take(1) {
        let parts = algorithm.within(Tag::Sequence);
        parts.note_excess(2, "public key", faults);
    }
}

fn kind(key: &SubjectPublicKeyInfo<'_>) -> Kind {
    let parameters = key.algorithm.parameters();
    let bits = &*key.subject_public_key.data;
    let named = |key_type, bits, name: &str| (key_type, Some(bits), Some(name.to_owned()));
    match key.algorithm.oid().to_id_string().as_str() {
        rsa if rsa_key::is_rsa(rsa) => (KeyType::Rsa, first_integer_in_sequence(bits), None),
        "1.2.840.10045.2.1" => elliptic(parameters),
        "1.2.840.10040.4.1" => {
            let prime = parameters.and_then(|parameters| first_integer(parameters.data));
            (KeyType::Dsa, prime, None)
        }
        "1.3.101.110" => named(KeyType::Other, 255, "X25519"),
        "1.3.101.111" => named(KeyType::Other, 448, "X448"),
        "1.3.101.112" => named(KeyType::Eddsa, 255, "Ed25519"),
        "1.3.101.113" => named(KeyType::Eddsa, 448, "Ed448"),
        "2.16.840.1.101.3.4.3.17" => (KeyType::MlDsa, Some(44), None),
        "2.16.840.1.101.3.4.3.18" => (KeyType::MlDsa, Some(65), None),
        "2.16.840.1.101.3.4.3.19" => (KeyType::MlDsa, Some(87), None),
        _ => (KeyType::Other, None, None),
    }
}

/// The named curve of RFC 5480 section 2.1.1; of explicit parameters
/// (RFC 3279 section 2.3.5) the field's size, and no name.
fn elliptic(parameters: Option<&Any<'_>>) -> Kind {
    let (curve, bits) = match parameters {
        Some(parameters) if parameters.tag() == Tag::Oid => {
            let (curve, bits) = curves::curve(&Oid::new(parameters.data.into()));
            (Some(curve), bits)
        }
        Some(parameters) if parameters.tag() == Tag::Sequence => {
            let field = elements(parameters.data).nth(1);
            (None, field.and_then(|field| field_bits(&field)))
        }
        _ => (None, None),
    };
    (KeyType::Ecdsa, bits, curve)
}

/// The bits of a FieldID (RFC 3279 section 2.3.5): of a prime, or as many as
/// the degree that the parameters of characteristic two begin with.
fn field_bits(field: &Element<'_>) -> Option<u32> {
    let field = field.within(Tag::Sequence).nth(1)?;
    if !field.is(Tag::Sequence) {
        return magnitude(&field);
    }
    let degree = field.within(Tag::Sequence).next()?;
    let octets = degree.is(Tag::Integer).then_some(degree.any.data)?;
    octets.iter().try_fold(0u32, |number, octet| {
        number.checked_mul(256)?.checked_add(u32::from(*octet))
    })
}

/// The bits of the first INTEGER in a SEQUENCE: of an RSAPublicKey's modulus.
fn first_integer_in_sequence(der: &[u8]) -> Option<u32> {
    let sequence = Element::first(der).filter(|element| element.is(Tag::Sequence))?;
    first_integer(sequence.any.data)
}

/// The bits of the INTEGER that `content` begins with.
fn first_integer(content: &[u8]) -> Option<u32> {
    magnitude(&Element::first(content)?)
}

/// The bits of an INTEGER, taken as unsigned: an encoder that forgot the
/// sign octet meant it so.
fn magnitude(integer: &Element<'_>) -> Option<u32> {
    if !integer.is(Tag::Integer) {
        return None;
    }
    let octets = integer.any.data;
    let Some(padding) = octets.iter().position(|octet| *octet != 0) else {
        return Some(0);
    };
    let (first, rest) = octets.get(padding..)?.split_first()?;
    let rest = u32::try_from(rest.len()).ok()?.checked_mul(8)?;
    rest.checked_add(8 - first.leading_zeros())
}
