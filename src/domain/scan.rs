use std::fmt;
use std::str::FromStr;

/// The number of a scan in its inventory, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(i64);

/// How a scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanState {
    /// Begun and not ended: at work, or killed and not yet found so.
    Running,
    /// Every target has its outcome.
    Complete,
    /// Ended early, in order: window, duration, network down.
    Stopped,
    /// Ended early by a signal: in order, or killed, which the next writer
    /// finds out.
    Interrupted,
    /// Ended by an error of its own.
    Failed,
}

/// A word that is no state of a scan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scan state")]
pub struct UnknownScanState(pub String);

impl ScanId {
    /// The scan with this number in the inventory.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ScanState {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Complete,
        Self::Stopped,
        Self::Interrupted,
        Self::Failed,
    ];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ScanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ScanState {
    type Err = UnknownScanState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownScanState(text.to_owned()))
    }
}
