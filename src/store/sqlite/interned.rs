use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::super::{Batch, StoreError};
use super::certificates::{self, StoredCertificate};
use super::chains;
use crate::domain::{Fingerprint, ScanId};

/// Rows of certificates and chains by fingerprint: what a network shows is
/// mostly what it showed before.
#[derive(Debug, Default)]
pub(super) struct Interned {
    certificates: HashMap<Fingerprint, StoredCertificate>,
    chains: HashMap<Fingerprint, i64>,
}

/// Most certificates, and most chains, remembered between batches: some 10 MB.
const MAX_REMEMBERED: usize = 1 << 16;

impl Interned {
    /// Finds or makes the rows of every certificate and chain in `chains`,
    /// which are given with their members, leaf first.
    ///
    /// They hold only if the transaction is committed; see [`Self::remember`].
    pub(super) async fn intern(
        &self,
        connection: &mut SqliteConnection,
        wanted: &BTreeMap<Fingerprint, Vec<Fingerprint>>,
        batch: &Batch,
        scan: ScanId,
    ) -> Result<Self, StoreError> {
        let members: BTreeSet<_> = wanted.values().flatten().copied().collect();
        let (mut certificates, unknown) = self.split_certificates(&members);
        let found =
            certificates::intern(connection, &unknown, &batch.certificates, Some(scan)).await?;
        certificates.extend(found);
        let mut chains = HashMap::new();
        let mut unknown = BTreeMap::new();
        for (fingerprint, members) in wanted {
            if let Some(id) = self.chains.get(fingerprint) {
                chains.insert(*fingerprint, *id);
            } else {
                unknown.insert(*fingerprint, members.clone());
            }
        }
        chains.extend(chains::intern(connection, &unknown, &certificates).await?);
        Ok(Self {
            certificates,
            chains,
        })
    }

    /// Keeps what a committed batch used.
    pub(super) fn remember(&mut self, committed: Self) {
        if self.certificates.len() + committed.certificates.len() > MAX_REMEMBERED {
            self.certificates.clear();
        }
        if self.chains.len() + committed.chains.len() > MAX_REMEMBERED {
            self.chains.clear();
        }
        self.certificates.extend(committed.certificates);
        self.chains.extend(committed.chains);
    }

    /// The row of a certificate.
    pub(super) fn certificate(
        &self,
        fingerprint: Fingerprint,
    ) -> Result<StoredCertificate, StoreError> {
        let stored = self.certificates.get(&fingerprint).copied();
        stored.ok_or(StoreError::MissingCertificate(fingerprint))
    }

    /// The row of a chain.
    pub(super) fn chain(&self, fingerprint: Fingerprint) -> Result<i64, StoreError> {
        let stored = self.chains.get(&fingerprint).copied();
        stored.ok_or(StoreError::MissingCertificate(fingerprint))
    }

    fn split_certificates(
        &self,
        members: &BTreeSet<Fingerprint>,
    ) -> (
        HashMap<Fingerprint, StoredCertificate>,
        BTreeSet<Fingerprint>,
    ) {
        let mut known = HashMap::new();
        let mut unknown = BTreeSet::new();
        for fingerprint in members {
            if let Some(stored) = self.certificates.get(fingerprint) {
                known.insert(*fingerprint, *stored);
            } else {
                unknown.insert(*fingerprint);
            }
        }
        (known, unknown)
    }
}
