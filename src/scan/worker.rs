//! Looks → their ends, told to the collector once nothing speaks against it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::breaker::{Custody, Sign};
use super::claims::Claims;
use super::directory::Directory;
use super::expected::Expected;
use super::fate::Remark;
use super::feed::Feed;
use super::guard::{Guard, Released};
use super::look::Look;
use super::outbox::{Conclusion, Outbox};
use super::quarantine::Place;
use super::recency::Recency;
use super::settings::Settings;
use super::verdict::Verdict;
use crate::domain::{Host, LocalFault, Observation, Outcome, Target, printable};
use crate::net::Dialer;
use crate::probe::Prober;
use crate::resolve::Resolver;
use crate::target::Plan;

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
    pub(super) remark: Option<Remark>,
}

/// A look that is over.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) look: Look,
    pub(super) by_name: bool,
    pub(super) began: Instant,
    pub(super) verdict: Verdict,
    /// Where it was last asked, as far as that matters.
    pub(super) place: Option<Place>,
}

impl Looked {
    /// Whether this look, or one before it, came to anything.
    fn has_seen_anything(&self) -> bool {
        let (Verdict::Settled(_, seen) | Verdict::Again(_, seen)) = &self.verdict;
        !seen.is_empty() || self.look.best.is_some()
    }
}

/// What the workers of a crew share: with those of the others, all but the
/// prober and the outbox.
pub(super) struct Bench<D: Dialer, R> {
    pub(super) plan: Arc<Plan>,
    pub(super) recency: Arc<Recency>,
    pub(super) expected: Arc<Expected>,
    pub(super) settings: Arc<Settings>,
    pub(super) prober: Prober<D>,
    pub(super) resolver: Arc<R>,
    pub(super) feed: Arc<Feed>,
    pub(super) guard: Arc<Guard<Looked>>,
    pub(super) directory: Arc<Directory>,
    pub(super) claims: Arc<Claims>,
    pub(super) outbox: Outbox,
    pub(super) stop: CancellationToken,
    /// Whether the scan's end has taken a look or a question from any target.
    pub(super) cut_short: Arc<AtomicBool>,
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Another crew's.
    pub(super) fn apart(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            recency: Arc::clone(&self.recency),
            expected: Arc::clone(&self.expected),
            settings: Arc::clone(&self.settings),
            prober: self.prober.apart(),
            resolver: Arc::clone(&self.resolver),
            feed: Arc::clone(&self.feed),
            guard: Arc::clone(&self.guard),
            directory: Arc::clone(&self.directory),
            claims: Arc::clone(&self.claims),
            outbox: Outbox::new(),
            stop: self.stop.clone(),
            cut_short: Arc::clone(&self.cut_short),
        }
    }

    /// Takes looks until there are none, and hands on what they come to.
    pub(super) async fn work(self: Arc<Self>) {
        while let Some(look) = self.feed.next().await {
            let Some(target) = self.plan.get(look.index) else {
                self.feed.settle(1);
                continue;
            };
            let Some(mut look) = self.unless_put_off(&target, look) else {
                continue;
            };
            let (began, outages) = (Instant::now(), self.guard.outages().count);
            let verdict = self.look_or_fail(&target, &mut look).await;
            let looked = Looked {
                place: self.place(&target, &look, &verdict, began),
                look,
                by_name: matches!(target.host, Host::Name(_)),
                began,
                verdict,
            };
            if let Some(looked) = self.unless_kept(looked, outages) {
                self.tell(looked, None).await;
            }
            self.tell_vouched().await;
        }
    }

    /// Where a look was last asked, as far as that matters.
    fn place(
        &self,
        target: &Target,
        look: &Look,
        verdict: &Verdict,
        began: Instant,
    ) -> Option<Place> {
        if !look.is_unanswered() && !self.stop.is_cancelled() {
            return None;
        }
        let address = match (&target.host, verdict) {
            (Host::Address(address), _) => address.to_canonical(),
            (Host::Name(_), Verdict::Settled(_, seen)) => {
                let is_silent = |seen: &&Observation| seen.outcome.kind().is_silence();
                seen.iter().rfind(is_silent)?.endpoint.address
            }
            (Host::Name(_), Verdict::Again(..)) => return None,
        };
        Some(self.guard.place(address, target.port, began))
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

    /// A look whose end is to be told, but for one that had no answer: until
    /// somebody answers, that may have been the network's fault.
    fn unless_kept(&self, looked: Looked, outages: u32) -> Option<Looked> {
        if looked.look.is_interrupted() {
            self.have_again(looked);
            return None;
        }
        let looked = self.unless_out_of_hours(looked)?;
        let looked = self.unless_unnamed(looked)?;
        if !looked.look.is_unanswered() {
            return Some(looked);
        }
        let place = looked.place;
        match self.guard.take(looked, place, outages) {
            Custody::Held => self.feed.hold_back(),
            Custody::Told(looked) => return Some(looked),
            Custody::Again(looked) => self.have_again(looked),
        }
        None
    }

    /// Tells what was held back until now, and has again what was in vain.
    pub(super) async fn tell_vouched(&self) {
        if let Some(released) = self.guard.released() {
            Box::pin(self.tell_released(released)).await;
        }
    }

    async fn tell_released(&self, released: Released<Looked>) {
        for looked in released.vouched {
            self.feed.let_go();
            self.tell(looked, None).await;
        }
        for looked in released.suspected {
            self.feed.let_go();
            self.tell(looked, Some(Remark::Suspected)).await;
        }
        for looked in released.again {
            self.feed.let_go();
            self.have_again(looked);
        }
    }

    /// Has a look again that fell into an outage; only what answered counts.
    pub(super) fn have_again(&self, looked: Looked) {
        let (Verdict::Settled(_, mut seen) | Verdict::Again(_, mut seen)) = looked.verdict;
        seen.retain(|seen| matches!(self.guard.sign(seen), Some(Sign::Answer(..))));
        self.feed.have_again(looked.look.anew(seen));
    }

    /// A look that the stop finds in a slowed network had no chance there;
    /// another run may find the network as it was.
    fn remark_at_the_stop(&self, place: Option<Place>) -> Option<Remark> {
        let is_slowed = |place: Place| self.guard.is_slowed(place.network);
        (place.is_some_and(is_slowed) && self.stop.is_cancelled()).then_some(Remark::Suspected)
    }

    /// Tells after the stop what is known of the looks that waited. What was
    /// not begun is in the ledger by its block, like all that had no turn.
    pub(super) async fn tell_left(&self) {
        let left = self.guard.empty();
        if !left.is_empty() {
            self.cut_short.store(true, Ordering::Relaxed);
        }
        self.tell_vouched().await;
        for looked in left.into_iter().filter(Looked::has_seen_anything) {
            self.feed.let_go();
            self.tell(looked, None).await;
        }
    }

    /// No look follows where nobody would take it any more, and where the
    /// network would not let it come about.
    fn without_another(&self, verdict: Verdict, look: &Look, remark: Option<Remark>) -> Verdict {
        let is_over = self.stop.is_cancelled();
        if is_over && remark.is_some() {
            look.cut_short();
        }
        let is_last = remark.is_some() || (is_over && !verdict.is_final());
        match self.plan.get(look.index).filter(|_| is_last) {
            Some(target) if is_over => self.at_the_stop(&target, verdict, look),
            Some(target) => self.unanswered(&target, verdict, look),
            None => verdict,
        }
    }

    /// Tells what a look came to, with what is to be said of it.
    pub(super) async fn tell(&self, looked: Looked, remark: Option<Remark>) {
        self.outbox.put(self.conclusion(looked, remark)).await;
    }

    fn conclusion(&self, looked: Looked, remark: Option<Remark>) -> Conclusion {
        let Looked {
            look,
            by_name,
            began,
            verdict,
            place,
        } = looked;
        let remark = remark.or_else(|| self.remark_at_the_stop(place));
        let verdict = self.without_another(verdict, &look, remark);
        if verdict.was_short() {
            self.feed.shrink(began);
        } else {
            self.feed.recover();
        }
        if look.is_cut_short() {
            self.cut_short.store(true, Ordering::Relaxed);
        }
        let conclusion = match verdict {
            Verdict::Again(no_answer, seen) => {
                Conclusion::Again(look.again(no_answer, seen), no_answer)
            }
            Verdict::Settled(outcome, observations) => Conclusion::Settled(Settled {
                index: look.index,
                by_name,
                outcome,
                observations,
                cut_short: look.is_cut_short(),
                remark,
            }),
        };
        if let (Some(place), Some(Remark::Suspected)) = (place, remark)
            && let Conclusion::Settled(settled) = &conclusion
            && settled.outcome.kind().is_silence()
        {
            self.guard.suspect(place.network);
        }
        conclusion
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
