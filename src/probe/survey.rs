use tokio_util::sync::CancellationToken;

use super::climb::{Choice, Climb};
use super::knock::Visit;
use super::prober::{Probe, Prober, observed};
use crate::domain::{
    Acceptance, Alert, Broken, Der, HybridGroup, KeyExchange, Observation, Outcome, OutcomeKind,
    ProtocolSet, Refusal, Survey, TlsVersion,
};
use crate::net::Dialer;
use crate::tls::{Groups, Ladder, Rung};

/// Newest first: what old servers stumble over comes last.
const VERSIONS: [TlsVersion; 6] = [
    TlsVersion::TLS_1_3,
    TlsVersion::TLS_1_2,
    TlsVersion::TLS_1_1,
    TlsVersion::TLS_1_0,
    TlsVersion::SSL_3,
    TlsVersion::SSL_2,
];

/// What the questions of a survey came to.
struct Answers<'s> {
    survey: Survey,
    /// What the main question showed.
    seen: Option<&'s Observation>,
    /// Certificates whose leaf nothing before had shown.
    others: Vec<Observation>,
}

impl<D: Dialer> Prober<D> {
    /// Asks the probe's endpoint for each version by itself, and a server of
    /// TLS 1.3 for a hybrid group, one paced connection each; of the ladder
    /// only the application protocols are taken. What `seen` shows already is
    /// not asked again. With the survey come the certificates that `seen` has
    /// not: a front end may have another for each version.
    ///
    /// All questions together have the time for one target, and a version
    /// whose hello would be written like one that met silence is not asked
    /// for. It ends early where a connection fails or its words before TLS do,
    /// and after `stop`; what it could not ask is not in the survey.
    ///
    /// Cancel safe in that every connection is dropped with it; what was seen
    /// is lost.
    pub async fn survey(
        &self,
        probe: &Probe,
        seen: Option<&Observation>,
        stop: &CancellationToken,
    ) -> (Survey, Vec<Observation>) {
        let mut answers = Answers::known(seen);
        self.ask_all(probe, &mut answers, stop).await;
        (answers.survey, answers.others)
    }

    /// `None` where it ended early.
    async fn ask_all(
        &self,
        probe: &Probe,
        answers: &mut Answers<'_>,
        stop: &CancellationToken,
    ) -> Option<()> {
        let mut visit = self.first_visit(probe, stop);
        let mut silent: Vec<Rung> = Vec::new();
        for version in VERSIONS {
            let Some(rung) = rung(version, probe) else {
                continue;
            };
            let met_silence = silent.iter().any(|silent| silent.is_written_like(rung));
            if !met_silence && !answers.survey.versions.contains_key(&version) {
                let climb = self.ask(visit, rung, stop).await?;
                visit = climb.next;
                let accepted = accepts(version, &climb);
                answers
                    .survey
                    .versions
                    .extend(accepted.map(|it| (version, it)));
                silent.extend(climb.met_silence().then_some(rung));
                answers.take_certificate(probe, climb);
            }
            let accepted = answers.survey.versions.get(&version);
            if version == TlsVersion::TLS_1_3 && accepted == Some(&Acceptance::Accepted) {
                let hybrid = Rung {
                    groups: Groups::Hybrid,
                    ..rung
                };
                let climb = self.ask(visit, hybrid, stop).await?;
                visit = climb.next;
                answers.survey.hybrid_group = hybrid_group(&climb);
                answers.take_certificate(probe, climb);
            }
        }
        Some(())
    }

    /// Offers one rung; `None` where that came to no TLS, or no time is left.
    async fn ask<'a>(
        &self,
        visit: Visit<'a>,
        rung: Rung,
        stop: &'a CancellationToken,
    ) -> Option<Climb<'a>> {
        let visit = Visit {
            stop: Some(stop),
            ..visit
        };
        if visit.budget.is_zero() {
            return None;
        }
        let climb = self.climb(visit, rung, &Ladder::of_one(rung.offered)).await;
        (climb.choice != Choice::NoTls).then_some(climb)
    }
}

impl<'s> Answers<'s> {
    /// What is known before the first question.
    fn known(seen: Option<&'s Observation>) -> Self {
        let mut survey = Survey::default();
        if let Some(seen) = seen {
            let versions = VERSIONS.into_iter();
            survey
                .versions
                .extend(versions.filter_map(|version| Some((version, known(seen, version)?))));
        }
        Self {
            survey,
            seen,
            others: Vec::new(),
        }
    }

    /// Keeps a certificate, unless its leaf was shown before.
    fn take_certificate(&mut self, probe: &Probe, climb: Climb<'_>) {
        let shown = climb.tried.iter().find_map(|(_, outcome)| leaf(outcome));
        let mut before = self.seen.into_iter().chain(&self.others);
        if shown.is_none() || before.any(|seen| leaf(&seen.outcome) == shown) {
            return;
        }
        let pointer = self.seen.map(|seen| seen.pointer.clone());
        self.others.push(Observation {
            pointer: pointer.unwrap_or_default(),
            ..observed(probe.clone(), climb.tried)
        });
    }
}

fn leaf(outcome: &Outcome) -> Option<&Der> {
    match outcome {
        Outcome::Certificate(presented) => Some(presented.chain.leaf()),
        Outcome::NoCertificate(..)
        | Outcome::TlsRefused(_)
        | Outcome::NotTls(..)
        | Outcome::Silent(_)
        | Outcome::Broken(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => None,
    }
}

/// The hello that offers this version alone.
fn rung(version: TlsVersion, probe: &Probe) -> Option<Rung> {
    let set = ProtocolSet::only(version)?;
    Some(Rung {
        alpn: probe.ladder.first().alpn,
        ..Rung::new(set)
    })
}

/// What an observation tells of a version: it was chosen, or refused when it
/// was offered alone, once and without conditions, by a server that took
/// another for the same name: one that knows no such name refuses them all.
fn known(seen: &Observation, version: TlsVersion) -> Option<Acceptance> {
    let session = match &seen.outcome {
        Outcome::Certificate(presented) => &presented.session,
        Outcome::NoCertificate(_, Some(session)) => session,
        _ => return None,
    };
    if session.version == version {
        return Some(Acceptance::Accepted);
    }
    let alone = ProtocolSet::only(version)?;
    let mut attempts = seen
        .attempts
        .iter()
        .filter(|attempt| attempt.offered == alone);
    match (attempts.next(), attempts.next(), seen.asked_for) {
        (Some(attempt), None, None) if attempt.outcome == OutcomeKind::TlsRefused => {
            Some(Acceptance::Refused)
        }
        _ => None,
    }
}

fn accepts(version: TlsVersion, climb: &Climb<'_>) -> Option<Acceptance> {
    match (climb.choice, climb.tried.last()?) {
        (Choice::Made(chosen, _), _) if chosen == version => Some(Acceptance::Accepted),
        (Choice::Made(..), _) => Some(Acceptance::Refused),
        // It went on as one that takes the version does, and insists on a
        // group that nothing here computes.
        (Choice::None, (_, Outcome::Broken(Broken::UnsupportedGroup(_)))) => {
            Some(Acceptance::Accepted)
        }
        (Choice::None, (_, outcome)) => refusal(outcome).then_some(Acceptance::Refused),
        (Choice::NoTls, _) => None,
    }
}

fn hybrid_group(climb: &Climb<'_>) -> Option<HybridGroup> {
    match (climb.choice, climb.tried.last()?) {
        (Choice::NoTls, _) => None,
        // It wants a group that was not offered.
        (_, (_, Outcome::Broken(Broken::UnsupportedGroup(_)))) => Some(HybridGroup::Refused),
        (Choice::Made(TlsVersion::TLS_1_3, Some(KeyExchange::Group(group))), _)
            if group.is_hybrid() =>
        {
            Some(HybridGroup::Agreed(group))
        }
        (Choice::Made(..), _) => Some(HybridGroup::Refused),
        (Choice::None, (_, outcome)) => refusal(outcome).then_some(HybridGroup::Refused),
    }
}

/// Whether a server that chose nothing has answered nevertheless: one that
/// fell silent, or dripped, has not said no, and one that does not know the
/// name has not come to what was offered.
fn refusal(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::TlsRefused(Refusal::Alert(_, alert)) => *alert != Alert::UNRECOGNIZED_NAME,
        Outcome::TlsRefused(_)
        | Outcome::NotTls(..)
        | Outcome::NoCertificate(..)
        | Outcome::Certificate(_)
        | Outcome::Broken(Broken::Malformed | Broken::UnsupportedGroup(_)) => true,
        Outcome::Broken(Broken::TooLarge | Broken::Deadline)
        | Outcome::Silent(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => false,
    }
}
