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
    /// a later look of an earlier scan that runs again. Neither holds for a
    /// batch that is written again: that is why it changes nothing. (After a
    /// clock was set back it would, for a batch of an earlier scan; but that
    /// one is over, and nothing of it is stored any more.)
    pub(super) fn supersedes(self, known: Self) -> bool {
        self.at > known.at || self.scan > known.scan
    }
}

/// Whether something takes the place of what is known, by its merit (the
/// least is the best): within one scan the better stands, of equals the
/// later; else the newer.
pub(super) fn better_supersedes<Merit: Ord>(
    (merit, moment): (Merit, Moment),
    (known_merit, known): (Merit, Moment),
) -> bool {
    if moment.scan == known.scan {
        merit < known_merit || (merit == known_merit && moment.at > known.at)
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
