use std::collections::HashSet;

use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::domain::{Der, Fingerprint};
use crate::x509::{self, BrokenCollection};

/// Roots that somebody trusts, under one name.
#[derive(Clone, Debug)]
pub struct TrustStore {
    /// What reports call it: `system`, `mozilla`, or the file's path.
    pub name: String,
    /// Its certificates, without duplicates.
    pub roots: Vec<Der>,
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

    /// The store in a file of certificates (PEM with any number of them, DER,
    /// PKCS#7); `name` is what reports call it. Private keys in it are passed
    /// over.
    ///
    /// # Errors
    /// A file without a certificate, or with a block that can't be read: a
    /// root left out in silence would make verdicts wrong.
    pub fn from_file(name: impl Into<String>, file: &[u8]) -> Result<Self, BrokenCollection> {
        let collection = x509::certificates_in(file)?;
        let roots = collection.certificates.into_iter().map(|root| root.der);
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
        let store = |text: &str| TrustStore::from_file("corp.pem", text.as_bytes()).unwrap();
        let both = store(&format!("Corp roots\n{one}{two}{one}"));
        assert_eq!(both.name, "corp.pem");
        assert_eq!(both.roots.len(), 2);
        assert_eq!(both.hash(), store(&format!("{two}{one}")).hash());
        assert_ne!(both.hash(), store(&one).hash());
    }

    #[test]
    fn a_root_in_another_kind_of_block_is_not_left_out() {
        let (one, two) = (pem(), pem());
        let trusted = two.replace("CERTIFICATE-----", "TRUSTED CERTIFICATE-----");
        let store = TrustStore::from_file("corp.pem", format!("{one}{trusted}").as_bytes());
        assert_eq!(store.unwrap().roots.len(), 2);
    }

    #[test]
    fn a_bundle_with_nothing_or_with_something_broken_is_refused() {
        let refusal = |text: &str| TrustStore::from_file("x", text.as_bytes()).unwrap_err();
        let no_pem = refusal("no certificate").to_string();
        assert_eq!(no_pem, "neither PEM nor one whole DER element");
        let key = "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----\n";
        assert_eq!(refusal(key), BrokenCollection::Empty);
        let broken = pem().replacen("MII", "M*I", 1);
        let refused = refusal(&broken).to_string();
        assert_eq!(refused, "line 2: not base64, in a block `CERTIFICATE`");
        let noise = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        let refused = refusal(&format!("{noise}{}", pem())).to_string();
        assert!(refused.starts_with("line 1: "), "{refused}");
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
