//! Certificates that stand alone, for keys of every kind that OpenSSL makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::identity::sha256;
use super::process::run;

/// A self-signed certificate and its key.
pub(crate) struct SelfSigned {
    /// PEM, the certificate first where both are in one file.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// SHA-256 of the certificate's DER, lower-case hex.
    pub(crate) sha256: String,
    _folder: Option<TempDir>,
}

impl SelfSigned {
    /// For a new key: `openssl genpkey` with these words.
    pub(crate) fn new(genpkey: &str) -> Self {
        Self::with_digest(genpkey, "-sha256")
    }

    /// The same, of this subject, written as OpenSSL has it.
    pub(crate) fn of_subject(genpkey: &str, subject: &str) -> Self {
        Self::made(genpkey, "-sha256", subject)
    }

    /// The same, signed with this digest.
    pub(crate) fn with_digest(genpkey: &str, digest: &str) -> Self {
        Self::made(genpkey, digest, "/CN=key.sweep.test")
    }

    fn made(genpkey: &str, digest: &str, subject: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let [key, certificate] =
            ["key.pem", "certificate.pem"].map(|name| folder.path().join(name));
        run(Command::new("openssl")
            .arg("genpkey")
            .args(genpkey.split(' '))
            .arg("-out")
            .arg(&key));
        run(Command::new("openssl")
            .args(["req", "-x509", "-new", "-days", "3650", digest])
            .args(["-subj", subject])
            .args(["-addext", "subjectAltName=DNS:key.sweep.test", "-key"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate));
        Self {
            sha256: sha256(&certificate),
            certificate,
            key,
            _folder: Some(folder),
        }
    }

    /// One of `tests/fixtures/keys`.
    pub(crate) fn fixture(name: &str) -> Self {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/keys", name]
            .iter()
            .collect();
        Self {
            sha256: sha256(&path),
            key: path.clone(),
            certificate: path,
            _folder: None,
        }
    }

    /// The certificate, DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        certificate_in(&self.certificate)
    }
}

/// The first certificate in a PEM file, DER.
pub(crate) fn certificate_in(file: &Path) -> Vec<u8> {
    let blocks = pem::parse_many(fs::read(file).unwrap()).unwrap();
    let certificate = blocks.into_iter().find(|pem| pem.tag() == "CERTIFICATE");
    certificate.unwrap().into_contents()
}
