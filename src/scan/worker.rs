//! Looks → settled targets: resolves, probes, decides on another look.

use std::cmp::min;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Whether the stop has taken a look from any target.
    pub(super) cut_short: AtomicBool,
}

/// A verdict, or the reason for another look with what is worth keeping.
enum Verdict {
    Settled(Outcome, Vec<Observation>),
    Again(NoAnswer, Vec<Observation>),
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Takes looks until there are none, and hands on what is settled. When
    /// nobody takes it any more, it stops the scan.
    pub(super) async fn work(self: Arc<Self>, settled: mpsc::Sender<Settled>) {
        while let Some(mut look) = self.feed.next().await {
            let Some(target) = self.plan.get(look.index) else {
                self.feed.settle();
                continue;
            };
            match self.look(&target, &mut look).await {
                Verdict::Again(best, seen) => {
                    self.feed.defer(Look {
                        index: look.index,
                        earlier: look.earlier + 1,
                        best: Some(best),
                        seen: seen.into(),
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
                        self.stop.cancel();
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
        let seen = mem::take(&mut look.seen).into_vec();
        if look.best.is_some() && self.stop.is_cancelled() {
            return self.cut(seen, look);
        }
        match &target.host {
            Host::Address(address) => {
                let asked = self.ask_all(&[*address], None, target, &seen, look).await;
                self.weigh(asked, seen, look)
            }
            Host::Name(name) => match self.unless_stopped(self.resolver.addresses(name)).await {
                Some(Ok(addresses)) => {
                    let asked = self
                        .ask_all(&addresses, Some(name), target, &seen, look)
                        .await;
                    self.weigh(asked, seen, look)
                }
                Some(Err(error)) => self.unresolved(error, seen, look),
                None => self.cut(seen, look),
            },
        }
    }

    /// Asks at each address that has not answered yet.
    async fn ask_all(
        &self,
        addresses: &[IpAddr],
        server_name: Option<&ServerName>,
        target: &Target,
        seen: &[Observation],
        look: &Look,
    ) -> Vec<Observation> {
        let lane = match look.earlier {
            0 => Lane::First,
            _ => Lane::FollowUp,
        };
        let dialect = target.dialect.unwrap_or_default();
        let mut asked = Vec::new();
        for address in addresses {
            let endpoint = self.endpoint(*address, target.port, dialect);
            let answered = seen
                .iter()
                .any(|seen| seen.endpoint == endpoint && without_answer(seen).is_none());
            if !answered {
                asked.push(self.ask(endpoint, server_name.cloned(), lane).await);
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
    fn weigh(&self, asked: Vec<Observation>, seen: Vec<Observation>, look: &Look) -> Verdict {
        let mut known = together(seen, asked);
        let Some(no_answer) = known.iter().filter_map(without_answer).min() else {
            return self.settle(known, look.best.map(Outcome::from));
        };
        if !self.has_looks_left(no_answer, look) {
            return self.settle(known, look.best.map(Outcome::from));
        }
        known.retain(|seen| seen.outcome.kind().connected());
        Verdict::Again(better(look.best, no_answer), known)
    }

    fn unresolved(&self, error: LookupError, seen: Vec<Observation>, look: &Look) -> Verdict {
        let outcome = match error {
            LookupError::Unresolved(why) => Outcome::Unresolved(why),
            LookupError::Resolver(what) => Outcome::LocalError(LocalFault::Resolver(what)),
        };
        match no_answer(&outcome) {
            Some(no_answer) if self.has_looks_left(no_answer, look) => {
                Verdict::Again(better(look.best, no_answer), seen)
            }
            Some(_) | None => {
                let beside = look.best.map(Outcome::from).into_iter().chain([outcome]);
                self.settle(seen, beside)
            }
        }
    }

    fn has_looks_left(&self, no_answer: NoAnswer, look: &Look) -> bool {
        let looks = match no_answer {
            NoAnswer::Filtered | NoAnswer::Unreachable => self.settings.retries,
            NoAnswer::Exhausted | NoAnswer::Resolver => self.settings.retries.max(LOCAL_RETRIES),
        };
        let left = look.earlier < looks;
        if left && self.stop.is_cancelled() {
            self.cut_short.store(true, Ordering::Relaxed);
            return false;
        }
        left
    }

    /// The scan stops before the look: what is known stands.
    fn cut(&self, seen: Vec<Observation>, look: &Look) -> Verdict {
        self.cut_short.store(true, Ordering::Relaxed);
        self.settle(seen, look.best.map(Outcome::from))
    }

    /// The best of what was observed and what is known beside it.
    fn settle(
        &self,
        mut observations: Vec<Observation>,
        beside: impl IntoIterator<Item = Outcome>,
    ) -> Verdict {
        let attempted = |seen: &Observation| seen.outcome.kind() != OutcomeKind::NotAttempted;
        if !observations.iter().all(attempted) {
            self.cut_short.store(true, Ordering::Relaxed);
            observations.retain(attempted);
        }
        let observed = observations.iter().map(|seen| seen.outcome.clone());
        let outcome = observed.chain(beside).min_by_key(Outcome::kind);
        Verdict::Settled(outcome.unwrap_or(Outcome::NotAttempted), observations)
    }

    fn endpoint(&self, address: IpAddr, port: Port, dialect: Dialect) -> Endpoint {
        Endpoint::tcp(self.settings.zone.clone(), address, port, dialect)
    }
}

/// Why an endpoint may have more to say at another look. One that spoke and
/// then did not take the next rung's connection is one of them: it may have
/// kept its certificate for that.
fn without_answer(seen: &Observation) -> Option<NoAnswer> {
    if seen.outcome.kind() == OutcomeKind::Certificate {
        return None;
    }
    let last = seen.attempts.last().map(|attempt| attempt.outcome);
    no_answer(&seen.outcome).or(match last {
        Some(OutcomeKind::Filtered) => Some(NoAnswer::Filtered),
        Some(OutcomeKind::Unreachable) => Some(NoAnswer::Unreachable),
        _ => None,
    })
}

fn no_answer(outcome: &Outcome) -> Option<NoAnswer> {
    match outcome {
        Outcome::Filtered => Some(NoAnswer::Filtered),
        Outcome::Unreachable => Some(NoAnswer::Unreachable),
        // What ran out comes back; a route or a permission does not.
        Outcome::LocalError(LocalFault::Exhausted(_)) => Some(NoAnswer::Exhausted),
        Outcome::LocalError(LocalFault::Resolver(_)) => Some(NoAnswer::Resolver),
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

fn better(best: Option<NoAnswer>, other: NoAnswer) -> NoAnswer {
    best.map_or(other, |best| min(best, other))
}

/// One observation an endpoint: the better, and of equal ones the later.
fn together(mut known: Vec<Observation>, asked: Vec<Observation>) -> Vec<Observation> {
    for new in asked {
        match known.iter_mut().find(|old| old.endpoint == new.endpoint) {
            Some(old) if new.outcome.kind() <= old.outcome.kind() => *old = new,
            Some(_) => {}
            None => known.push(new),
        }
    }
    known
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
