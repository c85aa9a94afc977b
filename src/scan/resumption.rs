//! What the inventory holds of a scan that is gone on with → where each stage
//! begins.
//!
//! What can't be read there, or doesn't fit the plan, is asked anew: that
//! costs connections, and no truth.

use std::sync::Arc;

use tracing::{info, warn};

use super::feed::Start;
use super::journal::{self, BadPage, Entry};
use super::ledger::BlockLedger;
use super::look::Deferral;
use crate::domain::{Fingerprint, ScanId, Tally, Timestamp, Zone};
use crate::store::{Checkpoint, JournalPage};
use crate::target::{Block, Plan};

/// Where the stages of a scan begin.
pub(super) struct Resumption {
    /// When the scan began, in its first run.
    pub(super) began: Timestamp,
    /// For the feed.
    pub(super) start: Start,
    /// The open block, if the scan has come to one.
    pub(super) ledger: Option<BlockLedger>,
    /// The number of the first block that had no turn.
    pub(super) unbegun: u64,
    /// The pages that its journal has.
    pub(super) pages: u64,
    /// The targets that are settled.
    pub(super) outcomes: Tally,
    /// The certificates that were found.
    pub(super) certificates: Vec<Fingerprint>,
}

impl Resumption {
    /// The beginning of a new scan.
    pub(super) fn at_the_beginning(began: Timestamp) -> Self {
        Self {
            began,
            start: Start::default(),
            ledger: None,
            unbegun: 0,
            pages: 0,
            outcomes: Tally::default(),
            certificates: Vec::new(),
        }
    }

    /// What goes on from a checkpoint of this plan.
    pub(super) fn read(
        checkpoint: &Checkpoint,
        scan: ScanId,
        plan: &Arc<Plan>,
        zone: &Zone,
    ) -> Self {
        let mut resumption = Self::at_the_beginning(checkpoint.started_at);
        let before = checkpoint.block.checked_mul(Block::MAX_LENGTH);
        let before = before.map(|before| before.min(plan.len()));
        if before != Some(checkpoint.outcomes.total()) {
            warn!(%scan, "what is stored of the scan does not fit its targets: all are asked anew");
            return resumption;
        }
        resumption.outcomes = checkpoint.outcomes;
        resumption.certificates.clone_from(&checkpoint.certificates);
        resumption.start.block = checkpoint.block;
        resumption.unbegun = checkpoint.block;
        if let Some(block) = plan.block(checkpoint.block) {
            let ledger =
                BlockLedger::new(Arc::clone(plan), zone.clone(), block, checkpoint.started_at);
            resumption.turn_pages(&checkpoint.pages, block, ledger);
        }
        let settled = resumption.outcomes.total();
        let deferred = resumption.start.deferred.len();
        info!(%scan, settled, deferred, "scan goes on");
        resumption
    }

    fn turn_pages(&mut self, pages: &[JournalPage], block: Block, mut ledger: BlockLedger) {
        let mut deferred = Vec::new();
        for page in pages {
            self.pages = self.pages.max(page.number.saturating_add(1));
            match entries(page, &block) {
                Ok(entries) => {
                    for entry in entries {
                        self.enter(entry, &block, &mut ledger, &mut deferred);
                    }
                }
                Err(fault) => {
                    let number = page.number;
                    warn!(number, %fault, "a page of the journal: its targets are asked anew");
                }
            }
        }
        deferred.retain(|(offset, _)| !ledger.is_settled(*offset));
        // Of several entries for a target, the last is its latest look.
        deferred.reverse();
        deferred.sort_by_key(|(offset, _)| *offset);
        deferred.dedup_by_key(|(offset, _)| *offset);
        let offsets = 0..u32::try_from(block.len()).unwrap_or(u32::MAX);
        self.start.begun = offsets.map(|offset| ledger.is_settled(offset)).collect();
        for (offset, deferral) in deferred {
            let begun = usize::try_from(offset).ok();
            if let Some(begun) = begun.and_then(|offset| self.start.begun.get_mut(offset)) {
                *begun = true;
                self.start.deferred.push(deferral);
            }
        }
        self.ledger = Some(ledger);
        self.unbegun = block.number() + 1;
    }

    fn enter(
        &mut self,
        entry: Entry,
        block: &Block,
        ledger: &mut BlockLedger,
        deferred: &mut Vec<(u32, Deferral)>,
    ) {
        match entry {
            Entry::Settled { offset, fate } => {
                if !ledger.is_settled(offset) {
                    ledger.settle(offset, &fate);
                    self.outcomes.add(fate.kind);
                }
            }
            Entry::Deferred {
                offset,
                earlier,
                best,
                at,
            } => {
                let index = block.first() + u64::from(offset);
                let deferral = Deferral {
                    index,
                    earlier,
                    best,
                    at,
                };
                deferred.push((offset, deferral));
            }
            Entry::Behind {
                address,
                port,
                fate,
            } => ledger.enter_address(address, port, &fate),
        }
    }
}

/// The entries of a page, if all are of this block.
fn entries(page: &JournalPage, block: &Block) -> Result<Vec<Entry>, BadPage> {
    let entries = journal::read(&page.entries)?;
    let fits = |entry: &Entry| match entry {
        Entry::Settled { offset, .. } | Entry::Deferred { offset, .. } => {
            u64::from(*offset) < block.len()
        }
        Entry::Behind { .. } => true,
    };
    if entries.iter().all(fits) {
        Ok(entries)
    } else {
        Err(BadPage::Content("a target of another block"))
    }
}
