use std::collections::HashSet;

use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::domain::{Der, Fingerprint};
use crate::x509::{self, BrokenBundle};

/// Roots that somebody trusts, under one name.
#[derive(Clone, Debug)]
pub struct TrustStore {
    /// What reports call it: `system`, `mozilla`, or the file's path.
    pub name: String,
    /// Its certificates, without duplicates.
    pub roots: Vec<Der>,
}

/// Why a file is no trust store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrustStore {
    /// Not one certificate in it.
    #[error("no certificate in it")]
    Empty,
    /// A block of it can't be read.
    #[error(transparent)]
    Broken(#[from] BrokenBundle),
    /// A block of it is no certificate that anything could be certified by.
    #[error("certificate {position} in it can't be read")]
    Unreadable {
        /// Which of its certificates, counted from 1.
        position: usize,
    },
}

impl TrustStore {
    /// The store of these certificates, the first of each kept.
    #[must_use]
    pub fn new(name: impl Into<String>, roots: impl IntoIterator<Item = Der>) -> Self {
        let mut seen = HashSet::new();
        let mut roots: Vec<_> = roots.into_iter().collect();
        roots.retain(|root| seen.insert(root.fingerprint()));
        Self {
            name: name.into(),
            roots,
        }
    }

    /// The store in a PEM bundle; `name` is what reports call it.
    ///
    /// # Errors
    /// A bundle without a certificate, or with one that can't be read: a root
    /// left out in silence would make verdicts wrong.
    pub fn from_bundle(name: impl Into<String>, bundle: &[u8]) -> Result<Self, InvalidTrustStore> {
        let roots = x509::certificates_in_bundle(bundle)?;
        if roots.is_empty() {
            return Err(InvalidTrustStore::Empty);
        }
        let unreadable = |root: &Der| x509::subject_public_key_info(root).is_none();
        if let Some(index) = roots.iter().position(unreadable) {
            return Err(InvalidTrustStore::Unreadable {
                position: index + 1,
            });
        }
        Ok(Self::new(name, roots))
    }

    /// Mozilla's roots for TLS servers, as of the day this program was built.
    #[must_use]
    pub fn mozilla() -> Self {
        let roots = TLS_SERVER_ROOT_CERTS.iter();
        Self::new("mozilla", roots.map(|root| Der::from(&root[..])))
    }

    /// SHA-256 over its certificates' SHA-256s in ascending order: what a
    /// report states, so that a change of the store shows.
    #[must_use]
    pub fn hash(&self) -> Fingerprint {
        let mut roots: Vec<_> = self.roots.iter().map(Der::fingerprint).collect();
        roots.sort_unstable();
        let bytes: Vec<u8> = roots.iter().flat_map(|root| *root.as_bytes()).collect();
        Fingerprint::of(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pem() -> String {
        let parameters = CertificateParams::new(["a.example".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_bundle_is_a_store_of_its_certificates_each_once() {
        let (one, two) = (pem(), pem());
        let store = |text: &str| TrustStore::from_bundle("corp.pem", text.as_bytes()).unwrap();
        let both = store(&format!("Corp roots\n{one}{two}{one}"));
        assert_eq!(both.name, "corp.pem");
        assert_eq!(both.roots.len(), 2);
        assert_eq!(both.hash(), store(&format!("{two}{one}")).hash());
        assert_ne!(both.hash(), store(&one).hash());
    }

    #[test]
    fn a_bundle_with_nothing_or_with_something_broken_is_refused() {
        let refusal = |text: &str| TrustStore::from_bundle("x", text.as_bytes()).unwrap_err();
        assert_eq!(refusal("no certificate"), InvalidTrustStore::Empty);
        let broken = pem().replacen("MII", "M*I", 1);
        assert_eq!(refusal(&broken).to_string(), "line 2 is not base64");
        let noise = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        assert_eq!(
            refusal(&format!("{}{noise}", pem())).to_string(),
            "certificate 2 in it can't be read"
        );
    }

    #[test]
    fn mozillas_roots_are_whole_certificates() {
        let store = TrustStore::mozilla();
        assert!(store.roots.len() > 100, "{}", store.roots.len());
        for root in &store.roots {
            assert!(x509::parse(root).facts.is_ok());
        }
    }
}
