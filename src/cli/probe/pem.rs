//! Files that the operator names → certificates and keys, or the file and line
//! where one is wrong.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::targets;
use crate::domain::Der;
use crate::probe::{ClientIdentity, TrustAnchors};
use crate::x509::{self, BrokenCollection, BrokenPem, PemBlock, PrivateKeys};

const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const DECRYPT: &str = "decrypt it first: openssl pkey -in FILE -out PLAIN";
const CLEAN: &str = "between its BEGIN and END lines a PEM file is base64 and nothing else";

/// The identity in the files of `--client-cert` and `--client-key`.
pub(super) fn identity(chain: &Path, key: &Path) -> Result<ClientIdentity, Failure> {
    let certificates = certificates(chain, "--client-cert")?;
    let key_block = key_in(key)?;
    ClientIdentity::new(&certificates, &key_block.contents).map_err(|error| {
        let files = format!("{} with {}", chain.display(), key.display());
        Failure::usage(format_args!("{files}: {error}")).hint(Some(error.hint()))
    })
}

/// The roots in the file of `--ca`.
pub(super) fn anchors(path: &Path) -> Result<TrustAnchors, Failure> {
    let roots = certificates(path, "--ca")?;
    TrustAnchors::new(&roots)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
}

fn certificates(path: &Path, said_by: &str) -> Result<Vec<Der>, Failure> {
    let contents = targets::contents(path, said_by)?;
    let found = x509::certificates_in(&contents).map_err(|broken| match broken {
        BrokenCollection::Block { line, problem } => {
            refused(path, &BrokenPem { line, problem }).hint(Some(CLEAN))
        }
        BrokenCollection::Der(_) | BrokenCollection::Empty => {
            let nothing = format!("{said_by} {}: no certificate in it", path.display());
            let hint = "a PEM file has -----BEGIN CERTIFICATE----- in it";
            Failure::usage(nothing).hint(Some(hint))
        }
    })?;
    let certificates = found.certificates.into_iter();
    Ok(certificates.map(|certificate| certificate.der).collect())
}

/// The first private key; a file may hold certificates beside it.
fn key_in(path: &Path) -> Result<PemBlock, Failure> {
    let contents = targets::contents(path, "--client-key")?;
    let blocks = x509::pem_blocks(&contents, PrivateKeys::Wanted).map_err(|broken| {
        let is_encrypted = broken.problem == x509::ENCRYPTED;
        let hint = if is_encrypted { DECRYPT } else { CLEAN };
        refused(path, &broken).hint(Some(hint))
    })?;
    let is_encrypted = |block: &&PemBlock| block.label.starts_with("ENCRYPTED");
    if let Some(block) = blocks.iter().find(is_encrypted) {
        let broken = BrokenPem {
            line: block.line,
            problem: x509::ENCRYPTED.to_owned(),
        };
        return Err(refused(path, &broken).hint(Some(DECRYPT)));
    }
    let mut keys = blocks.into_iter();
    keys.find(|block| KEYS.contains(&block.label.as_str()))
        .ok_or_else(|| {
            let nothing = format!("--client-key {}: no private key in it", path.display());
            Failure::usage(nothing).hint(Some("a PEM file has -----BEGIN PRIVATE KEY----- in it"))
        })
}

fn refused(path: &Path, BrokenPem { line, problem }: &BrokenPem) -> Failure {
    Failure::usage(format_args!("{}:{line}: {problem}", path.display()))
}
