use crate::domain::{Outcome, OutcomeKind, Timestamp};

/// What became of a target, or of an address behind a name, as the ledger
/// keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) kind: OutcomeKind,
    /// What the outcome's word leaves out, where no endpoint row will hold it.
    pub(super) detail: String,
    /// To the second.
    pub(super) at: Timestamp,
}

impl Fate {
    pub(super) fn of(outcome: &Outcome, at: Timestamp) -> Self {
        let kind = outcome.kind();
        let detail = match kind {
            OutcomeKind::Excluded | OutcomeKind::Unresolved | OutcomeKind::LocalError => {
                outcome.detail()
            }
            OutcomeKind::Certificate
            | OutcomeKind::NoCertificate
            | OutcomeKind::TlsRefused
            | OutcomeKind::NotTls
            | OutcomeKind::Silent
            | OutcomeKind::Broken
            | OutcomeKind::Refused
            | OutcomeKind::Filtered
            | OutcomeKind::Unreachable
            | OutcomeKind::Fresh
            | OutcomeKind::NotAttempted => String::new(),
        };
        Self { kind, detail, at }
    }
}
