//! What costs, by what it depends on: certificates read, chains checked. A
//! certificate on a thousand hosts costs once.

use std::collections::HashMap;
use std::sync::Arc;

use super::{distinct, parallel};
use crate::domain::{Fingerprint, Remembered, Timestamp};
use crate::judge::{Assessment, Assessor, KeyFaults, Links};
use crate::report::Source;
use crate::store::{ChainId, Dossier, Inventory, StoreError};
use crate::x509::{self, Certificate};

/// Certificates that are remembered, in bytes: usual ones take 5 KB.
const MOST_OF_CERTIFICATES: usize = 96 << 20;

/// Chains that are remembered, in bytes, the certificates that they share
/// counted with each.
const MOST_OF_CHAINS: usize = 192 << 20;

/// A certificate, and what is wrong with the numbers of its key.
type Read = (Arc<Certificate>, KeyFaults);

/// Certificates that were read, by their SHA-256.
pub(super) struct Certificates(Remembered<Fingerprint, Read>);

/// What tells chains apart: where they are from, which decides what is missing
/// of them, and their number in the inventory.
type Key = (Source, ChainId);

/// Chains that were checked.
pub(super) struct Chains(Remembered<Key, Checked>);

/// The certificates of chains, leaf first.
pub(super) type Members = HashMap<Key, Vec<Fingerprint>>;

/// What was found of chains, for the next judgement.
pub(super) type Found = Vec<(ChainId, Arc<Links>)>;

/// One chain, leaf first, and what it is worth.
pub(super) struct Checked {
    pub(super) certificates: Vec<Arc<Certificate>>,
    pub(super) key_faults: Vec<KeyFaults>,
    pub(super) links: Arc<Links>,
    pub(super) assessment: Assessment,
}

impl Certificates {
    /// One that was learned, and is in the inventory.
    pub(super) fn read(&self, certificate: &Fingerprint) -> Option<&Read> {
        self.0.get(certificate)
    }

    /// Forgets everything where it has become too much.
    pub(super) fn make_room(&mut self) {
        self.0.make_room();
    }

    /// Reads what of these is not remembered.
    pub(super) async fn learn(
        &mut self,
        wanted: impl Iterator<Item = Fingerprint>,
        inventory: &dyn Inventory,
    ) -> Result<(), StoreError> {
        let unread = distinct(wanted, |member| !self.0.has(member));
        let ders: Vec<_> = inventory.ders(&unread).await?.into_values().collect();
        let read = parallel::map(&ders, |der| {
            let certificate = x509::parse(der);
            let faults = KeyFaults::of(&certificate);
            (Arc::new(certificate), faults)
        });
        for read in read {
            let weight = read.0.weight();
            self.0.insert(read.0.fingerprint, read, weight);
        }
        Ok(())
    }

    /// A chain's certificates and their keys' faults; `None` where one is not
    /// in the inventory any more.
    fn chain(&self, members: &[Fingerprint]) -> Option<(Vec<Arc<Certificate>>, Vec<KeyFaults>)> {
        let members = members.iter();
        members.map(|member| self.0.get(member).cloned()).collect()
    }
}

impl Chains {
    /// One that was learned, and is in the inventory.
    pub(super) fn get(&self, chain: &Key) -> Option<&Checked> {
        self.0.get(chain)
    }

    /// Forgets everything where it has become too much.
    pub(super) fn make_room(&mut self) {
        self.0.make_room();
    }

    /// Whether a chain has yet to be learned.
    pub(super) fn lacks(&self, chain: &Key) -> bool {
        !self.0.has(chain)
    }

    /// Checks these chains, but for what of them was `kept`. What had to be
    /// found of chains that servers sent is handed back.
    pub(super) fn learn(
        &mut self,
        unchecked: Members,
        kept: &HashMap<ChainId, Links>,
        certificates: &Certificates,
        assessor: &Assessor,
        now: Timestamp,
    ) -> Found {
        let unchecked: Vec<_> = unchecked.into_iter().collect();
        let checked = parallel::map(&unchecked, |((source, chain), members)| {
            let (certificates, key_faults) = certificates.chain(members)?;
            let links = match source {
                Source::Scan => {
                    let kept = kept.get(chain).cloned();
                    Arc::new(kept.unwrap_or_else(|| assessor.links(&certificates)))
                }
                Source::Import => Arc::new(assessor.links_of_file(certificates.first()?)),
            };
            Some(Checked {
                assessment: assessor.verdict(&links, now),
                links,
                certificates,
                key_faults,
            })
        });
        let mut found = Vec::new();
        for ((key, _), checked) in unchecked.into_iter().zip(checked) {
            let Some(checked) = checked else {
                continue;
            };
            let (source, chain) = key;
            if source == Source::Scan && !kept.contains_key(&chain) {
                found.push((chain, Arc::clone(&checked.links)));
            }
            let weight = checked.weight();
            self.0.insert(key, checked, weight);
        }
        found
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self(Remembered::up_to(MOST_OF_CERTIFICATES))
    }
}

impl Default for Chains {
    fn default() -> Self {
        Self(Remembered::up_to(MOST_OF_CHAINS))
    }
}

impl Checked {
    /// The ends of what was sent, and of what the trust rests on without its
    /// being sent; none of what can't be read.
    pub(super) fn ends(&self) -> Vec<Timestamp> {
        let unsent = self.assessment.unsent.iter();
        let unsent = unsent.map(|unsent| &unsent.certificate);
        let members = self.certificates.iter().chain(unsent);
        let facts = members.filter_map(|member| member.facts.as_ref().ok());
        facts.filter_map(|facts| facts.not_after).collect()
    }

    fn weight(&self) -> usize {
        let certificates = self.certificates.iter().map(|member| member.weight());
        size_of::<Self>()
            + certificates.sum::<usize>()
            + size_of_val(self.key_faults.as_slice())
            + self.links.weight()
            + self.assessment.weight()
    }
}

/// The key of the chain that an installation came with.
pub(super) fn key(dossier: &Dossier) -> Key {
    (dossier.row.source, dossier.chain)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;
    use crate::domain::Der;
    use crate::judge::Pool;

    #[test]
    fn what_a_chain_weighs_has_what_is_said_of_it_in_it() {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let long = "x".repeat(100_000);
        params.distinguished_name.push(DnType::CommonName, &long);
        let root = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let root = Arc::new(x509::parse(&Der::from(&root.der()[..])));
        let assessor = Assessor::new(Vec::new(), Pool::default());
        let links = assessor.links(std::slice::from_ref(&root));
        let checked = Checked {
            assessment: assessor.verdict(&links, Timestamp::from_seconds(0)),
            links: Arc::new(links),
            key_faults: vec![KeyFaults::default()],
            certificates: vec![Arc::clone(&root)],
        };
        // The root's name stands in the links and in the assessment, both ways.
        assert!(checked.weight() > root.weight() + 4 * long.len());
    }
}
