//! Looks → settled targets: resolves, probes, decides on another look.

use std::any::Any;
use std::mem;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::breaker::{Custody, Sign};
use super::candidates::{Candidate, NameSource};
use super::claims::{Claim, Claims};
use super::dialects;
use super::directory::Directory;
use super::feed::{Deferral, Feed, Look};
use super::guard::Guard;
use super::inquiry::{Inquiry, Step, Subject};
use super::no_answer::NoAnswer;
use super::recency::Recency;
use super::settings::{Pointers, Settings};
use crate::domain::{
    Host, LocalFault, Observation, Outcome, OutcomeKind, ServerName, Target, printable,
};
use crate::net::Dialer;
use crate::pace::Lane;
use crate::probe::{self, Probe, Prober};
use crate::resolve::{LookupError, Resolver};
use crate::target::Plan;

/// How often a target is looked at again after faults of ours of one kind.
const LOCAL_RETRIES: u32 = 3;

/// A target and its one outcome.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) index: u64,
    /// Whether the target is a name, and its addresses are not targets.
    pub(super) by_name: bool,
    pub(super) outcome: Outcome,
    /// What its endpoints said, an observation a question.
    pub(super) observations: Vec<Observation>,
    /// Whether the scan's end took a look or a question from it: a scan that
    /// goes on has to look again.
    pub(super) cut_short: bool,
}

/// How a look ended.
#[derive(Debug)]
pub(super) enum LookEnd {
    Settled(Settled),
    /// Another one follows.
    Deferred(Deferral),
}

/// A look that is over.
#[derive(Debug)]
pub(super) struct Looked {
    look: Look,
    by_name: bool,
    began: Instant,
    verdict: Verdict,
}

/// What all workers share.
pub(super) struct Bench<D: Dialer, R> {
    pub(super) plan: Arc<Plan>,
    pub(super) recency: Recency,
    pub(super) settings: Settings,
    pub(super) prober: Prober<D>,
    pub(super) resolver: R,
    pub(super) feed: Feed,
    pub(super) guard: Guard<Looked>,
    pub(super) directory: Arc<Directory>,
    pub(super) claims: Claims,
    pub(super) stop: CancellationToken,
    /// Whether the scan's end has taken a look or a question from any target.
    pub(super) cut_short: AtomicBool,
}

/// A verdict, or the reason for another look with what is worth keeping.
#[derive(Debug)]
enum Verdict {
    Settled(Outcome, Vec<Observation>),
    Again(NoAnswer, Vec<Observation>),
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Takes looks until there are none, and hands on what is settled. When
    /// nobody takes it any more, it stops the scan.
    pub(super) async fn work(self: Arc<Self>, ends: mpsc::Sender<LookEnd>) {
        while let Some(mut look) = self.feed.next().await {
            let Some(target) = self.plan.get(look.index) else {
                self.feed.settle();
                continue;
            };
            let (began, outages) = (Instant::now(), self.guard.outages().count);
            let verdict = self.look_or_fail(&target, &mut look).await;
            let looked = Looked {
                look,
                by_name: matches!(target.host, Host::Name(_)),
                began,
                verdict,
            };
            self.conclude(looked, outages, &ends).await;
            self.tell_vouched(&ends).await;
        }
    }

    /// A look, or the panic that ended it: that is a fault of ours, and this
    /// target's alone.
    async fn look_or_fail(&self, target: &Target, look: &mut Look) -> Verdict {
        let caught = AssertUnwindSafe(self.look(target, look)).catch_unwind();
        caught.await.unwrap_or_else(|panic| {
            let what = message(panic.as_ref());
            error!(%target, what, "a fault in certsweep itself");
            Verdict::Settled(Outcome::LocalError(LocalFault::Internal(what)), Vec::new())
        })
    }

    /// Tells what a look came to, but for one that had no answer: until
    /// somebody answers, that may have been the network's fault.
    async fn conclude(&self, looked: Looked, outages: u32, ends: &mpsc::Sender<LookEnd>) {
        if looked.look.is_interrupted() {
            return self.have_again(looked);
        }
        if !looked.look.is_unanswered() {
            return self.tell(looked, ends).await;
        }
        self.feed.hold_back();
        match self.guard.take(looked, outages) {
            Custody::Held => {}
            Custody::Told(looked) => {
                self.feed.let_go();
                self.tell(looked, ends).await;
            }
            Custody::Again(looked) => {
                self.feed.let_go();
                self.have_again(looked);
            }
        }
    }

    /// Tells what was held back until now.
    pub(super) async fn tell_vouched(&self, ends: &mpsc::Sender<LookEnd>) {
        for looked in self.guard.vouched() {
            self.feed.let_go();
            self.tell(looked, ends).await;
        }
    }

    /// Has a look again that fell into an outage; only what answered counts.
    pub(super) fn have_again(&self, looked: Looked) {
        let (Verdict::Settled(_, mut seen) | Verdict::Again(_, mut seen)) = looked.verdict;
        seen.retain(|seen| matches!(self.guard.sign(seen), Some(Sign::Answer(..))));
        self.feed.have_again(looked.look.anew(seen));
    }

    async fn tell(&self, looked: Looked, ends: &mpsc::Sender<LookEnd>) {
        let Looked {
            look,
            by_name,
            began,
            verdict,
        } = looked;
        if verdict.was_short() {
            self.feed.shrink(began);
        } else {
            self.feed.recover();
        }
        match verdict {
            Verdict::Again(no_answer, seen) => {
                let again = look.again(no_answer, seen);
                if let Some(deferral) = again.deferral() {
                    self.hand_on(LookEnd::Deferred(deferral), ends).await;
                }
                self.feed.defer(again, no_answer);
            }
            Verdict::Settled(outcome, observations) => {
                let settled = Settled {
                    index: look.index,
                    by_name,
                    outcome,
                    observations,
                    cut_short: look.is_cut_short(),
                };
                // First the hand-over, then the count: a block is over
                // only when the collector has all of it.
                self.hand_on(LookEnd::Settled(settled), ends).await;
                self.feed.settle();
            }
        }
        if look.is_cut_short() {
            self.cut_short.store(true, Ordering::Relaxed);
        }
    }

    async fn hand_on(&self, end: LookEnd, ends: &mpsc::Sender<LookEnd>) {
        if ends.send(end).await.is_err() {
            self.stop.cancel();
        }
    }

    async fn look(&self, target: &Target, look: &mut Look) -> Verdict {
        if let Some(exclusion) = self.plan.excluded(target) {
            return Verdict::Settled(Outcome::Excluded(exclusion.why()), Vec::new());
        }
        if self.recency.is_fresh(target) {
            return Verdict::Settled(Outcome::Fresh, Vec::new());
        }
        let seen = mem::take(&mut look.seen).into_vec();
        if look.best.is_some() && self.stop.is_cancelled() {
            return cut(target, seen, look);
        }
        match &target.host {
            Host::Address(address) => {
                let known = self.ask_all(&[*address], None, target, seen, look).await;
                self.weigh(target, known, look)
            }
            Host::Name(name) => match self.unless_stopped(self.resolver.addresses(name)).await {
                Some(Ok(addresses)) => {
                    let asked = self.ask_all(&addresses, Some(name), target, seen, look);
                    let known = asked.await;
                    self.weigh(target, known, look)
                }
                Some(Err(error)) => self.unresolved(target, error, seen, look),
                None => cut(target, seen, look),
            },
        }
    }

    /// Asks at each address what has not been answered yet; returns all that
    /// is known.
    async fn ask_all(
        &self,
        addresses: &[IpAddr],
        own_name: Option<&ServerName>,
        target: &Target,
        mut seen: Vec<Observation>,
        look: &Look,
    ) -> Vec<Observation> {
        let lane = match look.earlier {
            0 => Lane::First,
            _ => Lane::FollowUp,
        };
        let mut known = Vec::new();
        for address in addresses {
            let subject = Subject::new(target, &self.settings.zone, *address, own_name, lane);
            let address = subject.endpoint.address;
            let here = seen.extract_if(.., |seen| seen.endpoint.address == address);
            let here = here.collect();
            self.directory.meet(address);
            let listed = self.directory.names_at(address);
            let approach = self.settings.approach.at(address);
            let mut inquiry = Inquiry::new(approach, subject, listed, here);
            self.inquire(&mut inquiry, address, target, look).await;
            known.extend(inquiry.into_observations());
        }
        // Addresses that the name has led to before, and does no more.
        known.extend(seen);
        known
    }

    /// Takes an inquiry to its end, or to the scan's. A question that the
    /// stop takes, be it a target's first or its last, cuts the scan short.
    async fn inquire(
        &self,
        inquiry: &mut Inquiry<'_>,
        address: IpAddr,
        target: &Target,
        look: &Look,
    ) {
        let pointer = OnceCell::new();
        while let Some(step) = inquiry.next() {
            if self.stop.is_cancelled() {
                look.cut_short();
                return;
            }
            if self.guard.is_open() {
                look.interrupt();
                return;
            }
            match step {
                Step::Ask(probe) => inquiry.answered(self.ask(probe, &pointer, look).await),
                Step::Vet(candidate) => {
                    if self.may_ask(&candidate, address, target, look).await {
                        inquiry.admit(candidate);
                    }
                }
                Step::Survey(probe) => {
                    let seen = inquiry.to_survey();
                    let (survey, others) = self.prober.survey(&probe, seen, &self.stop).await;
                    inquiry.surveyed(survey, others);
                }
            }
        }
    }

    async fn ask(
        &self,
        probe: Probe,
        pointer: &OnceCell<Option<String>>,
        look: &Look,
    ) -> Observation {
        let address = probe.endpoint.address;
        let mut observation = self.prober.run(probe, &self.guard.way()).await;
        match self.guard.sign(&observation) {
            Some(sign) => {
                self.guard.see(sign);
                look.note_answer(matches!(sign, Sign::Answer(..)));
            }
            None if observation.outcome == Outcome::NotAttempted && !self.stop.is_cancelled() => {
                look.interrupt();
            }
            None => {}
        }
        let connected = observation.outcome.kind().connected();
        if connected && self.settings.pointers == Pointers::LookUp {
            let pointer = pointer.get_or_init(async || {
                let pointer = self.unless_stopped(self.resolver.pointer(address));
                pointer.await.flatten()
            });
            observation.pointer.clone_from(pointer.await);
        }
        observation
    }

    /// Whether a name is to be asked for at an address of this target, and by
    /// it: not if it is excluded, nor if another target does.
    async fn may_ask(
        &self,
        candidate: &Candidate,
        address: IpAddr,
        target: &Target,
        look: &Look,
    ) -> bool {
        let name = &candidate.name;
        let Target { port, dialect, .. } = *target;
        if self.plan.exclusions().covers_name(name, port).is_some() {
            return false;
        }
        let leads_here = match candidate.source {
            NameSource::Listed => self.directory.leads(name, address),
            NameSource::Discovered => self.leads(name, address).await,
        };
        if candidate.source == NameSource::Discovered && !leads_here {
            return false;
        }
        let itself = Target {
            host: Host::Name(name.clone()),
            port,
            dialect,
        };
        if leads_here && self.plan.contains(&itself) {
            return false;
        }
        let claim = Claim {
            address,
            port,
            dialect,
            name: name.clone(),
        };
        self.claims.claim(claim, look.index)
    }

    /// Whether the DNS has a name lead to an address.
    async fn leads(&self, name: &ServerName, address: IpAddr) -> bool {
        let answer = self.unless_stopped(self.resolver.addresses(name)).await;
        let addresses = answer.and_then(Result::ok).unwrap_or_default();
        let mut addresses = addresses.iter().map(IpAddr::to_canonical);
        addresses.any(|led_to| led_to == address)
    }

    /// What the DNS says; `None` if the scan stops first.
    async fn unless_stopped<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            answer = answer => Some(answer),
        }
    }

    /// The target's outcome is the best of its observations', unless one of
    /// them deserves another look.
    fn weigh(&self, target: &Target, mut known: Vec<Observation>, look: &Look) -> Verdict {
        let no_answer = known.iter().filter_map(NoAnswer::to).min();
        let retries = self.retries(&known);
        match no_answer {
            Some(no_answer)
                if self.has_looks_left(no_answer, retries, look) && self.may_hold(&known) =>
            {
                known.retain(|seen| seen.outcome.kind().connected());
                Verdict::Again(no_answer, known)
            }
            Some(_) | None => settle(target, known, look, None),
        }
    }

    /// Whether what is known may wait for another look. Where there is no
    /// room for it, the target is settled as this look found it.
    fn may_hold(&self, known: &[Observation]) -> bool {
        let spoke = known.iter().any(|seen| seen.outcome.kind().connected());
        !spoke || self.feed.has_room()
    }

    fn unresolved(
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
            Some(_) | None => settle(target, seen, look, Some(outcome)),
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
}

impl Verdict {
    /// Whether something was lacking here.
    fn was_short(&self) -> bool {
        match self {
            Self::Again(no_answer, _) => *no_answer == NoAnswer::Exhausted,
            Self::Settled(outcome, _) => {
                matches!(outcome, Outcome::LocalError(LocalFault::Exhausted(_)))
            }
        }
    }
}

/// What a panic says, cut to a line.
fn message(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().copied();
    let said = literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let said = printable(said.unwrap_or("a panic"));
    said.chars().take(LONGEST_MESSAGE).collect()
}

/// Characters of a panic's message that are kept.
const LONGEST_MESSAGE: usize = 200;

/// The scan stops before the look: what is known stands.
fn cut(target: &Target, seen: Vec<Observation>, look: &Look) -> Verdict {
    look.cut_short();
    settle(target, seen, look, None)
}

/// The best of what was observed, of earlier looks and of what is known
/// beside them.
fn settle(
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
    dialects::drop_fruitless(&mut observations, probe::dialects::first(target));
    let observed = observations.iter().map(|seen| seen.outcome.clone());
    let earlier = look.best.map(Outcome::from);
    let outcomes = observed.chain(earlier).chain(beside);
    let outcome = outcomes.min_by_key(dialects::Merit::of);
    Verdict::Settled(outcome.unwrap_or(Outcome::NotAttempted), observations)
}
