use tokio_util::sync::CancellationToken;

use super::prober::{Choice, Climb, Probe, Prober, Visit};
use crate::domain::{
    Acceptance, Alert, Broken, HybridGroup, KeyExchange, Observation, Outcome, OutcomeKind,
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

impl<D: Dialer> Prober<D> {
    /// Asks the probe's endpoint for each version by itself, and a server of
    /// TLS 1.3 for a hybrid group, one paced connection each; of the ladder
    /// only the application protocols are taken. What `seen` shows already is
    /// not asked again.
    ///
    /// All questions together have the time for one target. It ends early
    /// where a connection fails or its words before TLS do, and after `stop`;
    /// what it could not ask is not in the survey.
    ///
    /// Cancel safe in that every connection is dropped with it; what was seen
    /// is lost.
    pub async fn survey(
        &self,
        probe: &Probe,
        seen: Option<&Observation>,
        stop: &CancellationToken,
    ) -> Survey {
        let mut survey = Survey::default();
        if let Some(seen) = seen {
            survey
                .versions
                .extend(VERSIONS.iter().filter_map(|version| {
                    let acceptance = known(seen, *version)?;
                    Some((*version, acceptance))
                }));
        }
        let mut visit = self.first_visit(probe, stop);
        for version in VERSIONS {
            if survey.versions.contains_key(&version) {
                continue;
            }
            let Some(rung) = rung(version, probe) else {
                continue;
            };
            let Some(climb) = self.ask(visit, rung, stop).await else {
                return survey;
            };
            visit = climb.next;
            if let Some(acceptance) = accepts(version, &climb) {
                survey.versions.insert(version, acceptance);
            }
        }
        let modern = survey.versions.get(&TlsVersion::TLS_1_3);
        if modern == Some(&Acceptance::Accepted)
            && let Some(rung) = rung(TlsVersion::TLS_1_3, probe)
        {
            let hybrid = Rung {
                groups: Groups::Hybrid,
                ..rung
            };
            let climb = self.ask(visit, hybrid, stop).await;
            survey.hybrid_group = climb.and_then(|climb| hybrid_group(&climb));
        }
        survey
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
        // Its HelloRetryRequest chose the version, and a group for it.
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
        Outcome::TlsRefused(Refusal::Alert(_, Alert::UNRECOGNIZED_NAME)) => false,
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
