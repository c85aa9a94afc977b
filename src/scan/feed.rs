//! Block → looks: due follow-ups first, then the block's next target.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::no_answer::NoAnswer;
use crate::domain::Observation;
use crate::target::{Block, Plan};

/// How long after a look that got no answer the next one comes. Losses come
/// in bursts (Wan et al., IMC 2020), so a retry back to back proves little.
pub const RETRY_SPACING: Duration = Duration::from_secs(10);

/// One visit to one target.
#[derive(Debug)]
pub(super) struct Look {
    /// The target's index in the plan.
    pub(super) index: u64,
    /// How many looks came before.
    pub(super) earlier: u32,
    /// The best that they came to without an answer.
    pub(super) best: Option<NoAnswer>,
    /// What spoke to them.
    pub(super) seen: Box<[Observation]>,
}

/// Hands looks to the workers, block after block: a block begins when every
/// target of the one before has its outcome.
///
/// Invariant: `outstanding` looks are with workers; each comes back by
/// [`Feed::settle`] or [`Feed::defer`], exactly once.
pub(super) struct Feed {
    state: Mutex<State>,
    /// Only its holder waits for time or for others to finish, so that a
    /// thousand idle workers do not all wake for one look.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
}

struct State {
    plan: Arc<Plan>,
    block: Option<Block>,
    position: u64,
    deferred: VecDeque<(Instant, Look)>,
    outstanding: u64,
    stopped: bool,
}

enum Next {
    Look(Look),
    /// Nothing before this moment, or before a worker brings something back.
    Wait(Option<Instant>),
    Finished,
}

impl Feed {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        let block = plan.block(0);
        Self {
            state: Mutex::new(State {
                plan,
                block,
                position: 0,
                deferred: VecDeque::new(),
                outstanding: 0,
                stopped: false,
            }),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// The next look, as soon as there is one; `None` when the plan is done
    /// or the feed stopped.
    ///
    /// Cancel safe.
    pub(super) async fn next(&self) -> Option<Look> {
        let _turn = self.turn.lock().await;
        loop {
            let next = self.state().next(Instant::now());
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

    /// A look is over, and its target's outcome reported.
    pub(super) fn settle(&self) {
        self.state().outstanding -= 1;
        self.changed.notify_one();
    }

    /// A look is over without a verdict: its target is looked at again,
    /// [`RETRY_SPACING`] from now.
    pub(super) fn defer(&self, look: Look) {
        let mut state = self.state();
        state.outstanding -= 1;
        let due = Instant::now() + RETRY_SPACING;
        state.deferred.push_back((due, look));
        drop(state);
        self.changed.notify_one();
    }

    /// Hands out no further target; what was deferred comes back at once, to
    /// be settled by what is known of it.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
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
        let due = self.deferred.front().map(|(due, _)| *due);
        if (self.stopped || due.is_some_and(|due| due <= now))
            && let Some((_, look)) = self.deferred.pop_front()
        {
            self.outstanding += 1;
            return Next::Look(look);
        }
        if self.stopped {
            return Next::Finished;
        }
        let Some(block) = &self.block else {
            return Next::Finished;
        };
        if let Some(index) = block.at(self.position) {
            self.position += 1;
            self.outstanding += 1;
            return Next::Look(Look {
                index,
                earlier: 0,
                best: None,
                seen: Box::default(),
            });
        }
        if due.is_some() || self.outstanding > 0 {
            return Next::Wait(due);
        }
        self.block = self.plan.block(block.number() + 1);
        self.position = 0;
        self.next(now)
    }
}
