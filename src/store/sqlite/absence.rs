//! Looks without the certificate → what they say of its absence.
//!
//! Pure. A look says nothing of a certificate that it could not have brought:
//! one that came by a version which was not offered this time. That holds for a
//! look with another certificate as well, unless that came by a version which
//! was refused when this one came: then the server is not what it was.
//! Where nobody can ask for the one, and the other came, that is in doubt all the
//! same.
//!
//! A hello may be lost on the way, and its answer too. So what was answered to
//! the hellos after it denies nothing that it alone had asked for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::interval::SessionWords;
use super::moment::Moment;
use crate::domain::{Attempt, NoCertificate, Observation, Outcome, OutcomeKind, ScanId};

/// What a look says against the certificates of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// The host answered, without them: once is enough.
    Denied,
    /// Nothing came that makes sense; the way may be at fault.
    Unanswered,
    /// Another certificate came, of a key type that is asked for: there may be
    /// several servers behind a balancer.
    Outshone,
}

/// Looks that it takes where none was an answer, and the scans they must
/// belong to: what goes wrong for the time of a scan is no absence.
const ENOUGH_LOOKS: u32 = 3;
const ENOUGH_SCANS: u32 = 2;

/// The same of looks that brought another certificate, where the one that they did
/// not bring has been missing before, and came back. One of three servers is met
/// within 30 looks but for five times in a million.
const ENOUGH_OUTSHONE: u32 = 30;

/// How long certificates are missing before they are gone, at least. A weekly
/// scan may begin some hours earlier than the one before it.
pub(super) const MISSING_BEFORE_GONE: Duration = Duration::from_hours(6 * 24);

/// A look, in what it says of the certificates that it did not bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FailedLook {
    absence: Option<Absence>,
    reach: Reach,
    /// Versions that were offered, and every time in vain.
    unheard: BTreeSet<String>,
    /// How another certificate came: one that outshone others, or the default.
    brought: Option<Arc<SessionWords>>,
}

/// Of which certificates a failed look says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Reach {
    /// Of any: there was no TLS to offer a version in.
    #[default]
    All,
    /// Of those that came by one of these versions.
    Offered(BTreeSet<String>),
}

/// For how many looks a failed one counts, and how many are enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    looks: u32,
    enough: u32,
}

/// Looks that failed to bring one certificate, since its question's last answer
/// or since it went missing. Whichever certificate an answer brought, the way is
/// well again by it; a look that says nothing of this one is not counted, and one
/// for what came back before as its [`Weight`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) looks: u32,
    pub(super) scans: u32,
    /// The latest of them all, the uncounted ones before included.
    pub(super) last: Option<Moment>,
}

impl FailedLook {
    /// What an observation says of the certificates it did not bring.
    pub(super) fn of(look: &Observation) -> Self {
        let kind = look.outcome.kind();
        let last = look.attempts.last().map_or(kind, |last| last.outcome);
        let offered = versions(&look.attempts, |_| true);
        Self {
            absence: match &look.outcome {
                Outcome::NoCertificate(NoCertificate::Unplaced, _) => None,
                // A name may have addresses in turn.
                Outcome::NoCertificate(NoCertificate::Default, _) => Some(Absence::Unanswered),
                _ => absence(kind, last),
            },
            unheard: unheard(&look.attempts),
            reach: if offered.is_empty() || !depends_on_version(kind) {
                Reach::All
            } else if matches!(kind, OutcomeKind::Silent | OutcomeKind::Broken) {
                // Who speaks TLS 1.3 has an alert for an older hello.
                let newest = "TLSv1.3".to_owned();
                Reach::Offered(offered.into_iter().chain([newest]).collect())
            } else {
                Reach::Offered(offered)
            },
            brought: match &look.outcome {
                Outcome::NoCertificate(NoCertificate::Default, Some(session)) => {
                    Some(Arc::new(SessionWords {
                        tls_version: session.version.to_string(),
                        ..SessionWords::default()
                    }))
                }
                _ => None,
            },
        }
    }

    /// No connection came about, so that it was no question's fault.
    pub(super) fn unconnected(outcome: OutcomeKind) -> Self {
        Self {
            absence: absence(outcome, outcome),
            ..Self::default()
        }
    }

    /// The name that is asked for leads to other addresses.
    pub(super) fn led_elsewhere() -> Self {
        Self {
            absence: Some(Absence::Unanswered),
            ..Self::default()
        }
    }

    /// TLS was spoken there, and it was none of the question's.
    pub(super) fn of_another_dialect() -> Self {
        Self {
            absence: Some(Absence::Denied),
            ..Self::default()
        }
    }

    /// The same, where that alone is not to be believed.
    pub(super) fn in_doubt(&self) -> Self {
        Self {
            absence: self.absence.and(Some(Absence::Unanswered)),
            ..self.clone()
        }
    }

    /// The same of certificates that nobody can ask for, where another one came by
    /// `answer`.
    pub(super) fn outshining(&self, answer: &Arc<SessionWords>) -> Self {
        Self {
            absence: self.absence.and(Some(Absence::Outshone)),
            brought: Some(Arc::clone(answer)),
            ..self.clone()
        }
    }

    /// What it says of certificates that came by `session`.
    pub(super) fn says_of(&self, session: &SessionWords) -> Option<Absence> {
        let version = &session.tls_version;
        let absence = self.absence?;
        let brought = self.brought.as_ref();
        if brought.is_some_and(|answer| session.was_refused(answer)) {
            return Some(absence);
        }
        if !self.reaches(version) {
            return None;
        }
        match absence {
            Absence::Outshone if self.unheard.contains(version) => None,
            _ if self.unheard.contains(version) => Some(Absence::Unanswered),
            absence => Some(absence),
        }
    }

    /// Whether `answer`, which it brought, says something of a certificate that
    /// came by `session`.
    pub(super) fn contradicts(&self, session: &SessionWords, answer: &SessionWords) -> bool {
        let version = &session.tls_version;
        let was_asked_for = self.reaches(version) && !self.unheard.contains(version);
        was_asked_for || session.was_refused(answer)
    }

    fn reaches(&self, version: &str) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Offered(offered) => offered.contains(version),
        }
    }
}

/// What an outcome says of a certificate that is not it, by the outcome of
/// the last connection: one that spoke at first and then did not take a
/// connection may have kept its certificate for that.
fn absence(outcome: OutcomeKind, last: OutcomeKind) -> Option<Absence> {
    match outcome {
        OutcomeKind::Certificate
        | OutcomeKind::NoCertificate
        | OutcomeKind::TlsRefused
        | OutcomeKind::NotTls => Some(if last.connected() {
            Absence::Denied
        } else {
            Absence::Unanswered
        }),
        OutcomeKind::Refused => Some(Absence::Denied),
        OutcomeKind::Silent
        | OutcomeKind::Broken
        | OutcomeKind::Filtered
        | OutcomeKind::Unreachable => Some(Absence::Unanswered),
        OutcomeKind::Unresolved
        | OutcomeKind::Excluded
        | OutcomeKind::Fresh
        | OutcomeKind::NotAttempted
        | OutcomeKind::LocalError => None,
    }
}

/// The versions that hellos offered and nothing came in answer to any of them.
fn unheard(attempts: &[Attempt]) -> BTreeSet<String> {
    let is_answered =
        |attempt: &Attempt| absence(attempt.outcome, attempt.outcome) == Some(Absence::Denied);
    if attempts.iter().all(is_answered) {
        return BTreeSet::new();
    }
    let answered = versions(attempts, is_answered);
    let mut unheard = versions(attempts, |_| true);
    unheard.retain(|version| !answered.contains(version));
    unheard
}

fn versions(attempts: &[Attempt], counts: impl Fn(&Attempt) -> bool) -> BTreeSet<String> {
    let attempts = attempts.iter().filter(|attempt| counts(attempt));
    let offered = attempts.flat_map(|attempt| attempt.offered.versions());
    offered.map(|version| version.to_string()).collect()
}

/// Whether another hello might have had another outcome.
fn depends_on_version(outcome: OutcomeKind) -> bool {
    outcome.connected() && outcome != OutcomeKind::NotTls
}

impl Failures {
    /// Counts a failed look; `None` if it was counted before, else whether
    /// there were enough of them, even if none was an answer.
    pub(super) fn count(&mut self, moment: Moment, weight: Weight) -> Option<bool> {
        if self.last.is_some_and(|last| !moment.supersedes(last)) {
            return None;
        }
        let scan: Option<ScanId> = self.last.map(|last| last.scan);
        if self.scans == 0 || scan != Some(moment.scan) {
            self.scans = self.scans.saturating_add(1);
        }
        self.looks = self.looks.saturating_add(weight.looks);
        self.last = Some(moment);
        Some(self.looks >= weight.enough && self.scans >= ENOUGH_SCANS)
    }

    /// Begins to count anew.
    pub(super) fn restart(&mut self) {
        self.looks = 0;
        self.scans = 0;
    }
}

impl Weight {
    /// That of any.
    pub(super) const ONE: Self = Self {
        looks: 1,
        enough: ENOUGH_LOOKS,
    };

    /// That of one for what was missing before, and came back.
    pub(super) const fn after_a_return(absence: Absence) -> Self {
        Self {
            looks: match absence {
                Absence::Outshone => 1,
                Absence::Denied | Absence::Unanswered => ENOUGH_OUTSHONE / ENOUGH_LOOKS,
            },
            enough: ENOUGH_OUTSHONE,
        }
    }
}
