use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

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
    waiting: Lanes<()>,
}

/// The turn is its owner's until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'turn> {
    turn: &'turn Turn,
}

/// A place in the queue.
struct Place<'turn> {
    turn: &'turn Turn,
    handed_over: oneshot::Receiver<()>,
}

impl Turn {
    pub(super) const fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                taken: false,
                waiting: Lanes::new(),
            }),
        }
    }

    /// Waits for the turn.
    ///
    /// Cancel safe: a turn handed to a task that has gone goes on to the next.
    pub(super) async fn take(&self, lane: Lane) -> Held<'_> {
        let mut place = {
            let mut queue = self.queue();
            if !queue.taken {
                queue.taken = true;
                return Held { turn: self };
            }
            Place {
                turn: self,
                handed_over: queue.waiting.join(lane),
            }
        };
        // The sender waits in the queue of `self`, which is borrowed here, so
        // it is not dropped unsent; if it were, the turn would be free.
        let _ = (&mut place.handed_over).await;
        Held { turn: self }
    }

    /// Gives the turn to the next who still waits.
    fn hand_over(&self) {
        loop {
            let next = {
                let mut queue = self.queue();
                let next = queue.waiting.next();
                queue.taken = next.is_some();
                next
            };
            if next.is_none_or(|next| next.send(()).is_ok()) {
                return;
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.turn.hand_over();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.handed_over.close();
        // Handed over, and nobody has seen it.
        if self.handed_over.try_recv().is_ok() {
            self.turn.hand_over();
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
