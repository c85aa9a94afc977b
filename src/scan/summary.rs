use std::time::Duration;

use crate::domain::{ScanId, ScanState, Tally};

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its number in the inventory.
    pub scan: ScanId,
    /// Complete, or ended early.
    pub state: ScanState,
    /// How many targets it had; the outcomes add up to it.
    pub targets: u64,
    /// How many targets had each outcome.
    pub outcomes: Tally,
    /// What went wrong on our side, and for how many targets: the most
    /// frequent first.
    pub faults: Vec<(String, u64)>,
    /// Different leaf certificates seen.
    pub certificates: u64,
    /// From first to last, wall time.
    pub elapsed: Duration,
}
