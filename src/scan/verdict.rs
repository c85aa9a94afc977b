//! What is known of a target → its outcome, or another look.

use super::breaker::Sign;
use super::dialects;
use super::look::Look;
use super::no_answer::NoAnswer;
use super::worker::Bench;
use crate::domain::{LocalFault, Observation, Outcome, OutcomeKind, Target};
use crate::net::Dialer;
use crate::probe;
use crate::resolve::{LookupError, Resolver};

/// How often a target is looked at again after faults of ours of one kind.
const LOCAL_RETRIES: u32 = 3;

/// A verdict, or the reason for another look with what is worth keeping.
#[derive(Debug)]
pub(super) enum Verdict {
    Settled(Outcome, Vec<Observation>),
    Again(NoAnswer, Vec<Observation>),
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// The target's outcome is the best of its observations', unless one of
    /// them deserves another look.
    pub(super) fn weigh(
        &self,
        target: &Target,
        mut known: Vec<Observation>,
        look: &Look,
    ) -> Verdict {
        let no_answer = known.iter().filter_map(NoAnswer::to).min();
        let retries = self.retries(&known);
        match no_answer {
            Some(no_answer)
                if self.has_looks_left(no_answer, retries, look) && self.may_hold(&known) =>
            {
                known.retain(|seen| seen.outcome.kind().connected());
                Verdict::Again(no_answer, known)
            }
            Some(_) | None => self.settle(target, known, look, None),
        }
    }

    /// Whether what is known may wait for another look. Where there is no
    /// room for it, the target is settled as this look found it.
    fn may_hold(&self, known: &[Observation]) -> bool {
        let spoke = known.iter().any(|seen| seen.outcome.kind().connected());
        !spoke || self.feed.has_room()
    }

    pub(super) fn unresolved(
        &self,
        target: &Target,
        error: LookupError,
        seen: Vec<Observation>,
        look: &Look,
    ) -> Verdict {
        let outcome = match error {
            LookupError::Unresolved(why) => Outcome::Unresolved(why),
            LookupError::Resolver(what) => {
                // An outage begins with the DNS where targets are names.
                self.guard.see(Sign::Silence);
                look.note_answer(false);
                Outcome::LocalError(LocalFault::Resolver(what))
            }
        };
        let retries = self.settings.approach.elsewhere().retries;
        match NoAnswer::of(&outcome) {
            Some(no_answer) if self.has_looks_left(no_answer, retries, look) => {
                Verdict::Again(no_answer, seen)
            }
            Some(_) | None => self.settle(target, seen, look, Some(outcome)),
        }
    }

    /// The fewest retries of those addresses that have not answered.
    fn retries(&self, known: &[Observation]) -> u32 {
        let unanswered = known.iter().filter(|seen| NoAnswer::to(seen).is_some());
        let approach = &self.settings.approach;
        unanswered
            .map(|seen| approach.at(seen.endpoint.address).retries)
            .min()
            .unwrap_or(approach.elsewhere().retries)
    }

    fn has_looks_left(&self, no_answer: NoAnswer, retries: u32, look: &Look) -> bool {
        let left = match no_answer {
            NoAnswer::Filtered | NoAnswer::Unreachable => look.earlier < retries,
            NoAnswer::Resolver => look.earlier < retries.max(LOCAL_RETRIES),
            NoAnswer::Exhausted => look.shortages < LOCAL_RETRIES,
        };
        if left && self.stop.is_cancelled() {
            look.cut_short();
            return false;
        }
        left
    }

    /// The same without another look where it had no answer: the network would
    /// not let it come about.
    pub(super) fn unanswered(&self, target: &Target, verdict: Verdict, look: &Look) -> Verdict {
        match verdict {
            Verdict::Again(no_answer @ (NoAnswer::Filtered | NoAnswer::Unreachable), seen) => {
                self.settle(target, seen, look, Some(no_answer.into()))
            }
            verdict => verdict,
        }
    }

    /// The same where the scan stops: what is known stands, and another run
    /// looks again.
    pub(super) fn at_the_stop(&self, target: &Target, verdict: Verdict, look: &Look) -> Verdict {
        match verdict {
            Verdict::Again(no_answer, seen) => {
                look.cut_short();
                self.settle(target, seen, look, Some(no_answer.into()))
            }
            Verdict::Settled(Outcome::NotAttempted, seen) => self.cut(target, seen, look),
            verdict @ Verdict::Settled(..) => verdict,
        }
    }

    /// The scan stops before the look: what is known stands.
    pub(super) fn cut(&self, target: &Target, seen: Vec<Observation>, look: &Look) -> Verdict {
        look.cut_short();
        self.settle(target, seen, look, None)
    }

    /// The best of what was observed, of earlier looks and of what is known
    /// beside them.
    fn settle(
        &self,
        target: &Target,
        mut observations: Vec<Observation>,
        look: &Look,
        beside: Option<Outcome>,
    ) -> Verdict {
        let attempted = |seen: &Observation| seen.outcome.kind() != OutcomeKind::NotAttempted;
        if !observations.iter().all(attempted) {
            look.cut_short();
            observations.retain(attempted);
        }
        let first = probe::dialects::first(target);
        dialects::drop_fruitless(&mut observations, first, &self.expected);
        let outcomes = known(&observations, look).into_iter().chain(beside);
        let outcome = outcomes.min_by_key(dialects::Merit::of);
        Verdict::Settled(outcome.unwrap_or(Outcome::NotAttempted), observations)
    }
}

impl Verdict {
    /// Whether it stands without another look.
    pub(super) fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Again(..) | Self::Settled(Outcome::NotAttempted, _)
        )
    }

    /// Whether something was lacking here.
    pub(super) fn was_short(&self) -> bool {
        match self {
            Self::Again(no_answer, _) => *no_answer == NoAnswer::Exhausted,
            Self::Settled(outcome, _) => {
                matches!(outcome, Outcome::LocalError(LocalFault::Exhausted(_)))
            }
        }
    }
}

/// The best of what was observed, and of earlier looks.
pub(super) fn known<'a>(
    observations: impl IntoIterator<Item = &'a Observation>,
    look: &Look,
) -> Option<Outcome> {
    let observed = observations.into_iter().map(|seen| seen.outcome.clone());
    let earlier = look.best.map(Outcome::from);
    observed.chain(earlier).min_by_key(dialects::Merit::of)
}

/// The best answer of each endpoint, of equal ones the first.
pub(super) fn best_answers(observations: &[Observation]) -> Vec<&Observation> {
    let mut best: Vec<&Observation> = Vec::new();
    for seen in observations {
        let known = best.iter_mut().find(|it| it.endpoint == seen.endpoint);
        match known {
            Some(known) if seen.outcome.kind() < known.outcome.kind() => *known = seen,
            Some(_) => {}
            None => best.push(seen),
        }
    }
    best
}
