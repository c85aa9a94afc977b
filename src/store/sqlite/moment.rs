use crate::domain::{OutcomeKind, ScanId, Timestamp};

/// When something was seen, and by which scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) scan: ScanId,
}

impl Moment {
    /// Whether what was seen now takes the place of what was seen at `known`.
    ///
    /// A later scan does, also when a clock was set back in between; so does
    /// a later look of an earlier scan that was resumed. Neither holds for a
    /// batch that is written again: that is why it changes nothing.
    pub(super) fn supersedes(self, known: Self) -> bool {
        self.at > known.at || self.scan > known.scan
    }
}

/// Whether an outcome is the result of a look, so that it says something of
/// its target. The others must not take the place of one that does.
pub(super) const fn is_evidence(outcome: OutcomeKind) -> bool {
    match outcome {
        OutcomeKind::Certificate
        | OutcomeKind::NoCertificate
        | OutcomeKind::TlsRefused
        | OutcomeKind::NotTls
        | OutcomeKind::Silent
        | OutcomeKind::Broken
        | OutcomeKind::Refused
        | OutcomeKind::Filtered
        | OutcomeKind::Unreachable
        | OutcomeKind::Unresolved => true,
        OutcomeKind::Excluded
        | OutcomeKind::Fresh
        | OutcomeKind::NotAttempted
        | OutcomeKind::LocalError => false,
    }
}
