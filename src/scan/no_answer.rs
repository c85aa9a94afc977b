use std::cmp::min;

use serde::{Deserialize, Serialize};

use crate::domain::{Attempt, LocalFault, Observation, Outcome, OutcomeKind};

/// An outcome that deserves another look, best first, in one byte: a block
/// may defer a million looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NoAnswer {
    Filtered,
    Unreachable,
    /// Descriptors, ports or memory ran out here.
    Exhausted,
    /// The resolver did not answer.
    Resolver,
}

impl NoAnswer {
    /// Why an outcome deserves another look, if it does.
    pub(super) const fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Filtered => Some(Self::Filtered),
            Outcome::Unreachable => Some(Self::Unreachable),
            // What ran out comes back; a route or a permission does not.
            Outcome::LocalError(LocalFault::Exhausted(_)) => Some(Self::Exhausted),
            Outcome::LocalError(LocalFault::Resolver(_)) => Some(Self::Resolver),
            Outcome::LocalError(LocalFault::Network(_) | LocalFault::Internal(_))
            | Outcome::Certificate(_)
            | Outcome::NoCertificate(..)
            | Outcome::TlsRefused(_)
            | Outcome::NotTls(..)
            | Outcome::Silent(_)
            | Outcome::Broken(_)
            | Outcome::Refused
            | Outcome::Unresolved(_)
            | Outcome::Excluded(_)
            | Outcome::Fresh
            | Outcome::NotAttempted => None,
        }
    }

    /// Why a question may have more to say at another look. One whose server
    /// answered some hellos and not others is one of them: what was lost may
    /// have been the one that brings its certificate, or the connection that
    /// was to be made for it.
    pub(super) fn to(seen: &Observation) -> Option<Self> {
        if seen.outcome.kind() == OutcomeKind::Certificate {
            return None;
        }
        let last = seen.attempts.last().map(|attempt| attempt.outcome);
        Self::of(&seen.outcome).or(match last {
            Some(OutcomeKind::Filtered) => Some(Self::Filtered),
            Some(OutcomeKind::Unreachable) => Some(Self::Unreachable),
            _ => was_heard_in_part(seen).then_some(Self::Filtered),
        })
    }

    /// The better of this one and what earlier looks came to.
    pub(super) fn or_earlier(self, earlier: Option<Self>) -> Self {
        earlier.map_or(self, |earlier| min(earlier, self))
    }
}

/// Whether some hellos met silence and others an answer.
fn was_heard_in_part(seen: &Observation) -> bool {
    let met_silence = |attempt: &Attempt| attempt.outcome == OutcomeKind::Silent;
    seen.outcome.kind() != OutcomeKind::Silent && seen.attempts.iter().any(met_silence)
}

impl From<NoAnswer> for Outcome {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Filtered => Self::Filtered,
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::Exhausted => {
                Self::LocalError(LocalFault::Exhausted("at every look".to_owned()))
            }
            NoAnswer::Resolver => {
                Self::LocalError(LocalFault::Resolver("silent at every look".to_owned()))
            }
        }
    }
}
