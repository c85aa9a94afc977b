//! Looks whose time has not come → held back until it has, or left.
//!
//! In a network that began to filter us, out of the hours of one, and for
//! names while the DNS is down.

use std::mem;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Custody;
use super::fate::Remark;
use super::look::Look;
use super::outbox::Conclusion;
use super::quarantine::Place;
use super::verdict::{Verdict, known};
use super::worker::{Bench, Looked, Settled};
use crate::domain::{Host, Outcome, Target};
use crate::net::Dialer;
use crate::pace::Network;
use crate::resolve::Resolver;
use crate::target::Block;

impl Looked {
    /// A look that was not had yet.
    fn not_yet(mut look: Look, place: Option<Place>) -> Self {
        look.cut_short();
        let seen = mem::take(&mut look.seen).into_vec();
        Self {
            look,
            by_name: place.is_none(),
            began: Instant::now(),
            verdict: Verdict::Settled(Outcome::NotAttempted, seen),
            place,
        }
    }

    /// Itself as if it had not been had, but for what spoke.
    fn not_had(self) -> Self {
        let (Verdict::Settled(_, mut seen) | Verdict::Again(_, mut seen)) = self.verdict;
        seen.retain(|seen| !seen.outcome.kind().is_silence());
        Self {
            verdict: Verdict::Settled(Outcome::NotAttempted, seen),
            ..self
        }
    }

    /// Itself, to be had however its network stands.
    pub(super) fn back(mut self) -> Self {
        self.look.comes_back = true;
        self
    }
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// The look, if it is to be had now: in a network that began to filter us,
    /// and out of the hours of one, it waits for the end of the block.
    pub(super) fn unless_put_off(&self, target: &Target, look: Look) -> Option<Look> {
        let Host::Address(address) = &target.host else {
            return self.unless_without_names(look);
        };
        let address = address.to_canonical();
        let network = Network::of(address);
        let is_over = self.settings.hours.are_over_at(address);
        let waits = is_over || (!look.comes_back && self.guard.is_slowed(network));
        if !waits || self.stop.is_cancelled() {
            return Some(look);
        }
        let place = self.guard.place(address, target.port, Instant::now());
        let looked = Looked::not_yet(look, Some(place));
        let answers_again = if is_over {
            self.guard.put_off(looked);
            None
        } else {
            self.guard.set_aside(network, looked)
        };
        self.have_unless_kept(answers_again);
        None
    }

    /// A look at a name, if the DNS is there or the name is tried.
    fn unless_without_names(&self, look: Look) -> Option<Look> {
        let is_down = !self.guard.without_names_for().is_zero();
        if look.comes_back || !is_down || self.stop.is_cancelled() {
            return Some(look);
        }
        let looked = Looked::not_yet(look, None);
        let answers_again = self.guard.put_off_name(looked);
        self.have_unless_kept(answers_again);
        None
    }

    /// The look, unless it waits for the DNS.
    pub(super) fn unless_unnamed(&self, looked: Looked) -> Option<Looked> {
        let Some(failure) = looked.look.lookup_failure else {
            return Some(looked);
        };
        match self.guard.take_name(failure, looked) {
            Custody::Told(looked) => return Some(looked),
            Custody::Again(looked) if self.stop.is_cancelled() => return Some(looked),
            Custody::Again(looked) => self.have_again(looked),
            Custody::Held => self.feed.hold_back(),
        }
        None
    }

    /// A look, unless it waits for the hours of an address, with what it has
    /// seen; the stop leaves no time for that.
    pub(super) fn unless_out_of_hours(&self, looked: Looked) -> Option<Looked> {
        if looked.look.waits_for().is_none() {
            return Some(looked);
        }
        if self.stop.is_cancelled() {
            looked.look.cut_short();
            return Some(looked);
        }
        self.guard.put_off(looked.not_had());
        self.feed.hold_back();
        None
    }

    /// Has a look at once that the guard has not kept.
    fn have_unless_kept(&self, looked: Option<Looked>) {
        match looked {
            Some(looked) => self.have_again(looked),
            None => self.feed.hold_back(),
        }
    }

    /// Leaves looks without an answer that nobody may be asked about: what is
    /// out of its hours by now waits for them, the rest is told as that.
    pub(super) async fn leave_in_doubt(&self, unvouched: Vec<Looked>) {
        for looked in unvouched {
            if self.is_out_of_hours(&looked) {
                self.guard.put_off(looked.not_had());
            } else {
                self.feed.let_go();
                self.tell(looked, Some(Remark::Unvouched)).await;
            }
        }
    }

    /// Has the looks again that were put off, where they may be had now.
    pub(super) fn reopen(&self) {
        for looked in self.guard.take_put_off() {
            if self.is_out_of_hours(&looked) {
                self.guard.put_off(looked);
            } else {
                self.feed.let_go();
                self.have_again(looked);
            }
        }
    }

    /// Leaves the looks that are still put off to another run of the scan; in
    /// a block that others follow, to another scan. Returns when the first of
    /// them may be had instead, if the scan waits for that.
    pub(super) async fn leave_put_off(&self) -> Option<Duration> {
        let put_off = self.guard.take_put_off();
        let addresses = put_off
            .iter()
            .filter(|looked| self.is_in_the_last_block(looked.look.index))
            .filter_map(|looked| self.address_of(looked));
        if let Some(wait) = self.settings.hours.wait_for(addresses) {
            for looked in put_off {
                self.guard.put_off(looked);
            }
            return Some(wait);
        }
        for looked in put_off {
            self.leave(looked).await;
        }
        None
    }

    async fn leave(&self, looked: Looked) {
        let Looked {
            look,
            by_name,
            verdict,
            ..
        } = looked;
        self.feed.let_go();
        let (Verdict::Settled(_, seen) | Verdict::Again(_, seen)) = verdict;
        let outcome = known(seen.iter(), &look).unwrap_or(Outcome::NotAttempted);
        let is_last = self.is_in_the_last_block(look.index);
        if is_last {
            self.cut_short.store(true, Ordering::Relaxed);
        }
        let settled = Settled {
            index: look.index,
            by_name,
            outcome,
            observations: seen,
            cut_short: is_last,
            remark: Some(Remark::OutOfHours),
        };
        self.outbox.put(Conclusion::Settled(settled)).await;
    }

    fn is_in_the_last_block(&self, index: u64) -> bool {
        Block::number_of(index) + 1 >= self.plan.block_count()
    }

    fn is_out_of_hours(&self, looked: &Looked) -> bool {
        let address = self.address_of(looked);
        address.is_some_and(|address| self.settings.hours.are_over_at(address))
    }

    /// The address whose hours a look waits for.
    fn address_of(&self, looked: &Looked) -> Option<IpAddr> {
        let of_target = || match self.plan.get(looked.look.index)?.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        };
        looked.look.waits_for().or_else(of_target)
    }
}
