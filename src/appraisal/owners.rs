//! Keys → who owns the hosts that show them, where the policy knows several
//! owners.

use std::collections::{HashMap, HashSet};

use super::memory::Found;
use super::{Appraisal, distinct, place};
use crate::domain::{Fingerprint, Timestamp, Trust};
use crate::judge::{Assessment, Evidence, Kin, Past, Policy};
use crate::report::Source;
use crate::store::{Dossier, KeyHost, MAX_KIN, StoreError};

/// The owners of the hosts of each key that was asked about.
#[derive(Default)]
pub(super) struct Owners(HashMap<Fingerprint, Vec<String>>);

/// Keys that are remembered.
const MAX_REMEMBERED: usize = 20_000;

impl Owners {
    /// The owners of a key's hosts; none where they were not asked for.
    pub(super) fn of(&self, key: Option<Fingerprint>) -> Vec<String> {
        let owners = key.and_then(|key| self.0.get(&key));
        owners.cloned().unwrap_or_default()
    }

    /// Forgets everything where it has become too much.
    pub(super) fn make_room(&mut self) {
        if self.0.len() > MAX_REMEMBERED {
            self.0.clear();
        }
    }

    fn lacks(&self, key: &Fingerprint) -> bool {
        !self.0.contains_key(key)
    }

    fn add(&mut self, key: Fingerprint, owner: Option<String>) {
        let owners = self.0.entry(key).or_default();
        if let Some(owner) = owner.filter(|owner| !owners.contains(owner)) {
            owners.push(owner);
        }
    }
}

impl Appraisal<'_> {
    /// Finds the owners of what is not remembered of a page's keys. What was
    /// found of chains for that is handed back.
    pub(super) async fn learn_owners(
        &mut self,
        page: &[Dossier],
        known_at: Option<Timestamp>,
    ) -> Result<Found, StoreError> {
        if self.policy().owners.len() < 2 {
            return Ok(Found::new());
        }
        let keys = page.iter();
        let keys = keys.filter_map(|dossier| dossier.row.certificate.spki_sha256);
        let keys = distinct(keys, |key| self.owners.lacks(key));
        let hosts = self.inventory.key_hosts(&keys, known_at).await?;
        let mut found = self.learn_hosts(&hosts).await?;
        for key in keys {
            self.owners.add(key, None);
        }
        for key in crowded(&hosts) {
            let hosts = self.inventory.hosts_of_key(key, known_at).await?;
            found.extend(self.learn_hosts(&hosts).await?);
        }
        Ok(found)
    }

    /// Finds who owns these hosts.
    async fn learn_hosts(&mut self, hosts: &[KeyHost]) -> Result<Found, StoreError> {
        let shown = hosts.iter().map(|host| host.certificate);
        self.certificates.learn(shown, self.inventory).await?;
        let found = if goes_by_issuer(self.policy()) {
            self.learn_chains_of(hosts).await?
        } else {
            Found::new()
        };
        for host in hosts {
            self.owners.add(host.key, self.owner_of(host));
        }
        Ok(found)
    }

    async fn learn_chains_of(&mut self, hosts: &[KeyHost]) -> Result<Found, StoreError> {
        let sent = hosts.iter().map(|host| host.chain);
        let is_new = |chain: &_| self.chains.lacks(&(Source::Scan, *chain));
        let sent = distinct(sent, is_new);
        let members = self.inventory.chains(&sent).await?.into_iter();
        let unchecked = members.map(|(chain, members)| ((Source::Scan, chain), members));
        self.learn_chains(unchecked.collect()).await
    }

    fn owner_of(&self, host: &KeyHost) -> Option<String> {
        let (certificate, faults) = self.certificates.read(&host.certificate)?;
        let chain = self.chains.get(&(Source::Scan, host.chain));
        let unassessed = unassessed();
        let evidence = Evidence {
            chain: std::slice::from_ref(certificate),
            key_faults: std::slice::from_ref(faults),
            assessment: chain.map_or(&unassessed, |chain| &chain.assessment),
            place: Some(&place::of_key(host, self.now)),
            past: &Past::default(),
            kin: &Kin::default(),
        };
        self.judge.owner(&evidence).map(str::to_owned)
    }
}

/// The keys that may be in more places than these.
fn crowded(hosts: &[KeyHost]) -> HashSet<Fingerprint> {
    let mut places: HashMap<_, u32> = HashMap::new();
    for host in hosts {
        *places.entry(host.key).or_default() += 1;
    }
    let places = places.into_iter().filter(|(_, count)| *count >= MAX_KIN);
    places.map(|(key, _)| key).collect()
}

/// Whether it takes a chain's root to tell who owns an installation.
fn goes_by_issuer(policy: &Policy) -> bool {
    let mut selectors = policy.owners.iter().map(|owner| &owner.selector);
    selectors.any(|selector| !selector.issuers.is_empty())
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
        unsent: Vec::new(),
        missing_intermediate: None,
        out_of_order: false,
        extra: Vec::new(),
        duplicates: Vec::new(),
        refusal: None,
    }
}
