use crate::domain::{Fingerprint, ScanId, ScanState, Tally, Timestamp};

/// How far a scan has come when a batch is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// How many of its targets had each outcome by then.
    pub outcomes: Tally,
    /// The block of its plan whose turn it is, from 0.
    pub block: u64,
    /// How far that has come.
    pub step: Step,
}

/// How far a block has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Some more of its targets are settled; the page says which.
    Page(JournalPage),
    /// Every target is settled and stands in the ledger: nobody needs its
    /// pages any more.
    Done,
}

/// A page of a block's journal: what became of targets, in the scan's own
/// words. What they mean is the scan's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalPage {
    /// Its place among the pages of the block, from 0.
    pub number: u64,
    /// What stands on it.
    pub entries: String,
}

/// From where a scan goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// When the scan began.
    pub started_at: Timestamp,
    /// The first block that is not done.
    pub block: u64,
    /// The outcomes of the targets in the blocks before.
    pub outcomes: Tally,
    /// The pages of the block, by their numbers.
    pub pages: Vec<JournalPage>,
    /// The certificates that its endpoints showed so far, as far as they are
    /// still the latest answer.
    pub certificates: Vec<Fingerprint>,
}

/// A scan that is over, as far as one needs to know it to go on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastScan {
    /// Its number.
    pub id: ScanId,
    /// When it first began.
    pub started_at: Timestamp,
    /// How it stands.
    pub state: ScanState,
    /// What decides which targets are asked what; `None` where an older
    /// program wrote none down.
    pub identity: Option<Fingerprint>,
    /// The settings it ran with, JSON.
    pub settings: String,
    /// The seed of its order.
    pub seed: u64,
    /// SHA-256 of its plan, with the exclusions.
    pub plan: Fingerprint,
    /// How many blocks of its plan are done, from the first on.
    pub blocks_done: u64,
    /// How many of its targets were not attempted.
    pub not_attempted: u64,
    /// The latest scan of the same identity after it: that one is gone on
    /// with instead.
    pub successor: Option<ScanId>,
}
