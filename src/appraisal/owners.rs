//! Keys → who owns the hosts that show them, where the policy knows several
//! owners.

use std::collections::HashMap;

use super::memory::Certificates;
use super::place;
use crate::domain::{Fingerprint, Timestamp, Trust};
use crate::judge::{Assessment, Evidence, Judge, Kin, Past};
use crate::store::{Inventory, KeyHost, StoreError};

/// The owners of the hosts of each key that was asked about.
#[derive(Default)]
pub(super) struct Owners(HashMap<Fingerprint, Vec<String>>);

/// When is judged, and of when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// `None`: the present.
    pub(super) known_at: Option<Timestamp>,
}

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

    /// Finds the owners of what is not remembered of these keys.
    pub(super) async fn learn(
        &mut self,
        keys: impl Iterator<Item = Fingerprint>,
        certificates: &mut Certificates,
        inventory: &dyn Inventory,
        judge: &Judge,
        moment: Moment,
    ) -> Result<(), StoreError> {
        if judge.policy().owners.len() < 2 {
            return Ok(());
        }
        let unknown = super::distinct(keys, |key| !self.0.contains_key(key));
        let hosts = inventory.key_hosts(&unknown, moment.known_at).await?;
        let shown = hosts.iter().map(|host| host.certificate);
        certificates.learn(shown, inventory).await?;
        self.0
            .extend(unknown.into_iter().map(|key| (key, Vec::new())));
        for host in hosts {
            let owner = owner(&host, certificates, judge, moment.now);
            let owners = self.0.entry(host.key).or_default();
            if let Some(owner) = owner.filter(|owner| !owners.contains(owner)) {
                owners.push(owner);
            }
        }
        Ok(())
    }
}

/// Who owns a host that shows a key.
fn owner(
    host: &KeyHost,
    certificates: &Certificates,
    judge: &Judge,
    now: Timestamp,
) -> Option<String> {
    let (certificate, faults) = certificates.read(&host.certificate)?;
    let evidence = Evidence {
        chain: std::slice::from_ref(certificate),
        key_faults: std::slice::from_ref(faults),
        assessment: &unassessed(),
        place: Some(&place::of_key(host, now)),
        past: &Past::default(),
        kin: &Kin::default(),
    };
    judge.owner(&evidence).map(str::to_owned)
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
