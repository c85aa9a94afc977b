//! Installations of the inventory → the same, judged.
//!
//! A page at a time: what of its chains nobody has seen yet is read, taken
//! apart and checked, on every processor; then its rows are judged and handed
//! on in their order. What costs depends on the chain alone and is remembered,
//! so that a certificate on a thousand hosts costs once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::failure::Failure;
use super::filter::Wanted;
use super::printer::Printer;
use super::settings;
use crate::domain::{Der, Dialect, Fingerprint, Timestamp, Trust, printable};
use crate::judge::{
    Assessment, Assessor, Evidence, Judge, Judgement, KeyFaults, Kin, Links, Past, Place, Policy,
    Pool, TrustStore,
};
use crate::report::{Head, Installation, Source, StatedStore};
use crate::store::{Detail, Dossier, Inventory, KeyHost, StoreError};
use crate::x509::{self, Certificate};

/// Judges what an inventory holds, as of one moment.
pub(super) struct Appraisal<'a> {
    inventory: &'a dyn Inventory,
    judge: Judge,
    assessor: Assessor,
    now: Timestamp,
    memory: Memory,
}

/// Pages that wait to be judged: one is read while another is.
const PAGES_WAITING: usize = 1;

/// Certificates and chains that are remembered: some 5 KB each.
const MAX_REMEMBERED: usize = 20_000;

/// A certificate, and what is wrong with the numbers of its key.
type Read = (Arc<Certificate>, KeyFaults);

/// A chain by its certificates, leaf first.
type ChainKey = Vec<Fingerprint>;

/// What was found out, by what it depends on.
#[derive(Default)]
struct Memory {
    certificates: HashMap<Fingerprint, Read>,
    chains: HashMap<ChainKey, Arc<Links>>,
    owners: HashMap<Fingerprint, Vec<String>>,
}

impl<'a> Appraisal<'a> {
    /// Prepares to judge by these stores and the configuration's policy.
    pub(super) async fn begin(
        inventory: &'a dyn Inventory,
        stores: Vec<TrustStore>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let authorities = inventory.authorities().await?;
        let authorities = authorities.iter().map(|der| Arc::new(x509::parse(der)));
        let pool: Pool = authorities.collect();
        Ok(Self {
            inventory,
            judge: Judge::new(policy.clone()),
            assessor: Assessor::new(stores, pool),
            now,
            memory: Memory::default(),
        })
    }

    /// What a report of it states of itself.
    pub(super) fn head(&self) -> Head {
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
    pub(super) fn policy(&self) -> &Policy {
        self.judge.policy()
    }

    /// The moment it judges by.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// After all of an inventory was judged: which acceptances of the
    /// configuration were of no use.
    pub(super) fn tell_unmatched(&self, printer: &Printer) {
        for acceptance in self.judge.unmatched() {
            let (origin, finding) = (&acceptance.origin, acceptance.finding);
            let line = format!("note: {origin}: no {finding} to accept any more");
            printer.note(&printable(&line));
        }
    }

    /// Streams the wanted installations, judged, in the order of reports.
    pub(super) async fn installations(
        &mut self,
        wanted: &Wanted,
        detail: Detail,
        mut visit: impl FnMut(Installation) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (send, mut pages) = mpsc::channel::<Vec<Dossier>>(PAGES_WAITING);
        let judged = self.dossiers(wanted, detail, send);
        let visited = async move {
            while let Some(page) = pages.recv().await {
                let mut rows = page.into_iter().map(|dossier| dossier.row);
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
    pub(super) async fn dossiers(
        &mut self,
        wanted: &Wanted,
        detail: Detail,
        judged: mpsc::Sender<Vec<Dossier>>,
    ) -> Result<(), StoreError> {
        let (send, mut pages) = mpsc::channel(PAGES_WAITING);
        let read = self.inventory.dossiers(&wanted.inventory, detail, send);
        let judge = async move {
            while let Some(mut page) = pages.recv().await {
                self.judge_page(&mut page).await?;
                page.retain(|dossier| self.is_wanted(dossier, wanted));
                if judged.send(page).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let (read, judged) = tokio::join!(read, judge);
        read.and(judged)
    }

    /// Gives every row of a page its judgement.
    async fn judge_page(&mut self, page: &mut [Dossier]) -> Result<(), StoreError> {
        self.learn(page).await?;
        let this = &*self;
        in_parallel(page, |dossier| {
            dossier.row.judgement = this.judgement(dossier);
        });
        Ok(())
    }

    /// Reads and checks what of a page's chains is not remembered.
    async fn learn(&mut self, page: &[Dossier]) -> Result<(), StoreError> {
        self.memory.make_room();
        let previous = page.iter().filter_map(|dossier| dossier.row.previous);
        let members = page.iter().flat_map(|dossier| chain_key(&dossier.row));
        let unread = distinct(members.chain(previous), |member| {
            !self.memory.certificates.contains_key(member)
        });
        let ders = self.inventory.ders(&unread).await?;
        let mut read: Vec<(Der, Option<Read>)> =
            ders.into_values().map(|der| (der, None)).collect();
        in_parallel(&mut read, |(der, read)| {
            let certificate = x509::parse(der);
            let faults = KeyFaults::of(&certificate);
            *read = Some((Arc::new(certificate), faults));
        });
        let read = read.into_iter().filter_map(|(_, read)| read);
        let read = read.map(|read| (read.0.fingerprint, read));
        self.memory.certificates.extend(read);

        let chains = page.iter().map(|dossier| chain_key(&dossier.row).collect());
        let unchecked = distinct(chains, |chain: &ChainKey| {
            !self.memory.chains.contains_key(chain)
        });
        let mut checked: Vec<_> = unchecked.into_iter().map(|chain| (chain, None)).collect();
        let this = &*self;
        in_parallel(&mut checked, |(chain, links)| {
            *links = this.links(chain).map(Arc::new);
        });
        let checked = checked
            .into_iter()
            .filter_map(|(chain, links)| Some((chain, links?)));
        self.memory.chains.extend(checked);
        self.learn_owners(page).await
    }

    fn links(&self, chain: &[Fingerprint]) -> Option<Links> {
        let (chain, _) = self.memory.chain(chain)?;
        Some(self.assessor.links(&chain))
    }

    /// Finds who owns the hosts of each key, where the policy knows several
    /// owners.
    async fn learn_owners(&mut self, page: &[Dossier]) -> Result<(), StoreError> {
        if self.judge.policy().owners.len() < 2 {
            return Ok(());
        }
        let keys = page
            .iter()
            .filter_map(|dossier| dossier.row.certificate.spki_sha256);
        let unknown = distinct(keys, |key| !self.memory.owners.contains_key(key));
        let hosts = self.inventory.key_hosts(&unknown).await?;
        let certificates = hosts.iter().map(|host| host.certificate);
        let unread = distinct(certificates, |member| {
            !self.memory.certificates.contains_key(member)
        });
        for der in self.inventory.ders(&unread).await?.into_values() {
            let certificate = x509::parse(&der);
            let faults = KeyFaults::of(&certificate);
            let read = (Arc::new(certificate), faults);
            self.memory.certificates.insert(read.0.fingerprint, read);
        }
        for key in unknown {
            self.memory.owners.insert(key, Vec::new());
        }
        for host in hosts {
            let owner = self.owner(&host);
            let owners = self.memory.owners.entry(host.key).or_default();
            if let Some(owner) = owner.filter(|owner| !owners.contains(owner)) {
                owners.push(owner);
            }
        }
        Ok(())
    }

    /// Who owns a host that shows a key.
    fn owner(&self, host: &KeyHost) -> Option<String> {
        let (certificate, faults) = self.memory.certificates.get(&host.certificate)?;
        let place = Place {
            address: host.address,
            port: crate::domain::Port::HTTPS,
            dialect: Dialect::Tls,
            server_name: host.server_name.clone(),
            pointer: host.pointer.clone(),
            tls_version: None,
            versions: Vec::new(),
            cipher_suite: None,
            key_exchange: None,
            client_auth: None,
            stapled: None,
            hybrid_group: None,
            last_checked: self.now,
            ports_with_it: 1,
        };
        let evidence = Evidence {
            chain: std::slice::from_ref(certificate),
            key_faults: std::slice::from_ref(faults),
            assessment: &unassessed(),
            place: Some(&place),
            past: &Past::default(),
            kin: &Kin::default(),
        };
        self.judge.owner(&evidence).map(str::to_owned)
    }

    fn judgement(&self, dossier: &Dossier) -> Option<Judgement> {
        let key: ChainKey = chain_key(&dossier.row).collect();
        let (chain, key_faults) = self.memory.chain(&key)?;
        let assessment = match dossier.row.source {
            Source::Scan => self
                .assessor
                .verdict(self.memory.chains.get(&key)?, self.now),
            Source::Import => {
                let links = self.assessor.links_of_file(chain.first()?);
                self.assessor.verdict(&links, self.now)
            }
        };
        let place = place(dossier);
        let evidence = Evidence {
            chain: &chain,
            key_faults: &key_faults,
            assessment: &assessment,
            place: place.as_ref(),
            past: &self.past(dossier),
            kin: &self.kin(dossier),
        };
        Some(self.judge.judge(&evidence, self.now))
    }

    fn past(&self, dossier: &Dossier) -> Past {
        let previous = dossier.row.previous;
        let previous = previous.and_then(|previous| self.memory.certificates.get(&previous));
        let days = |renewal: &crate::store::Renewal| {
            let left = renewal.end.micros().saturating_sub(renewal.seen.micros());
            left.div_euclid(DAY)
        };
        Past {
            first_seen: Some(dossier.row.first_seen),
            predecessor: previous.map(|(certificate, _)| Arc::clone(certificate)),
            days_left_at_renewals: dossier.renewals.iter().map(days).collect(),
            is_ephemeral: dossier.is_ephemeral,
        }
    }

    fn kin(&self, dossier: &Dossier) -> Kin {
        let key = dossier.row.certificate.spki_sha256;
        let owners = key.and_then(|key| self.memory.owners.get(&key));
        Kin {
            same_key: dossier.same_key.clone(),
            owners_of_key: owners.cloned().unwrap_or_default(),
            successor: dossier.successor,
        }
    }

    fn is_wanted(&self, dossier: &Dossier, wanted: &Wanted) -> bool {
        let unsent = || {
            let key: ChainKey = chain_key(&dossier.row).collect();
            let links = self.memory.chains.get(&key);
            links
                .map(|links| links.unsent().collect())
                .unwrap_or_default()
        };
        wanted.lets_through(&dossier.row, unsent)
    }
}

/// Microseconds in 86,400 seconds.
const DAY: i64 = 86_400_000_000;

impl Memory {
    /// Forgets everything where it has become too much: simpler than choosing,
    /// and what is common comes back with the next page.
    fn make_room(&mut self) {
        if self
            .certificates
            .len()
            .max(self.chains.len())
            .max(self.owners.len())
            > MAX_REMEMBERED
        {
            *self = Self::default();
        }
    }

    /// A chain's certificates and their keys' faults; `None` where one is not
    /// in the inventory any more.
    fn chain(&self, key: &[Fingerprint]) -> Option<(Vec<Arc<Certificate>>, Vec<KeyFaults>)> {
        let members = key
            .iter()
            .map(|member| self.certificates.get(member).cloned());
        members.collect()
    }
}

/// The chain that an installation came with, leaf first.
fn chain_key(row: &Installation) -> impl Iterator<Item = Fingerprint> {
    std::iter::once(row.certificate.sha256).chain(row.chain.iter().copied())
}

/// Where an installation is; `None` for an import.
fn place(dossier: &Dossier) -> Option<Place> {
    let row = &dossier.row;
    let starttls = row.starttls.as_deref();
    let hybrid_group = row.hybrid_group.as_deref();
    let versions = row.protocols.iter();
    Some(Place {
        address: row.ip?,
        port: row.port?,
        dialect: starttls.and_then(read).unwrap_or_default(),
        server_name: row.sni.clone(),
        pointer: row.pointer.clone(),
        tls_version: row.tls_version.as_deref().and_then(read),
        versions: versions.filter_map(|version| read(version)).collect(),
        cipher_suite: row.cipher_suite.clone(),
        key_exchange: row.key_exchange.as_deref().and_then(read),
        client_auth: row.client_auth.as_deref().and_then(read),
        stapled: dossier.stapled,
        hybrid_group: hybrid_group.and_then(read),
        last_checked: row.last_checked,
        ports_with_it: dossier.ports_with_it,
    })
}

/// A word of the inventory; what a newer program wrote may mean nothing here.
fn read<T: std::str::FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

/// The assessment of a chain that nobody looked at.
fn unassessed() -> Assessment {
    Assessment {
        trust: Trust::Unchecked,
        reason: String::new(),
        trusted_by: Vec::new(),
        root: None,
        publicly_trusted: false,
        path: Vec::new(),
        missing_intermediate: None,
        out_of_order: false,
        extra: Vec::new(),
        duplicates: Vec::new(),
        alternatives: 0,
        refusal: None,
    }
}

/// Each item once that is `new`.
fn distinct<T: Eq + Hash>(items: impl Iterator<Item = T>, new: impl Fn(&T) -> bool) -> Vec<T> {
    let items: HashSet<T> = items.filter(new).collect();
    items.into_iter().collect()
}

/// Fewest items that are worth another thread.
const MIN_SHARE: usize = 16;

/// Does the work on each item, on every processor.
fn in_parallel<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(threads).max(MIN_SHARE);
    let mut shares = items.chunks_mut(share);
    let Some(own) = shares.next() else {
        return;
    };
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| share.iter_mut().for_each(&work));
        }
        own.iter_mut().for_each(&work);
    });
}
