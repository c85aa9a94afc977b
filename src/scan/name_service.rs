//! Look-ups of targets' names → whether the DNS is there.
//!
//! Pure: time comes in as an argument. A name whose look-up fails (no answer,
//! or the resolver's word that it can't tell) may be at fault itself; many in
//! a row are the DNS's fault, if it had answered before. Then names wait, a
//! few are tried now and then, and the first answer lets all of them go on.
//!
//! Invariant: once the DNS has answered, a look whose look-up fails is held
//! until it answers again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Outages;

/// Look-ups that fail in a row after which the DNS counts as down.
const ENOUGH: u32 = 8;

/// How many names are tried at a time while it is down, the first after the
/// first pause; each later pause is twice as long, up to the longest.
const TRIED: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(40);

/// Tries that brought nothing but refusals, after which the DNS is there and
/// these names are at fault.
const ENOUGH_TRIES: u32 = 4;

/// How a look-up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupFailure {
    /// Nobody answered.
    Silence,
    /// The resolver answered that it can't tell (SERVFAIL and the like).
    Refusal,
}

/// Decides on the looks `H` whose look-ups failed.
#[derive(Debug)]
pub(super) struct NameService<H> {
    /// Whether it has answered, so that failures may be doubted.
    has_answered: bool,
    failures: u32,
    held: VecDeque<H>,
    down: Option<Down>,
    outages: Outages,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    since: Instant,
    next: Instant,
    pause: Duration,
    /// How often names were tried.
    tries: u32,
    /// Whether nobody answered, and not only a resolver that can't tell.
    is_silent: bool,
}

/// Looks that are let go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Freed<H> {
    /// They are told: the names were at fault.
    Told(Vec<H>),
    /// They are had again: the DNS was at fault.
    Again(Vec<H>),
}

impl<H> NameService<H> {
    pub(super) fn new() -> Self {
        Self {
            has_answered: false,
            failures: 0,
            held: VecDeque::new(),
            down: None,
            outages: Outages::default(),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// The outages so far, the present one included.
    pub(super) fn outages(&self, now: Instant) -> Outages {
        let mut outages = self.outages;
        outages.paused += self.down_for(now);
        outages
    }

    /// For how long it has been down.
    pub(super) fn down_for(&self, now: Instant) -> Duration {
        let since = self.down.map(|down| down.since);
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// A look-up was answered, be it that there is no such name.
    pub(super) fn answered(&mut self, now: Instant) -> Freed<H> {
        self.has_answered = true;
        self.failures = 0;
        if self.is_down() {
            return self.back(now);
        }
        Freed::Told(self.held.drain(..).collect())
    }

    /// Decides on a look whose look-up failed; returns it if it is to be told.
    pub(super) fn take(&mut self, failure: LookupFailure, look: H, now: Instant) -> Option<H> {
        if !self.has_answered {
            return Some(look);
        }
        self.held.push_back(look);
        self.failures = self.failures.saturating_add(1);
        let is_silent = failure == LookupFailure::Silence;
        match &mut self.down {
            Some(down) => down.is_silent |= is_silent,
            None if self.failures >= ENOUGH => {
                self.outages.count += 1;
                self.down = Some(Down {
                    since: now,
                    next: now + FIRST_PAUSE,
                    pause: FIRST_PAUSE,
                    tries: 0,
                    is_silent,
                });
            }
            None => {}
        }
        None
    }

    /// Holds a look that was not had, while it is down; else returns it.
    pub(super) fn put_off(&mut self, look: H) -> Option<H> {
        if !self.is_down() {
            return Some(look);
        }
        self.held.push_back(look);
        None
    }

    /// When names are tried next.
    pub(super) fn next_try(&self) -> Option<Instant> {
        let down = self.down.filter(|_| !self.held.is_empty());
        down.map(|down| down.next)
    }

    /// The looks that are tried now. Where nothing but refusals came all the
    /// time, all of them are, and none is doubted until somebody answers.
    pub(super) fn tried(&mut self, now: Instant) -> Vec<H> {
        let Some(down) = &mut self.down else {
            return Vec::new();
        };
        down.pause = (2 * down.pause).min(LONGEST_PAUSE);
        down.next = now + down.pause;
        down.tries += 1;
        if down.tries > ENOUGH_TRIES && !down.is_silent {
            self.has_answered = false;
            // That was no outage.
            self.outages.count -= 1;
            self.down = None;
            self.failures = 0;
            return self.held.drain(..).collect();
        }
        let tried = self.held.len().min(TRIED);
        self.held.drain(..tried).collect()
    }

    /// Returns the looks that there is too little reason to doubt, when nobody
    /// is left whose answer might vouch for them.
    pub(super) fn give_up_doubt(&mut self) -> Vec<H> {
        if self.is_down() {
            return Vec::new();
        }
        self.held.drain(..).collect()
    }

    /// The scan is over: returns the looks that are held.
    pub(super) fn empty(&mut self) -> Vec<H> {
        self.held.drain(..).collect()
    }

    fn back(&mut self, now: Instant) -> Freed<H> {
        self.outages = self.outages(now);
        self.down = None;
        self.failures = 0;
        Freed::Again(self.held.drain(..).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::LookupFailure::{Refusal, Silence};
    use super::*;

    /// One that has answered.
    fn service() -> NameService<u32> {
        let mut service = NameService::new();
        assert_eq!(service.answered(Instant::now()), Freed::Told(vec![]));
        service
    }

    /// The same, down.
    fn down(failure: LookupFailure) -> NameService<u32> {
        let mut service = service();
        for look in 0..ENOUGH {
            assert!(!service.is_down());
            assert_eq!(service.take(failure, look, Instant::now()), None);
        }
        assert!(service.is_down());
        service
    }

    #[tokio::test(start_paused = true)]
    async fn a_dns_that_never_answered_is_not_doubted() {
        let mut service = NameService::new();
        for look in 0..100 {
            let told = service.take(Silence, look, Instant::now());
            assert_eq!(told, Some(look));
        }
        assert!(!service.is_down());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_vouches_for_the_failures_before_it() {
        let (mut service, now) = (service(), Instant::now());
        for look in 1..ENOUGH {
            service.take(Refusal, look, now);
        }
        assert_eq!(service.answered(now), Freed::Told((1..ENOUGH).collect()));
        assert!(!service.is_down());
        service.take(Refusal, 7, now);
        assert_eq!(service.give_up_doubt(), [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_tried_at_growing_intervals_and_an_answer_frees_all() {
        let mut service = down(Silence);
        let began = Instant::now();
        assert_eq!(service.put_off(100), None);
        let mut at = began;
        for pause in [5, 10, 20, 40, 40] {
            at += Duration::from_secs(pause);
            assert_eq!(service.next_try(), Some(at));
            let tried = service.tried(at);
            assert_eq!(tried.len(), TRIED);
            for look in tried {
                service.take(Silence, look, at);
            }
        }
        assert!(service.give_up_doubt().is_empty(), "the DNS is at fault");
        let Freed::Again(again) = service.answered(at) else {
            panic!("told");
        };
        assert_eq!(again.len(), 1 + ENOUGH as usize);
        let outages = service.outages(at);
        assert_eq!((outages.count, outages.paused), (1, at - began));
        assert_eq!(service.put_off(5), Some(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_only_refuses_is_there() {
        let mut service = down(Refusal);
        let mut at = Instant::now();
        for _ in 0..ENOUGH_TRIES {
            at = service.next_try().unwrap();
            for look in service.tried(at) {
                service.take(Refusal, look, at);
            }
        }
        let freed = service.tried(at);
        assert_eq!(freed.len(), ENOUGH as usize, "all of them are asked");
        assert!(!service.is_down());
        assert_eq!(service.outages(at), Outages::default());
        assert_eq!(service.take(Refusal, 1, at), Some(1), "and believed");
    }
}
