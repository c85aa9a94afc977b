//! Outcomes of a block → runs of addresses: who answered what, compactly.

use std::collections::HashMap;
use std::iter;
use std::net::IpAddr;
use std::sync::Arc;

use super::fate::Fate;
use crate::domain::{Host, OutcomeKind, Port, Timestamp, Zone};
use crate::store::{AddressRun, NameLook};
use crate::target::{Block, Plan};

/// Targets turned into runs at once: bounds what the conversion holds.
const CHUNK: u64 = 1 << 16;

/// One block's slice of the coverage ledger: a few bytes a target.
pub(super) struct BlockLedger {
    plan: Arc<Plan>,
    zone: Zone,
    block: Block,
    began: Timestamp,
    outcomes: Vec<Option<Entry>>,
    /// Targets that need no other look.
    settled: u64,
    /// What became of the addresses that names resolved to.
    behind_names: Vec<Look>,
    details: Vec<String>,
    detail_numbers: HashMap<String, u16>,
}

#[derive(Clone, Copy)]
struct Entry {
    kind: OutcomeKind,
    detail: u16,
    /// Seconds since the scan began.
    second: u32,
}

/// An address at a port, and what became of it.
#[derive(Clone, Copy)]
struct Look {
    port: Port,
    address: IpAddr,
    entry: Entry,
}

/// A part of the ledger, ready to be written.
pub(super) struct Slice {
    pub(super) addresses: Vec<AddressRun>,
    pub(super) names: Vec<NameLook>,
}

impl BlockLedger {
    pub(super) fn new(plan: Arc<Plan>, zone: Zone, block: Block, began: Timestamp) -> Self {
        let length = usize::try_from(block.len()).unwrap_or_default();
        Self {
            outcomes: vec![None; length],
            ..Self::unbegun(plan, zone, block, began)
        }
    }

    /// That of a block which had no turn, and gets none.
    pub(super) fn unbegun(plan: Arc<Plan>, zone: Zone, block: Block, began: Timestamp) -> Self {
        Self {
            plan,
            zone,
            block,
            began,
            outcomes: Vec::new(),
            settled: 0,
            behind_names: Vec::new(),
            details: vec![String::new()],
            detail_numbers: HashMap::from([(String::new(), 0)]),
        }
    }

    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    /// A target's place in the block.
    pub(super) fn offset(&self, index: u64) -> Option<u32> {
        let offset = index.checked_sub(self.block.first())?;
        u32::try_from(offset)
            .ok()
            .filter(|_| offset < self.block.len())
    }

    /// Whether every target of the block has its outcome.
    pub(super) fn is_complete(&self) -> bool {
        self.settled == self.block.len()
    }

    /// Whether the target at an offset has an outcome.
    pub(super) fn is_settled(&self, offset: u32) -> bool {
        self.slot(offset).is_some()
    }

    /// Enters a target's outcome.
    pub(super) fn settle(&mut self, offset: u32, fate: &Fate) {
        self.enter(offset, fate);
        self.settled += 1;
    }

    /// Enters what is known of a target that the scan's end took a look from.
    pub(super) fn enter(&mut self, offset: u32, fate: &Fate) {
        let entry = self.entry_of(fate);
        let slot = usize::try_from(offset).ok();
        if let Some(slot) = slot.and_then(|slot| self.outcomes.get_mut(slot)) {
            *slot = Some(entry);
        }
    }

    /// Enters what became of an address that a name resolved to.
    pub(super) fn enter_address(&mut self, address: IpAddr, port: Port, fate: &Fate) {
        let entry = self.entry_of(fate);
        self.behind_names.push(Look {
            port,
            address,
            entry,
        });
    }

    fn entry_of(&mut self, fate: &Fate) -> Entry {
        let second = (fate.at.seconds() - self.began.seconds()).max(0);
        Entry {
            kind: fate.kind,
            detail: self.detail_number(&fate.detail),
            second: u32::try_from(second).unwrap_or(u32::MAX),
        }
    }

    /// The whole block as slices; a target without an outcome was not
    /// attempted.
    pub(super) fn slices(&self) -> impl Iterator<Item = Slice> {
        let end = self.block.first() + self.block.len();
        (self.block.first()..end)
            .step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX))
            .map(move |first| self.slice(first, end.min(first + CHUNK)))
            .chain(iter::once_with(|| Slice {
                addresses: self.runs(self.behind_names.clone()),
                names: Vec::new(),
            }))
    }

    fn slice(&self, first: u64, end: u64) -> Slice {
        let mut names = Vec::new();
        let mut looks: Vec<Look> = Vec::new();
        for index in first..end {
            let Some(target) = self.plan.get(index) else {
                continue;
            };
            let entry = self.entry(index);
            match target.host {
                Host::Address(address) => looks.push(Look {
                    port: target.port,
                    address,
                    entry,
                }),
                Host::Name(name) => names.push(NameLook {
                    zone: self.zone.clone(),
                    name,
                    port: target.port,
                    outcome: entry.kind,
                    detail: self.detail(entry),
                    at: self.at(entry),
                }),
            }
        }
        Slice {
            addresses: self.runs(looks),
            names,
        }
    }

    fn runs(&self, mut looks: Vec<Look>) -> Vec<AddressRun> {
        // One address and port may have been looked at twice, in two dialects
        // or for two names: the better outcome speaks for both.
        looks.sort_unstable_by_key(|look| (look.port, look.address, look.entry.kind));
        looks.dedup_by_key(|look| (look.port, look.address));
        let mut runs = Vec::new();
        for look in looks {
            self.append(&mut runs, look);
        }
        runs
    }

    fn append(&self, runs: &mut Vec<AddressRun>, look: Look) {
        let Look {
            port,
            address,
            entry,
        } = look;
        let at = self.at(entry);
        let detail = self.detail(entry);
        if let Some(run) = runs.last_mut() {
            let same = run.port == port && run.outcome == entry.kind && run.detail == detail;
            if same && successor(run.last) == Some(address) {
                run.last = address;
                // A block is walked in no order, so that neighbours are far
                // apart in time: a run says since when all of it is known.
                run.at = run.at.min(at);
                return;
            }
        }
        runs.push(AddressRun {
            zone: self.zone.clone(),
            port,
            first: address,
            last: address,
            outcome: entry.kind,
            detail,
            at,
        });
    }

    fn slot(&self, offset: u32) -> Option<Entry> {
        let slot = usize::try_from(offset).ok()?;
        self.outcomes.get(slot).copied().flatten()
    }

    fn entry(&self, index: u64) -> Entry {
        self.offset(index)
            .and_then(|offset| self.slot(offset))
            .unwrap_or(Entry {
                kind: OutcomeKind::NotAttempted,
                detail: 0,
                second: 0,
            })
    }

    fn at(&self, entry: Entry) -> Timestamp {
        let began = self.began.seconds();
        Timestamp::from_seconds(began + i64::from(entry.second))
    }

    fn detail(&self, entry: Entry) -> String {
        let detail = self.details.get(usize::from(entry.detail));
        detail.cloned().unwrap_or_default()
    }

    /// Details are few (one an exclusion, one a kind of fault); beyond 65,535
    /// of them in one block the rest go without.
    fn detail_number(&mut self, detail: &str) -> u16 {
        if let Some(number) = self.detail_numbers.get(detail) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.details.len()) else {
            return 0;
        };
        self.details.push(detail.to_owned());
        self.detail_numbers.insert(detail.to_owned(), number);
        number
    }
}

fn successor(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => u32::from(address)
            .checked_add(1)
            .map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(address) => u128::from(address)
            .checked_add(1)
            .map(|next| IpAddr::V6(next.into())),
    }
}
