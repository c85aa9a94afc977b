use crate::domain::{ScanId, ScanState, Tally, Timestamp};

/// One scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// Its number.
    pub id: ScanId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs, and where it was killed.
    pub finished_at: Option<Timestamp>,
    /// How it stands.
    pub state: ScanState,
    /// Why it ended early: a word of [`EarlyEnd`], or an error's message.
    ///
    /// [`EarlyEnd`]: crate::domain::EarlyEnd
    pub ended_by: Option<String>,
    /// Who ran it: user, machine and process.
    pub operator: Option<String>,
    /// How many targets it has.
    pub targets: u64,
    /// How many targets had each outcome so far.
    pub outcomes: Tally,
    /// What was written down with it.
    pub note: Option<String>,
    /// The settings it ran with, JSON.
    pub settings: String,
    /// Its place in the order in which scans last began to run: one that was
    /// gone on with comes after those that ran in between.
    pub run: i64,
    /// What happened around it, a sentence each.
    pub incidents: Vec<String>,
    /// How many of its targets had no turn and are not in the coverage either.
    pub unlisted: u64,
}

impl ScanRow {
    /// Why it ended early. Nobody saw the end of a scan that was killed.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self.state {
            ScanState::Interrupted => self.ended_by.as_deref().or(Some("killed")),
            ScanState::Running | ScanState::Complete | ScanState::Stopped | ScanState::Failed => {
                self.ended_by.as_deref()
            }
        }
    }
}
