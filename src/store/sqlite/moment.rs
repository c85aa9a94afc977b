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

/// Whether an outcome takes the place of a known one: within one scan the
/// better one stands, of equal ones the later; else the newer one.
pub(super) fn outcome_supersedes(
    (outcome, moment): (OutcomeKind, Moment),
    (known_outcome, known): (OutcomeKind, Moment),
) -> bool {
    if moment.scan == known.scan {
        outcome < known_outcome || (outcome == known_outcome && moment.at > known.at)
    } else {
        moment.supersedes(known)
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
