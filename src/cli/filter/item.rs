//! The hash of a certificate or a key, or a file that holds one → the hash.

use std::fmt::Display;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::in_full;
use crate::domain::{Der, Fingerprint};
use crate::store::CertificateHash;
use crate::x509;

/// Reads every value of a flag.
pub(super) fn read<T>(
    texts: &[String],
    flag: &str,
    one: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let named = |failure: Failure| Failure {
        message: format!("{flag} {}", failure.message),
        ..failure
    };
    texts.iter().map(|text| one(text).map_err(named)).collect()
}

/// A certificate by its SHA-1 or SHA-256.
pub(super) fn certificate(text: &str) -> Result<CertificateHash, Failure> {
    match text.parse() {
        Ok(hash) => Ok(hash),
        Err(error) => match contents(text)? {
            None => Err(neither(error)),
            Some(bytes) => Ok(CertificateHash::Sha256(in_file(
                text,
                x509::certificate_in(&bytes),
            )?)),
        },
    }
}

/// A certificate by its SHA-256.
pub(super) fn authority(text: &str) -> Result<Fingerprint, Failure> {
    match text.parse() {
        Ok(fingerprint) => Ok(fingerprint),
        Err(error) => match contents(text)? {
            None => Err(neither(error)),
            Some(bytes) => in_file(text, x509::certificate_in(&bytes)),
        },
    }
}

/// A key by the SHA-256 of its SubjectPublicKeyInfo.
pub(super) fn key(text: &str) -> Result<Fingerprint, Failure> {
    match text.parse() {
        Ok(fingerprint) => Ok(fingerprint),
        Err(error) => match contents(text)? {
            None => Err(neither(error)),
            Some(bytes) => in_file(text, x509::key_in(&bytes)),
        },
    }
}

fn neither(not_a_hash: impl Display) -> Failure {
    Failure::usage(not_a_hash).hint(Some("there is no file of this name either"))
}

/// What is read, for who named something else.
const READ: &str = "files with PEM or DER are read";

/// The bytes of the file of this name; `None` where there is none.
fn contents(text: &str) -> Result<Option<Vec<u8>>, Failure> {
    let path = Path::new(text);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(path);
    bytes
        .map(Some)
        .map_err(|error| Failure::usage(format_args!("{text}: {error}")).hint(Some(READ)))
}

fn in_file(path: &str, found: Option<Fingerprint>) -> Result<Fingerprint, Failure> {
    found.ok_or_else(|| nothing_in(path))
}

fn nothing_in(path: &str) -> Failure {
    Failure::usage(format_args!("{path}: nothing of that kind is in it")).hint(Some(READ))
}

/// The certificate in the file of this name; `None` for a hash.
pub(super) fn certificate_at_hand(text: &str) -> Option<Result<Der, Failure>> {
    if text.parse::<Fingerprint>().is_ok() {
        return None;
    }
    Some(contents(text).and_then(|file| {
        let certificate = x509::first_certificate_in(&file.unwrap_or_default());
        certificate.ok_or_else(|| nothing_in(text))
    }))
}

/// A hash as it is; a file's path in full.
pub(super) fn in_words(text: &str) -> String {
    let path = Path::new(text);
    if path.exists() {
        in_full(path)
    } else {
        text.to_owned()
    }
}
