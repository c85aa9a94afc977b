use std::fmt;

use super::ScanState;

/// Why a scan ended before every target had its outcome, and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EarlyEnd {
    /// The operator, or the system that goes down.
    Signal,
    /// The window in which it may send closed.
    Window,
    /// The longest it may take was over.
    Duration,
    /// The network was down, and stayed so.
    NetworkDown,
}

impl EarlyEnd {
    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Window => "window",
            Self::Duration => "duration",
            Self::NetworkDown => "network-down",
        }
    }

    /// How a scan stands that ended so.
    #[must_use]
    pub const fn state(self) -> ScanState {
        match self {
            Self::Signal => ScanState::Interrupted,
            Self::Window | Self::Duration | Self::NetworkDown => ScanState::Stopped,
        }
    }
}

impl fmt::Display for EarlyEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
