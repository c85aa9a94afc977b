use std::fmt;

use super::{OutcomeKind, ProtocolSet};

/// One connection made for a question, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What its ClientHello offered.
    pub offered: ProtocolSet,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// What the word leaves out: phase, alert, limit. Empty when nothing.
    pub detail: String,
}

impl fmt::Display for Attempt {
    /// `tls1.3: tls-refused (alert protocol_version(70) at hello)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.offered, self.outcome)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
