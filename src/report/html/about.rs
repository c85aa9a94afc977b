use super::Scope;
use crate::domain::Fingerprint;
use crate::judge::{Rule, TrustStore};
use crate::report::Head;

/// What a page states of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The tool and the moment it judges by.
    pub head: Head,
    /// Which rows it is of.
    pub scope: Scope,
    /// The settings that it was made with, in words: name and value.
    pub settings: Vec<(String, String)>,
    /// The stores that chains were judged against.
    pub stores: Vec<Store>,
    /// The rules that findings are of: [`crate::judge::ALL`].
    pub rules: &'static [&'static Rule],
}

/// A trust store, as a report states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its name.
    pub name: String,
    /// How many certificates it has.
    pub roots: usize,
    /// [`TrustStore::hash`].
    pub hash: Fingerprint,
}

impl From<&TrustStore> for Store {
    fn from(store: &TrustStore) -> Self {
        Self {
            name: store.name.clone(),
            roots: store.roots.len(),
            hash: store.hash(),
        }
    }
}
