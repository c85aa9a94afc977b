use crate::domain::{Alert, Outcome, OutcomeKind, Refusal};
use crate::tls::Rung;

/// The outcome that stands for all attempts of a question: the best of them,
/// of equals the one that tells more, then the earlier.
///
/// A fault of ours, or a rung that could not be tried any more, stands above all
/// but a certificate: had it not been, that attempt might have found one, so
/// nothing is known about the peer yet.
pub(super) fn best(tried: Vec<(Rung, Outcome)>) -> Option<Outcome> {
    let outcomes = tried.into_iter().map(|(_, outcome)| outcome);
    outcomes.min_by_key(merit)
}

/// Lower is better.
fn merit(outcome: &Outcome) -> (Standing, OutcomeKind, Telling) {
    let kind = outcome.kind();
    let standing = match kind {
        OutcomeKind::Certificate => Standing::Found,
        OutcomeKind::LocalError | OutcomeKind::NotAttempted => Standing::Unknown,
        // One that hung up on one rung may say on another what it speaks.
        OutcomeKind::NoCertificate | OutcomeKind::NotTls => Standing::Told,
        OutcomeKind::TlsRefused if telling(outcome) < Telling::Close => Standing::Told,
        OutcomeKind::TlsRefused
        | OutcomeKind::Silent
        | OutcomeKind::Broken
        | OutcomeKind::Refused
        | OutcomeKind::Filtered
        | OutcomeKind::Unreachable
        | OutcomeKind::Unresolved
        | OutcomeKind::Excluded
        | OutcomeKind::Fresh => Standing::Answered,
    };
    (standing, kind, telling(outcome))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Found,
    Unknown,
    Told,
    Answered,
}

/// How much a refusal tells: a reason, that the versions were wrong (true of
/// every rung but one), that there was no reason.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Telling {
    Reason,
    Version,
    Close,
    Nothing,
}

fn telling(outcome: &Outcome) -> Telling {
    match outcome {
        Outcome::TlsRefused(refusal) => match refusal {
            Refusal::Alert(_, Alert::PROTOCOL_VERSION) => Telling::Version,
            Refusal::Alert(..) => Telling::Reason,
            Refusal::Closed(_) | Refusal::Reset(_) => Telling::Close,
            Refusal::Stalled(_) | Refusal::Malformed(_) | Refusal::TooLarge(_) => Telling::Nothing,
        },
        Outcome::Certificate(_)
        | Outcome::NoCertificate(..)
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
        | Outcome::LocalError(_) => Telling::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Broken, LocalFault, NotTls, Phase};
    use crate::tls::Ladder;

    fn best_of(outcomes: Vec<Outcome>) -> Option<Outcome> {
        let rung = Ladder::default().first();
        best(
            outcomes
                .into_iter()
                .map(|outcome| (rung, outcome))
                .collect(),
        )
    }

    fn alert(alert: Alert) -> Outcome {
        Outcome::TlsRefused(Refusal::Alert(Phase::Hello, alert))
    }

    #[test]
    fn the_order_of_outcomes_decides_then_what_tells_more_then_what_came_first() {
        let closed = Outcome::TlsRefused(Refusal::Closed(Phase::Hello));
        let failure = alert(Alert::HANDSHAKE_FAILURE);
        let version = alert(Alert::PROTOCOL_VERSION);
        let parameter = alert(Alert::ILLEGAL_PARAMETER);
        let broken = Outcome::Broken(Broken::Malformed);
        let banner = Outcome::NotTls(NotTls::Other, b"SSH-2.0-x".to_vec());
        let cases = [
            (vec![broken.clone(), closed.clone()], &closed),
            (vec![closed.clone(), version.clone()], &version),
            (vec![version.clone(), failure.clone()], &failure),
            (vec![failure.clone(), parameter], &failure),
            (vec![failure.clone(), Outcome::Filtered], &failure),
            (vec![closed.clone(), Outcome::Filtered], &closed),
            (vec![closed.clone(), banner.clone()], &banner),
            (vec![banner.clone(), failure.clone()], &failure),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(best_of(outcomes).as_ref(), Some(expected));
        }
        assert_eq!(best_of(Vec::new()), None);
    }

    #[test]
    fn a_fault_of_ours_leaves_the_question_open() {
        let ours = Outcome::LocalError(LocalFault::Exhausted(String::new()));
        let outcomes = vec![alert(Alert::HANDSHAKE_FAILURE), ours.clone()];
        assert_eq!(best_of(outcomes), Some(ours));
    }
}
