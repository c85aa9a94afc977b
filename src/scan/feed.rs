//! Block → looks: due follow-ups first, then the block's next target.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::capacity::Capacity;
use super::look::{Deferral, Look};
use super::no_answer::NoAnswer;
use crate::domain::clock;
use crate::target::{Block, Plan};

/// How long after a look that got no answer the next one comes. Losses come
/// in bursts (Wan et al., IMC 2020), so a retry back to back proves little.
pub const RETRY_SPACING: Duration = Duration::from_secs(10);

/// How long after a look that lacked something here the first next one comes;
/// each later one waits twice as long.
const SHORTAGE_SPACING: Duration = Duration::from_secs(2);

/// Bytes of what was seen that deferred looks may hold, past which none is
/// given more: a block may defer a million, each with chains of a megabyte.
const MOST_HELD: usize = 64 << 20;

/// Where a feed begins: at the first target, or where an earlier run of the
/// scan has come to.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// The number of the block.
    pub(super) block: u64,
    /// By their offsets in the block, the targets that are settled or
    /// deferred.
    pub(super) begun: Vec<bool>,
    /// Those that are deferred.
    pub(super) deferred: Vec<Deferral>,
}

/// Hands looks to the workers, block after block: a block begins when every
/// target of the one before has its outcome.
///
/// Invariant: `outstanding` looks are with workers or held back; each comes
/// back by [`Feed::settle`], [`Feed::defer`] or [`Feed::have_again`], exactly
/// once.
pub(super) struct Feed {
    state: Mutex<State>,
    /// Only its holder waits for time or for others to finish, so that a
    /// thousand idle workers do not all wake for one look.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    /// No look is left but those that are held back.
    quiet: Notify,
}

struct State {
    plan: Arc<Plan>,
    block: Option<Block>,
    position: u64,
    /// The targets of the block that an earlier run has begun.
    begun: Vec<bool>,
    deferred: VecDeque<(Instant, Look)>,
    /// Bytes of what was seen in those.
    held: usize,
    outstanding: u64,
    /// Those of them that no worker has: they wait for somebody's answer. Less
    /// than none where one is let go before its worker could say that it is
    /// held.
    held_back: i64,
    capacity: Capacity,
    paused: bool,
    stopped: bool,
    abandoned: bool,
    /// Cancelled when the scan stops, before anything is cut short by that:
    /// no block begins after one of which a target was.
    stop: CancellationToken,
}

enum Next {
    Look(Look),
    /// Nothing before this moment, or before a worker brings something back.
    Wait(Option<Instant>),
    Finished,
}

impl Feed {
    /// A feed for so many workers.
    pub(super) fn new(
        plan: Arc<Plan>,
        start: Start,
        workers: usize,
        stop: CancellationToken,
    ) -> Self {
        let deferred = start.deferred.into_iter();
        let mut deferred: Vec<_> = deferred.map(|it| (due(&it), Look::from(it))).collect();
        deferred.sort_by_key(|(due, _)| *due);
        Self {
            state: Mutex::new(State {
                block: plan.block(start.block),
                plan,
                position: 0,
                begun: start.begun,
                deferred: deferred.into(),
                held: 0,
                outstanding: 0,
                held_back: 0,
                capacity: Capacity::new(workers as u64),
                paused: false,
                stopped: false,
                abandoned: false,
                stop,
            }),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            quiet: Notify::new(),
        }
    }

    /// The next look, as soon as there is one; `None` when the plan is done
    /// or the feed stopped.
    ///
    /// Cancel safe.
    pub(super) async fn next(&self) -> Option<Look> {
        let next = self.state().next(Instant::now());
        match next {
            Next::Look(look) => Some(look),
            Next::Finished => None,
            Next::Wait(_) => Box::pin(self.wait()).await,
        }
    }

    async fn wait(&self) -> Option<Look> {
        let _turn = self.turn.lock().await;
        loop {
            let next = {
                let mut state = self.state();
                let next = state.next(Instant::now());
                if matches!(next, Next::Wait(None)) && state.is_quiet() {
                    self.quiet.notify_one();
                }
                next
            };
            match next {
                Next::Look(look) => return Some(look),
                Next::Finished => return None,
                Next::Wait(None) => self.changed.notified().await,
                Next::Wait(Some(due)) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// So many looks are over, and their targets' outcomes reported.
    pub(super) fn settle(&self, looks: u64) {
        self.state().outstanding -= looks;
        self.changed.notify_one();
    }

    /// A look is over without a verdict, for this reason: its target is
    /// looked at again later.
    pub(super) fn defer(&self, look: Look, no_answer: NoAnswer) {
        let spacing = match no_answer {
            NoAnswer::Exhausted => SHORTAGE_SPACING * (1 << look.shortages.clamp(1, 8)) / 2,
            NoAnswer::Filtered | NoAnswer::Unreachable | NoAnswer::Resolver => RETRY_SPACING,
        };
        self.put_back(look, Instant::now() + spacing);
    }

    /// A look went for nothing: its target is looked at again at once.
    pub(super) fn have_again(&self, look: Look) {
        self.put_back(look, Instant::now());
    }

    fn put_back(&self, look: Look, due: Instant) {
        let mut state = self.state();
        state.outstanding -= 1;
        state.held += look.held();
        let place = state.deferred.partition_point(|(other, _)| *other <= due);
        state.deferred.insert(place, (due, look));
        drop(state);
        self.changed.notify_one();
    }

    /// A look waits for somebody's answer, with whoever lets it go; its worker
    /// goes on.
    pub(super) fn hold_back(&self) {
        self.state().held_back += 1;
        self.changed.notify_one();
    }

    /// Tells again when no look is left but those that are held back.
    pub(super) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// One of those that were held back is about to come back.
    pub(super) fn let_go(&self) {
        self.state().held_back -= 1;
    }

    /// Returns when no look is left but those that are held back.
    ///
    /// Cancel safe.
    pub(super) async fn quiet(&self) {
        self.quiet.notified().await;
    }

    /// A look that began then lacked something here: fewer may be under way.
    pub(super) fn shrink(&self, began: Instant) {
        let mut state = self.state();
        // Without itself, which is over.
        let under_way = state.under_way().saturating_sub(1);
        state.capacity.shrink(began, under_way, Instant::now());
    }

    /// A look lacked nothing.
    pub(super) fn recover(&self) {
        self.state().capacity.recover();
    }

    /// Hands out nothing until it resumes, or stops.
    pub(super) fn pause(&self) {
        self.state().paused = true;
    }

    /// Goes on after a pause.
    pub(super) fn resume(&self) {
        self.state().paused = false;
        self.changed.notify_one();
    }

    /// Whether a look that has seen something may be deferred with it. What
    /// workers bring at the same moment may pass the bound by a look each.
    pub(super) fn has_room(&self) -> bool {
        self.state().held < MOST_HELD
    }

    /// Hands out no further target; what was deferred comes back at once, to
    /// be settled by what is known of it.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_one();
    }

    /// Hands out nothing any more, whatever is outstanding: who has it does not
    /// bring it back.
    pub(super) fn abandon(&self) {
        self.state().abandoned = true;
        self.changed.notify_one();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, now: Instant) -> Next {
        if self.abandoned {
            return Next::Finished;
        }
        self.stopped |= self.stop.is_cancelled();
        if !self.stopped && (self.paused || !self.capacity.has_room_beside(self.under_way())) {
            return Next::Wait(None);
        }
        let due = self.deferred.front().map(|(due, _)| *due);
        if (self.stopped || due.is_some_and(|due| due <= now))
            && let Some((_, look)) = self.deferred.pop_front()
        {
            self.outstanding += 1;
            self.held -= look.held();
            return Next::Look(look);
        }
        if self.stopped {
            // One of those under way may still come back.
            return match self.under_way() {
                0 => Next::Finished,
                _ => Next::Wait(None),
            };
        }
        let Some(block) = self.block else {
            return Next::Finished;
        };
        while let Some(index) = block.at(self.position) {
            self.position += 1;
            if self.is_begun(index - block.first()) {
                continue;
            }
            self.outstanding += 1;
            return Next::Look(Look::first(index));
        }
        if due.is_some() || self.outstanding > 0 {
            return Next::Wait(due);
        }
        self.block = self.plan.block(block.number() + 1);
        self.position = 0;
        self.begun = Vec::new();
        self.next(now)
    }

    /// The looks that workers have.
    fn under_way(&self) -> u64 {
        self.outstanding.saturating_sub_signed(self.held_back)
    }

    fn is_quiet(&self) -> bool {
        !self.paused && self.held_back > 0 && self.under_way() == 0
    }

    fn is_begun(&self, offset: u64) -> bool {
        let offset = usize::try_from(offset).ok();
        let begun = offset.and_then(|offset| self.begun.get(offset));
        begun.copied().unwrap_or(false)
    }
}

/// When the next look of a deferred target is due: an earlier run of the scan
/// counts for it.
fn due(deferral: &Deferral) -> Instant {
    let since = clock::now().since(deferral.at);
    Instant::now() + RETRY_SPACING.saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::{
        Dialect, Endpoint, NotTls, Observation, Outcome, Pointer, Port, Timestamp, Zone,
    };

    /// A look that has seen one answer of so many bytes.
    fn look(said: usize) -> Look {
        let address = [10, 0, 0, 1].into();
        let seen = Observation {
            endpoint: Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls),
            server_name: None,
            left_out: None,
            asked_for: None,
            at: Timestamp::from_seconds(0),
            outcome: Outcome::NotTls(NotTls::Other, vec![0; said]),
            attempts: Vec::new(),
            pointer: Pointer::default(),
            survey: None,
        };
        Look::first(0).again(NoAnswer::Filtered, vec![seen])
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_begins_where_an_earlier_run_has_come_to() {
        let spec = "10.0.0.0/11".parse().unwrap();
        let plan = Plan::builder().targets([spec]).build().unwrap();
        let block = plan.block(1).unwrap();
        let mut begun = vec![true; 1 << 20];
        begun[7] = false;
        let waits = Deferral {
            index: block.first() + 9,
            earlier: 1,
            best: NoAnswer::Filtered,
            at: clock::now(),
        };
        let start = Start {
            block: 1,
            begun,
            deferred: vec![waits],
        };
        let feed = Feed::new(Arc::new(plan), start, 8, CancellationToken::new());
        let now = Instant::now();
        let first = feed.next().await.unwrap();
        assert_eq!((first.index, first.earlier), (block.first() + 7, 0));
        let second = feed.next().await.unwrap();
        assert_eq!((second.index, second.earlier), (waits.index, 1));
        assert!(now.elapsed() > RETRY_SPACING / 2, "not back to back");
        feed.settle(1);
        feed.settle(1);
        assert!(feed.next().await.is_none());
    }

    /// A feed that has handed out all that it has: two looks.
    async fn handed_out() -> (Feed, Look, Look) {
        let plan = Plan::builder().targets(["10.0.0.0/31".parse().unwrap()]);
        let plan = Arc::new(plan.build().unwrap());
        let feed = Feed::new(plan, Start::default(), 8, CancellationToken::new());
        let (one, other) = (feed.next().await.unwrap(), feed.next().await.unwrap());
        (feed, one, other)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_what_a_worker_that_failed_had() {
        let (feed, ..) = handed_out().await;
        feed.stop();
        assert!(feed.next().now_or_never().is_none(), "it may come back");
        feed.abandon();
        assert!(feed.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_quiet_while_a_retry_is_to_come() {
        let (feed, _, other) = handed_out().await;
        feed.hold_back();
        feed.defer(other, NoAnswer::Filtered);
        let began = Instant::now();
        tokio::select! {
            biased;
            retried = feed.next() => assert!(retried.is_some()),
            () = feed.quiet() => unreachable!("a retry is to come"),
        }
        assert_eq!(began.elapsed(), RETRY_SPACING);
    }

    #[tokio::test(start_paused = true)]
    async fn no_block_begins_after_the_stop() {
        let spec = "10.0.0.0/11".parse().unwrap();
        let plan = Plan::builder().targets([spec]).build().unwrap();
        let start = Start {
            begun: vec![true; 1 << 20],
            ..Start::default()
        };
        let stop = CancellationToken::new();
        let feed = Feed::new(Arc::new(plan), start, 8, stop.clone());
        stop.cancel();
        assert!(feed.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_after_the_stop_is_still_handed_out() {
        let spec = "10.0.0.1".parse().unwrap();
        let plan = Plan::builder().targets([spec]).build().unwrap();
        let stop = CancellationToken::new();
        let feed = Feed::new(Arc::new(plan), Start::default(), 8, stop.clone());
        assert!(feed.next().await.is_some());
        stop.cancel();
        let mut next = Box::pin(feed.next());
        assert!((&mut next).now_or_never().is_none());
        feed.defer(look(0), NoAnswer::Filtered);
        assert_eq!(next.await.unwrap().earlier, 1);
        feed.settle(1);
        assert!(feed.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn deferred_looks_hold_no_more_than_so_many_bytes() {
        let spec = "10.0.0.1".parse().unwrap();
        let plan = Plan::builder().targets([spec]).build().unwrap();
        let stop = CancellationToken::new();
        let feed = Feed::new(Arc::new(plan), Start::default(), 8, stop);
        assert!(feed.next().await.is_some());
        feed.defer(look(MOST_HELD / 2), NoAnswer::Filtered);
        assert!(feed.has_room());
        feed.state().outstanding += 1;
        feed.defer(look(MOST_HELD / 2), NoAnswer::Filtered);
        assert!(!feed.has_room());
        assert!(feed.next().await.is_some());
        assert!(feed.has_room(), "a worker has it");
    }
}
