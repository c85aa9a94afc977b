//! The hash of a certificate or a key, or a file that holds some → the hashes.

use std::fmt::Display;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::in_full;
use crate::domain::{Der, Fingerprint};
use crate::store::CertificateHash;
use crate::x509;

/// Reads every value of a flag; a file may hold several.
pub(super) fn read<T>(
    texts: &[String],
    flag: &str,
    one: impl Fn(&str) -> Result<Vec<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let named = |failure: Failure| Failure {
        message: format!("{flag} {}", failure.message),
        ..failure
    };
    let read = texts.iter().map(|text| one(text).map_err(named));
    let read: Result<Vec<_>, Failure> = read.collect();
    read.map(|values| values.into_iter().flatten().collect())
}

/// A certificate by its SHA-1 or SHA-256, or those of a file.
pub(super) fn certificates(text: &str) -> Result<Vec<CertificateHash>, Failure> {
    match text.parse() {
        Ok(hash) => Ok(vec![hash]),
        Err(error) => {
            let found = fingerprints_in(text, error)?.into_iter();
            Ok(found.map(CertificateHash::Sha256).collect())
        }
    }
}

/// A certificate by its SHA-256, or those of a file.
pub(super) fn authorities(text: &str) -> Result<Vec<Fingerprint>, Failure> {
    match text.parse() {
        Ok(fingerprint) => Ok(vec![fingerprint]),
        Err(error) => fingerprints_in(text, error),
    }
}

/// A key by the SHA-256 of its SubjectPublicKeyInfo, or those of a file.
pub(super) fn keys(text: &str) -> Result<Vec<Fingerprint>, Failure> {
    match text.parse() {
        Ok(fingerprint) => Ok(vec![fingerprint]),
        Err(error) => match contents(text)? {
            None => Err(neither(error)),
            Some(bytes) => some(text, ANY_KEY, x509::keys_in(&bytes)),
        },
    }
}

/// Of the certificates in the file of this name, which is no hash.
fn fingerprints_in(text: &str, not_a_hash: impl Display) -> Result<Vec<Fingerprint>, Failure> {
    match contents(text)? {
        None => Err(neither(not_a_hash)),
        Some(bytes) => {
            let certificates = x509::every_certificate_in(&bytes);
            some(
                text,
                CERTIFICATE,
                certificates.iter().map(Der::fingerprint).collect(),
            )
        }
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

/// What is looked for in a file.
const CERTIFICATE: &str = "certificate";
const ANY_KEY: &str = "certificate, certification request or public key";

/// What was found in the file at `path` of what was `sought`, if anything was.
fn some<T>(path: &str, sought: &str, found: Vec<T>) -> Result<Vec<T>, Failure> {
    if found.is_empty() {
        let problem = format_args!("{path}: there is no {sought} in it");
        return Err(Failure::usage(problem).hint(Some(READ)));
    }
    Ok(found)
}

/// The certificates in the file of this name; none for a hash.
pub(super) fn certificates_at_hand(text: &str) -> Result<Vec<Der>, Failure> {
    if text.parse::<Fingerprint>().is_ok() {
        return Ok(Vec::new());
    }
    let file = contents(text)?.unwrap_or_default();
    some(text, CERTIFICATE, x509::every_certificate_in(&file))
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
