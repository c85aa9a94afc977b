use crate::domain::{Der, Fingerprint};

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
}

impl TrustStore {
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
