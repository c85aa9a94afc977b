//! Looks → settled targets: resolves, probes, decides on another look.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, Look, NoAnswer};
use super::settings::{Pointers, Settings};
use crate::domain::{
    Dialect, Endpoint, Host, LocalFault, Observation, Outcome, OutcomeKind, Port, ServerName,
    Target,
};
use crate::net::Dialer;
use crate::pace::Lane;
use crate::probe::{Probe, Prober};
use crate::resolve::{LookupError, Resolver};
use crate::target::Plan;

/// How often a target is looked at again after a fault of ours.
const LOCAL_RETRIES: u32 = 3;

/// A target and its one outcome.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) index: u64,
    /// Whether the target is a name, and its addresses are not targets.
    pub(super) by_name: bool,
    pub(super) outcome: Outcome,
    /// What its endpoints said, an observation each.
    pub(super) observations: Vec<Observation>,
}

/// What all workers share.
pub(super) struct Bench<D: Dialer, R> {
    pub(super) plan: Arc<Plan>,
    pub(super) settings: Settings,
    pub(super) prober: Prober<D>,
    pub(super) resolver: R,
    pub(super) feed: Feed,
    pub(super) stop: CancellationToken,
}

/// A verdict, or the reason for another look.
enum Verdict {
    Settled(Outcome, Vec<Observation>),
    Again(NoAnswer, Vec<Observation>),
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Takes looks until there are none, and hands on what is settled. It
    /// ends early when nobody takes it any more.
    pub(super) async fn work(self: Arc<Self>, settled: mpsc::Sender<Settled>) {
        while let Some(mut look) = self.feed.next().await {
            let Some(target) = self.plan.get(look.index) else {
                self.feed.settle();
                continue;
            };
            match self.look(&target, &mut look).await {
                Verdict::Again(last, answered) => {
                    self.feed.defer(Look {
                        index: look.index,
                        earlier: look.earlier + 1,
                        last: Some(last),
                        answered: answered.into(),
                    });
                }
                Verdict::Settled(outcome, observations) => {
                    let settled_target = Settled {
                        index: look.index,
                        by_name: matches!(target.host, Host::Name(_)),
                        outcome,
                        observations,
                    };
                    // First the hand-over, then the count: a block is over
                    // only when the collector has all of it.
                    if settled.send(settled_target).await.is_err() {
                        self.feed.stop();
                    }
                    self.feed.settle();
                }
            }
        }
    }

    async fn look(&self, target: &Target, look: &mut Look) -> Verdict {
        if let Some(exclusion) = self.plan.excluded(target) {
            return Verdict::Settled(Outcome::Excluded(exclusion.why()), Vec::new());
        }
        let answered = mem::take(&mut look.answered).into_vec();
        if let Some(last) = look.last
            && self.stop.is_cancelled()
        {
            return settle(answered, Some(last.into()));
        }
        let lane = if look.earlier == 0 {
            Lane::First
        } else {
            Lane::FollowUp
        };
        let dialect = target.dialect.unwrap_or_default();
        match &target.host {
            Host::Address(address) => {
                let endpoint = self.endpoint(*address, target.port, dialect);
                let observation = self.ask(endpoint, None, lane).await;
                self.weigh(vec![observation], Vec::new(), look.earlier)
            }
            Host::Name(name) => match self.unless_stopped(self.resolver.addresses(name)).await {
                Some(Ok(addresses)) => {
                    let asked = self
                        .ask_all(name, &addresses, target, &answered, lane)
                        .await;
                    self.weigh(asked, answered, look.earlier)
                }
                Some(Err(error)) => self.unresolved(error, answered, look.earlier),
                None => settle(answered, look.last.map(Outcome::from)),
            },
        }
    }

    /// Asks a name at each of its addresses that has not answered yet.
    async fn ask_all(
        &self,
        name: &ServerName,
        addresses: &[IpAddr],
        target: &Target,
        answered: &[Observation],
        lane: Lane,
    ) -> Vec<Observation> {
        let mut asked = Vec::new();
        for address in addresses {
            let dialect = target.dialect.unwrap_or_default();
            let endpoint = self.endpoint(*address, target.port, dialect);
            if answered.iter().all(|earlier| earlier.endpoint != endpoint) {
                asked.push(self.ask(endpoint, Some(name.clone()), lane).await);
            }
        }
        asked
    }

    async fn ask(
        &self,
        endpoint: Endpoint,
        server_name: Option<ServerName>,
        lane: Lane,
    ) -> Observation {
        let address = endpoint.address;
        let probe = Probe {
            endpoint,
            server_name,
            ladder: self.settings.ladder.clone(),
            lane,
        };
        let mut observation = self.prober.run(probe, &self.stop).await;
        let connected = observation.outcome.kind().connected();
        if connected && self.settings.pointers == Pointers::LookUp {
            let pointer = self.unless_stopped(self.resolver.pointer(address));
            observation.pointer = pointer.await.flatten();
        }
        observation
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
    fn weigh(
        &self,
        asked: Vec<Observation>,
        mut answered: Vec<Observation>,
        earlier: u32,
    ) -> Verdict {
        let again = |seen: &Observation| self.deserves_another(&seen.outcome, earlier);
        if let Some(no_answer) = asked.iter().find_map(again) {
            answered.extend(asked.into_iter().filter(|seen| again(seen).is_none()));
            return Verdict::Again(no_answer, answered);
        }
        answered.extend(asked);
        settle(answered, None)
    }

    fn deserves_another(&self, outcome: &Outcome, earlier: u32) -> Option<NoAnswer> {
        let (no_answer, looks) = match outcome.kind() {
            OutcomeKind::Filtered => (NoAnswer::Filtered, self.settings.retries),
            OutcomeKind::Unreachable => (NoAnswer::Unreachable, self.settings.retries),
            OutcomeKind::LocalError => (NoAnswer::LocalError, LOCAL_RETRIES),
            OutcomeKind::Certificate
            | OutcomeKind::NoCertificate
            | OutcomeKind::TlsRefused
            | OutcomeKind::NotTls
            | OutcomeKind::Silent
            | OutcomeKind::Broken
            | OutcomeKind::Refused
            | OutcomeKind::Unresolved
            | OutcomeKind::Excluded
            | OutcomeKind::Fresh
            | OutcomeKind::NotAttempted => return None,
        };
        (earlier < looks && !self.stop.is_cancelled()).then_some(no_answer)
    }

    fn unresolved(&self, error: LookupError, answered: Vec<Observation>, earlier: u32) -> Verdict {
        let outcome = match error {
            LookupError::Unresolved(why) => Outcome::Unresolved(why),
            LookupError::Resolver(what) => Outcome::LocalError(LocalFault::Resolver(what)),
        };
        match self.deserves_another(&outcome, earlier) {
            Some(no_answer) => Verdict::Again(no_answer, answered),
            None => settle(answered, Some(outcome)),
        }
    }

    fn endpoint(&self, address: IpAddr, port: Port, dialect: Dialect) -> Endpoint {
        Endpoint::tcp(self.settings.zone.clone(), address, port, dialect)
    }
}

/// The best of what was observed and what is known beside it.
fn settle(mut observations: Vec<Observation>, beside: Option<Outcome>) -> Verdict {
    observations.retain(|seen| seen.outcome.kind() != OutcomeKind::NotAttempted);
    let observed = observations.iter().map(|seen| seen.outcome.clone());
    let outcome = observed.chain(beside).min_by_key(Outcome::kind);
    Verdict::Settled(outcome.unwrap_or(Outcome::NotAttempted), observations)
}

impl From<NoAnswer> for Outcome {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Filtered => Self::Filtered,
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::LocalError => Self::LocalError(LocalFault::Internal(
                "stopped before another look".to_owned(),
            )),
        }
    }
}
