//! Ends of looks → the open block: its ledger, and the journal by which
//! another run could go on with it.

use std::mem;
use std::sync::Arc;

use super::fate::Fate;
use super::journal::{Entry, Page};
use super::ledger::BlockLedger;
use super::look::Deferral;
use super::resumption::Resumption;
use super::verdict::best_answers;
use super::worker::Settled;
use crate::domain::{Tally, Timestamp, Zone, clock};
use crate::store::{JournalPage, Milestone, Step};
use crate::target::{Block, Plan};

/// Blocks without a turn whose networks are entered into the ledger when the
/// scan ends early: 16 M targets, so some seconds at most. How many targets
/// there are beyond, the scan's outcomes say.
const MOST_UNBEGUN: u64 = 16;

/// What a scan has to say of its targets, block by block.
pub(super) struct Register {
    plan: Arc<Plan>,
    zone: Zone,
    began: Timestamp,
    /// The open block.
    ledger: Option<BlockLedger>,
    /// The number of the first block that had no turn.
    unbegun: u64,
    /// The page of its journal that is not written yet.
    page: Page,
    /// The pages that are.
    pages: u64,
    /// Of all targets so far.
    outcomes: Tally,
}

impl Register {
    /// One that goes on where an earlier run of the scan has come to.
    pub(super) fn new(plan: Arc<Plan>, zone: Zone, resumption: Resumption) -> Self {
        Self {
            plan,
            zone,
            began: resumption.began,
            ledger: resumption.ledger,
            unbegun: resumption.unbegun,
            page: Page::default(),
            pages: resumption.pages,
            outcomes: resumption.outcomes,
        }
    }

    /// Whether a target falls into the open block.
    pub(super) fn has_open(&self, index: u64) -> bool {
        let ledger = self.ledger.as_ref();
        ledger.is_some_and(|ledger| ledger.block().number() == Block::number_of(index))
    }

    /// Opens the block of a target; the one before is closed.
    pub(super) fn open(&mut self, index: u64) {
        let number = Block::number_of(index);
        self.unbegun = number + 1;
        self.pages = 0;
        self.ledger = self.plan.block(number).map(|block| {
            BlockLedger::new(Arc::clone(&self.plan), self.zone.clone(), block, self.began)
        });
    }

    /// Enters a target of the open block into the ledger and, if nobody need
    /// look at it again, into the journal.
    pub(super) fn settle(&mut self, settled: &Settled) {
        self.outcomes.add(settled.outcome.kind());
        let latest = settled.observations.iter().map(|seen| seen.at).max();
        let fate_of = |outcome, at| Fate::of(outcome, at).remarked(settled.remark);
        let fate = fate_of(&settled.outcome, latest.unwrap_or_else(clock::now));
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        let Some(offset) = ledger.offset(settled.index) else {
            return;
        };
        if settled.cut_short {
            ledger.enter(offset, &fate);
        } else {
            ledger.settle(offset, &fate);
            self.page.enter(Entry::Settled { offset, fate });
        }
        if settled.by_name {
            for best in best_answers(&settled.observations) {
                let fate = fate_of(&best.outcome, best.at);
                let (address, port) = (best.endpoint.address, best.endpoint.port);
                ledger.enter_address(address, port, &fate);
                self.page.enter(Entry::Behind {
                    address,
                    port,
                    fate,
                });
            }
        }
    }

    /// Notes in the journal that a target of the open block had a look.
    pub(super) fn defer(&mut self, deferral: Deferral) {
        let ledger = self.ledger.as_ref();
        if let Some(offset) = ledger.and_then(|ledger| ledger.offset(deferral.index)) {
            self.page.enter(Entry::Deferred {
                offset,
                earlier: deferral.earlier,
                best: deferral.best,
                at: deferral.at,
            });
        }
    }

    /// Whether the page says anything.
    pub(super) fn has_page(&self) -> bool {
        !self.page.is_empty()
    }

    /// Turns the page: what is on it is to be written now, with what it tells
    /// of.
    pub(super) fn turn_page(&mut self) -> Option<Milestone> {
        let page = JournalPage {
            number: self.pages,
            entries: mem::take(&mut self.page).write(),
        };
        self.pages += 1;
        self.milestone(Step::Page(page))
    }

    /// Closes the block, with the milestone that its last slice is, if it is
    /// done: then its journal goes.
    pub(super) fn close(&mut self) -> Option<(BlockLedger, Option<Milestone>)> {
        let done = self.ledger.as_ref().is_some_and(BlockLedger::is_complete);
        let done = done.then(|| self.milestone(Step::Done)).flatten();
        Some((self.ledger.take()?, done))
    }

    /// The blocks that had no turn, as far as the ledger lists them: nothing
    /// there was attempted.
    pub(super) fn unbegun(&self) -> impl Iterator<Item = BlockLedger> {
        (self.unbegun..self.plan.block_count().min(self.most_listed())).filter_map(|number| {
            let block = self.plan.block(number)?;
            let (plan, zone) = (Arc::clone(&self.plan), self.zone.clone());
            Some(BlockLedger::unbegun(plan, zone, block, self.began))
        })
    }

    /// The targets without a turn that the ledger does not list.
    pub(super) fn unlisted(&self) -> u64 {
        let listed = self.most_listed().saturating_mul(Block::MAX_LENGTH);
        self.plan.len().saturating_sub(listed)
    }

    /// The first block that the ledger does not list, however the scan ends.
    fn most_listed(&self) -> u64 {
        self.unbegun.saturating_add(MOST_UNBEGUN)
    }

    fn milestone(&self, step: Step) -> Option<Milestone> {
        let ledger = self.ledger.as_ref()?;
        Some(Milestone {
            outcomes: self.outcomes,
            block: ledger.block().number(),
            step,
        })
    }
}
