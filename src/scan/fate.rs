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

    /// The same with what is to be said of it, if that is what it is about.
    pub(super) fn remarked(self, remark: Option<Remark>) -> Self {
        let told = match remark {
            Some(Remark::Suspected) if self.kind.is_silence() => {
                Some("its network stopped answering during the scan")
            }
            Some(Remark::Unvouched) if self.kind.is_silence() => {
                Some("nobody could be asked whether the network was there")
            }
            Some(Remark::OutOfHours) if self.kind == OutcomeKind::NotAttempted => {
                Some("out of the hours of its network")
            }
            Some(_) | None => None,
        };
        Self {
            detail: told.map_or(self.detail, ToOwned::to_owned),
            ..self
        }
    }
}

/// Why there is no answer of a target, where that is not its own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// Its network began to filter us: its silence says nothing of it.
    Suspected,
    /// Nobody who answered before could be asked whether the network was there:
    /// its silence says nothing of it.
    Unvouched,
    /// Its network may not be asked at this time.
    OutOfHours,
}

impl Remark {
    /// Whether a silence so remarked is no evidence.
    pub(super) const fn is_doubt(self) -> bool {
        match self {
            Self::Suspected | Self::Unvouched => true,
            Self::OutOfHours => false,
        }
    }
}
