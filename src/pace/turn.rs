use std::sync::{Arc, Mutex, PoisonError};

use super::lane::{Lane, Lanes};

/// A lock whose waiters stand in two lanes. It is handed from one holder to
/// the next; nobody else wakes up.
#[derive(Debug)]
pub(super) struct Turn {
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    taken: bool,
    waiting: Lanes<Held>,
}

/// The turn is its owner's until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// `None` when nobody was left to hand it to.
    turn: Option<Arc<Turn>>,
}

impl Turn {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Queue {
                taken: false,
                waiting: Lanes::new(),
            }),
        })
    }

    /// Waits for the turn.
    ///
    /// Cancel safe: a turn handed to a task that has gone goes on to the next.
    pub(super) async fn take(self: &Arc<Self>, lane: Lane) -> Held {
        let handed_over = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if !queue.taken {
                queue.taken = true;
                return self.held();
            }
            queue.waiting.join(lane)
        };
        // The sender waits in the queue of `self`, which is borrowed here, so
        // it is not dropped unsent; if it were, the turn would be free.
        handed_over.await.unwrap_or_else(|_| self.held())
    }

    fn held(self: &Arc<Self>) -> Held {
        Held {
            turn: Some(Arc::clone(self)),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        let mut held = turn.held();
        // A loop, not the drop of what a gone waiter sends back: thousands of
        // them must not nest thousands of drops.
        loop {
            let next = {
                let mut queue = turn.queue.lock().unwrap_or_else(PoisonError::into_inner);
                let next = queue.waiting.next();
                queue.taken = next.is_some();
                next
            };
            let Some(next) = next else {
                held.turn = None;
                return;
            };
            match next.send(held) {
                Ok(()) => return,
                Err(returned) => held = returned,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, poll};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn follow_ups_go_before_first_dials_and_each_lane_keeps_its_order() {
        let turn = Turn::new();
        let held = turn.take(Lane::First).await;
        let order = Mutex::new(Vec::new());
        let queue_up = |name: &'static str, lane| {
            let (turn, order) = (&turn, &order);
            async move {
                let _held = turn.take(lane).await;
                order.lock().unwrap().push(name);
            }
        };
        let everyone = futures_util::future::join4(
            queue_up("first 1", Lane::First),
            queue_up("first 2", Lane::First),
            queue_up("follow-up 1", Lane::FollowUp),
            queue_up("follow-up 2", Lane::FollowUp),
        );
        let mut everyone = pin!(everyone);
        assert_eq!(poll!(&mut everyone), Poll::Pending);
        drop(held);
        everyone.await;
        assert_eq!(
            *order.lock().unwrap(),
            ["follow-up 1", "follow-up 2", "first 1", "first 2"]
        );
    }

    #[tokio::test]
    async fn a_turn_is_never_lost_by_a_waiter_that_gives_up() {
        let turn = Turn::new();
        let held = turn.take(Lane::First).await;
        // Gone before the turn is handed over.
        assert!(turn.take(Lane::First).now_or_never().is_none());
        // Gone after it was handed over, before it woke up.
        let mut handed = Box::pin(turn.take(Lane::First));
        assert!(poll!(&mut handed).is_pending());
        let mut last = pin!(turn.take(Lane::First));
        assert!(poll!(&mut last).is_pending());
        drop(held);
        assert!(poll!(&mut last).is_pending());
        drop(handed);
        assert!(poll!(&mut last).is_ready());
    }

    #[tokio::test]
    async fn many_waiters_that_gave_up_cost_neither_stack_nor_memory() {
        let turn = Turn::new();
        let held = turn.take(Lane::First).await;
        for _ in 0..100_000 {
            assert!(turn.take(Lane::First).now_or_never().is_none());
        }
        let mut alive: Vec<_> = (0..3).map(|_| Box::pin(turn.take(Lane::First))).collect();
        for waiter in &mut alive {
            assert!(poll!(waiter).is_pending());
        }
        drop(held);
        for waiter in alive {
            drop(waiter.await);
        }
        assert!(turn.take(Lane::FollowUp).now_or_never().is_some());
    }
}
