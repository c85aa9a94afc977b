//! DER → facts. The only importer of the X.509 parser.
//!
//! `walk` cuts a certificate into its fields, and each field is read by
//! itself, with the parser where it serves: what is broken in one is a line
//! in `faults` and takes nothing from the others.

mod addresses;
mod collection;
mod curves;
mod der_rules;
mod directory_string;
mod extensions;
mod facts;
mod faults;
mod file;
mod linkage;
mod name;
mod name_key;
mod name_kinds;
mod name_match;
mod oid;
mod pem_blocks;
mod public_key;
mod rsa_key;
mod signature;
mod staple;
mod validity;
mod walk;

pub use addresses::addresses;
pub use collection::{BrokenCollection, Collection, Skipped, certificates_in};
pub use facts::{Certificate, Facts, Name, ParseFault, PublicKey};
pub use file::{every_certificate_in, keys_in};
pub use linkage::{Linkage, linkage};
pub use name::{name_text, name_texts};
pub use name_key::NameKey;
pub use name_kinds::NameKinds;
pub use name_match::{NameMatch, name_match};
pub use pem_blocks::{BrokenPem, ENCRYPTED, PemBlock, PrivateKeys, pem_blocks};
pub use rsa_key::{RsaKey, rsa_public_key};
pub use signature::{Signed, Verification, subject_public_key_info, verify};
pub use staple::Staple;

use aws_lc_rs::digest;
use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::x509::AlgorithmIdentifier;

use crate::domain::{Der, KeyType};
use extensions::Extensions;
use faults::Faults;
use walk::{Element, Fields};

/// Reads a certificate. Total: whatever the bytes are, they are kept, and
/// what can be read in them is.
///
/// Costs time and memory in proportion to the bytes, and one public-key
/// operation where issuer and subject are the same name.
#[must_use]
pub fn parse(der: &Der) -> Certificate {
    Certificate {
        fingerprint: der.fingerprint(),
        sha1: sha1(der.as_bytes()),
        der: der.clone(),
        facts: facts(der.as_bytes()),
    }
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut octets = [0; 20];
    octets.copy_from_slice(digest.as_ref());
    octets
}

fn facts(der: &[u8]) -> Result<Facts, ParseFault> {
    let mut faults = Faults::default();
    let fields = walk::certificate(der, &mut faults)?;
    der_rules::inspect_fields(der, &mut faults);
    let version = version(fields.version.as_ref(), &mut faults);
    note_fields_of_later_versions(version, &fields, &mut faults);
    let subject = distinguished_name(fields.subject, "subject", &mut faults);
    let issuer = distinguished_name(fields.issuer, "issuer", &mut faults);
    let self_signed = self_signed(&fields, &subject, &issuer);
    let (not_before, not_after) = validity::read(fields.validity.as_ref(), &mut faults);
    let extensions = match &fields.extensions {
        Some(list) => Extensions::read(list, &mut faults),
        None => Extensions::default(),
    };
    Ok(Facts {
        version,
        serial: serial(fields.serial, &mut faults),
        subject,
        issuer,
        not_before,
        not_after,
        public_key: public_key(fields.public_key, &mut faults),
        signature_algorithm: signature_algorithm(&fields, &mut faults),
        signature_hashes: fields
            .outer_algorithm
            .map(signature::pss_hashes)
            .unwrap_or_default(),
        alternative_names: extensions.alternative_names.unwrap_or_default(),
        key_usage: extensions.key_usage,
        extended_key_usage: extensions.extended_key_usage,
        is_ca: extensions.is_ca,
        must_staple: extensions.must_staple.unwrap_or(false),
        self_signed,
        faults: faults.into_lines(),
    })
}

fn distinguished_name(der: Option<&[u8]>, field: &str, faults: &mut Faults) -> Name {
    if let Some(der) = der {
        name::read(der, field, faults)
    } else {
        faults.note(field, "missing");
        Name::default()
    }
}

fn public_key(der: Option<&[u8]>, faults: &mut Faults) -> PublicKey {
    if let Some(der) = der {
        return public_key::read(der, faults);
    }
    faults.note("public key", "missing");
    PublicKey {
        key_type: KeyType::Unparsed,
        bits: None,
        curve: None,
        spki: None,
    }
}

/// RFC 5280 section 4.1.2.1: people count from 1, the encoding from 0.
fn version(encoded: Option<&Element<'_>>, faults: &mut Faults) -> u64 {
    let Some(encoded) = encoded else {
        return 1;
    };
    let octets = encoded.any.data;
    let readable = encoded.is(Tag::Integer) && !octets.is_empty() && octets.len() <= 7;
    if !readable || octets.first().is_some_and(|octet| *octet > 0x7f) {
        faults.note("version", "can't be read");
        return 0;
    }
    let count_from_zero = |number, octet: &u8| number << 8 | u64::from(*octet);
    let version = octets.iter().fold(0, count_from_zero) + 1;
    if version > 3 {
        faults.note("version", format!("{version} is not defined"));
    }
    version
}

/// RFC 5280 sections 4.1.2.8 and 4.1.2.9: what versions 1 and 2 have not.
fn note_fields_of_later_versions(version: u64, fields: &Fields<'_>, faults: &mut Faults) {
    let mut note = |field| {
        faults.note(field, format!("in a certificate of version {version}"));
    };
    if version == 1 && fields.has_unique_identifiers {
        note("unique identifiers");
    }
    if matches!(version, 1 | 2) && fields.extensions.is_some() {
        note("extensions");
    }
}

/// Most octets of a serial number, RFC 5280 section 4.1.2.2.
const MAX_SERIAL: usize = 20;

/// RFC 5280 section 4.1.2.2: a positive number. It is kept whatever it is.
fn serial(octets: &[u8], faults: &mut Faults) -> Vec<u8> {
    match octets {
        [] => faults.note("serial number", "empty"),
        [0x80..=0xff, ..] => faults.note("serial number", "negative"),
        _ if octets.iter().all(|octet| *octet == 0) => faults.note("serial number", "zero"),
        _ => {}
    }
    if octets.len() > MAX_SERIAL {
        let length = octets.len();
        faults.note(
            "serial number",
            format!("{length} octets long, {MAX_SERIAL} are allowed"),
        );
    }
    octets.to_vec()
}

/// RFC 5280 section 4.1.1.2; it also stands inside of what is signed, and
/// must be the same there.
fn signature_algorithm(fields: &Fields<'_>, faults: &mut Faults) -> String {
    let (inner, outer) = (fields.inner_algorithm, fields.outer_algorithm);
    if inner.is_some() && outer.is_some() && inner != outer {
        faults.note("signature algorithm", "another inside than outside");
    }
    for identifier in [inner, outer]
        .into_iter()
        .flatten()
        .filter_map(Element::first)
    {
        let parts = identifier.within(Tag::Sequence);
        parts.note_excess(2, "signature algorithm", faults);
    }
    let name = |der| {
        let (_, identifier) = AlgorithmIdentifier::from_der(der).ok()?;
        Some(oid::signature_algorithm(identifier.oid()))
    };
    outer
        .and_then(name)
        .or_else(|| inner.and_then(name))
        .unwrap_or_else(|| {
            faults.note("signature algorithm", "can't be read");
            String::new()
        })
}

/// By its signature, where `subject` and `issuer` are the same name, however
/// each is written.
fn self_signed(fields: &Fields<'_>, subject: &Name, issuer: &Name) -> Option<bool> {
    // Of a certificate that ends before its subject nothing is known.
    fields.subject?;
    if NameKey::of(issuer) != NameKey::of(subject) {
        return Some(false);
    }
    match verify(&Signed::of(fields)?, fields.public_key?) {
        Verification::Valid => Some(true),
        Verification::Invalid => Some(false),
        Verification::NotCheckable => None,
    }
}

#[cfg(test)]
mod tests;
