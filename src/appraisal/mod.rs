//! Installations of the inventory → the same, judged.
//!
//! A page at a time: what of its chains nobody has seen yet is read, taken
//! apart and checked, on every processor; then its rows are judged and handed
//! on in their order. What costs depends on the chain alone and is remembered;
//! of installations that are alike, one is judged.

mod glossary;
mod likeness;
mod memory;
mod owners;
mod parallel;
mod place;
mod places;
mod settings;
mod wanted;

pub use wanted::{Accepted, Wanted};

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::{Der, Fingerprint, Timestamp};
use crate::judge::{
    Acceptance, Assessor, Evidence, Gist, Judge, Judgement, Kin, Links, Past, Place, Policy, Pool,
    TrustStore,
};
use crate::report::{Head, Installation, Source, StatedStore};
use crate::store::{ChainId, Detail, Dossier, Filter, Inventory, Renewal, StoreError};
use crate::x509;
use glossary::Glossary;
use likeness::{Likeness, Said};
use memory::{Certificates, Chains, Checked, Found, Members};
use owners::Owners;

/// Judges what an inventory holds, as of one moment.
pub struct Appraisal<'a> {
    inventory: &'a dyn Inventory,
    judge: Judge,
    assessor: Assessor,
    basis: Fingerprint,
    now: Timestamp,
    certificates: Certificates,
    chains: Chains,
    glossary: Glossary,
    owners: Owners,
    gist: Gist,
    said: Said,
}

/// A page of wanted installations, judged.
pub struct Judged {
    /// They.
    pub dossiers: Vec<Dossier>,
    /// What was found of their chains, and was not kept from the last
    /// judgement.
    pub found: Vec<(ChainId, Arc<Links>)>,
}

/// Pages that wait to be judged: one is read while another is.
const PAGES_WAITING: usize = 1;

impl<'a> Appraisal<'a> {
    /// Prepares to judge by these stores and the configuration's policy.
    pub async fn begin(
        inventory: &'a dyn Inventory,
        stores: Vec<TrustStore>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let authorities = inventory.authorities(None).await?;
        Ok(Self::knowing(&authorities, inventory, stores, policy, now))
    }

    /// The same of an earlier moment: chains are completed by what was known at
    /// it, and not by what others presented later.
    pub async fn begin_at(
        inventory: &'a dyn Inventory,
        stores: Vec<TrustStore>,
        policy: &Policy,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let authorities = inventory.authorities(Some(at)).await?;
        Ok(Self::knowing(&authorities, inventory, stores, policy, at))
    }

    fn knowing(
        authorities: &[Der],
        inventory: &'a dyn Inventory,
        stores: Vec<TrustStore>,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let authorities = authorities.iter().map(|der| Arc::new(x509::parse(der)));
        let pool: Pool = authorities.collect();
        let assessor = Assessor::new(stores, pool);
        Self {
            inventory,
            judge: Judge::new(policy.clone()),
            basis: assessor.basis(),
            assessor,
            now,
            certificates: Certificates::default(),
            chains: Chains::default(),
            glossary: Glossary::default(),
            owners: Owners::default(),
            gist: Gist::of(policy),
            said: Said::default(),
        }
    }

    /// What a report of it states of itself.
    #[must_use]
    pub fn head(&self) -> Head {
        let stores = self.assessor.stores().iter().map(|store| StatedStore {
            name: store.name.clone(),
            roots: store.roots.len(),
            hash: store.hash(),
        });
        Head {
            trust_stores: stores.collect(),
            settings: settings::stated(self.policy()),
            ..Head::at(self.now)
        }
    }

    /// What the configuration says of judging.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.judge.policy()
    }

    /// What is true of the chains rests on this: see [`Assessor::basis`].
    #[must_use]
    pub fn basis(&self) -> Fingerprint {
        self.basis
    }

    /// The moment it judges by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// After all of an inventory was judged: the acceptances of the
    /// configuration that were of no use.
    #[must_use]
    pub fn unmatched(&self) -> Vec<&Acceptance> {
        self.judge.unmatched()
    }

    /// Streams the wanted installations, judged, in the order of reports.
    pub async fn installations(
        &mut self,
        wanted: &Wanted,
        detail: Detail,
        mut visit: impl FnMut(Installation) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (send, mut pages) = mpsc::channel::<Judged>(PAGES_WAITING);
        let judged = self.dossiers(wanted, detail, send);
        let visited = async move {
            while let Some(page) = pages.recv().await {
                let mut rows = page.dossiers.into_iter().map(|dossier| dossier.row);
                if rows.try_for_each(&mut visit).is_break() {
                    break;
                }
            }
        };
        let (judged, ()) = tokio::join!(judged, visited);
        judged
    }

    /// The same in pages, with what else is known of each. Ends early, and in
    /// order, when nobody receives any more.
    pub async fn dossiers(
        &mut self,
        wanted: &Wanted,
        detail: Detail,
        judged: mpsc::Sender<Judged>,
    ) -> Result<(), StoreError> {
        self.build_with(&wanted.authorities_at_hand);
        self.said = Said::default();
        self.owners = Owners::default();
        let (send, mut pages) = mpsc::channel(PAGES_WAITING);
        let filter = Filter {
            judged_at: Some(self.now),
            ..wanted.inventory.clone()
        };
        let read = self.inventory.dossiers(&filter, detail, send);
        let judge = async move {
            while let Some(mut page) = pages.recv().await {
                let found = self.judge_page(&mut page, wanted).await?;
                page.retain(|dossier| self.is_wanted(dossier, wanted));
                let dossiers = page;
                if judged.send(Judged { dossiers, found }).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let (read, judged) = tokio::join!(read, judge);
        read.and(judged)
    }

    /// Takes authorities into account that no server sent. They are not
    /// trusted by it.
    fn build_with(&mut self, authorities: &[Der]) {
        for authority in authorities {
            self.assessor.add(&Arc::new(x509::parse(authority)));
        }
        let basis = self.assessor.basis();
        if basis != self.basis {
            self.basis = basis;
            self.chains = Chains::default();
        }
    }

    /// Gives every row of a page its judgement.
    async fn judge_page(
        &mut self,
        page: &mut [Dossier],
        wanted: &Wanted,
    ) -> Result<Found, StoreError> {
        let known_at = wanted.inventory.known_at;
        let found = self.learn(page, known_at).await?;
        let likenesses: Vec<_> = page
            .iter()
            .map(|dossier| {
                let place = place::of(dossier, &mut self.glossary);
                Likeness::of(dossier, place, self.gist, self.now)
            })
            .collect();
        let said = likenesses.iter().map(|likeness| self.said.of(likeness));
        let said: Vec<_> = said.map(Option::<&_>::cloned).collect();
        let places = page.iter().zip(&likenesses).zip(&said);
        let unlike = places.filter(|(_, said)| said.is_none());
        let judged = self.judge_unlike(unlike.map(|((dossier, likeness), _)| (likeness, dossier)));
        for ((dossier, likeness), said) in page.iter_mut().zip(&likenesses).zip(said) {
            dossier.row.judgement = said.or_else(|| judged.get(likeness).cloned());
        }
        for (likeness, judgement) in judged {
            self.said.remember(likeness.clone(), judgement);
        }
        Ok(found)
    }

    /// Judges one of each kind.
    fn judge_unlike<'l, 'd>(
        &self,
        unlike: impl Iterator<Item = (&'l Likeness, &'d Dossier)>,
    ) -> HashMap<&'l Likeness, Arc<Judgement>> {
        let unlike: HashMap<_, _> = unlike.collect();
        let unlike: Vec<_> = unlike.into_iter().collect();
        let judged = parallel::map(&unlike, |(likeness, dossier)| {
            let judgement = self.judgement(dossier, likeness.place.as_ref())?;
            Some((*likeness, Arc::new(judgement)))
        });
        judged.into_iter().flatten().collect()
    }

    /// Reads and checks what of a page's chains is not remembered.
    async fn learn(
        &mut self,
        page: &[Dossier],
        known_at: Option<Timestamp>,
    ) -> Result<Found, StoreError> {
        self.certificates.make_room();
        self.chains.make_room();
        self.owners.make_room();
        let renewed = page.iter().filter_map(|dossier| dossier.predecessor);
        self.certificates.learn(renewed, self.inventory).await?;
        let unchecked = page.iter().map(|dossier| (memory::key(dossier), dossier));
        let unchecked = unchecked.filter(|(key, _)| self.chains.lacks(key));
        let unchecked = unchecked.map(|(key, dossier)| (key, chain_key(&dossier.row).collect()));
        let mut found = self.learn_chains(unchecked.collect()).await?;
        found.extend(self.learn_owners(page, known_at).await?);
        Ok(found)
    }

    /// Reads and checks these chains.
    async fn learn_chains(&mut self, unchecked: Members) -> Result<Found, StoreError> {
        let members = unchecked.values().flatten().copied();
        self.certificates.learn(members, self.inventory).await?;
        let sent = unchecked.keys();
        let sent = sent.filter(|(source, _)| *source == Source::Scan);
        let sent: Vec<_> = sent.map(|(_, chain)| *chain).collect();
        let kept = self.inventory.links(self.basis, &sent).await?;
        let certificates = &self.certificates;
        Ok(self
            .chains
            .learn(unchecked, &kept, certificates, &self.assessor, self.now))
    }

    fn judgement(&self, dossier: &Dossier, place: Option<&Place>) -> Option<Judgement> {
        let chain = self.chains.get(&memory::key(dossier))?;
        let evidence = Evidence {
            chain: &chain.certificates,
            key_faults: &chain.key_faults,
            assessment: &chain.assessment,
            place,
            past: &self.past(dossier),
            kin: &self.kin(dossier),
        };
        Some(self.judge.judge(&evidence, self.now))
    }

    fn past(&self, dossier: &Dossier) -> Past {
        let renewed = dossier.predecessor;
        let renewed = renewed.and_then(|renewed| self.certificates.read(&renewed));
        let days = |renewal: &Renewal| renewal.seen.days_until(renewal.end);
        Past {
            predecessor: renewed.map(|(certificate, _)| Arc::clone(certificate)),
            days_left_at_renewals: dossier.renewals.iter().map(days).collect(),
            is_ephemeral: dossier.is_ephemeral,
        }
    }

    fn kin(&self, dossier: &Dossier) -> Kin {
        Kin {
            same_key: dossier.same_key.clone(),
            owners_of_key: self.owners.of(dossier.row.certificate.spki_sha256),
            successor: place::successor(dossier),
        }
    }

    fn is_wanted(&self, dossier: &Dossier, wanted: &Wanted) -> bool {
        let unsent = || {
            let chain = self.chains.get(&memory::key(dossier));
            chain
                .map(|chain| chain.links.unsent().collect())
                .unwrap_or_default()
        };
        let ends = || {
            let chain = self.chains.get(&memory::key(dossier));
            chain.map(Checked::ends).unwrap_or_default()
        };
        wanted.lets_through(&dossier.row, unsent, ends)
    }
}

/// The chain that an installation came with, leaf first.
fn chain_key(row: &Installation) -> impl Iterator<Item = Fingerprint> {
    std::iter::once(row.certificate.sha256).chain(row.chain.iter().copied())
}

/// Each item once that is `new`.
fn distinct<T: Eq + Hash>(items: impl Iterator<Item = T>, new: impl Fn(&T) -> bool) -> Vec<T> {
    let items: HashSet<T> = items.filter(new).collect();
    items.into_iter().collect()
}

#[cfg(test)]
mod tests;
