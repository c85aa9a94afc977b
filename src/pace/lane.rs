use std::collections::VecDeque;

use tokio::sync::oneshot;

/// Who goes first where connections wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The first dial of a question.
    First,
    /// Fallback rungs and retries: a question that was begun is finished
    /// before another one is begun.
    FollowUp,
}

/// Tasks that wait to be handed a `T`: follow-ups first, then first come
/// first served. One that gave up is passed over.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    follow_ups: VecDeque<oneshot::Sender<T>>,
    firsts: VecDeque<oneshot::Sender<T>>,
}

impl<T> Lanes<T> {
    pub(super) const fn new() -> Self {
        Self {
            follow_ups: VecDeque::new(),
            firsts: VecDeque::new(),
        }
    }

    /// Queues up in a lane.
    pub(super) fn join(&mut self, lane: Lane) -> oneshot::Receiver<T> {
        let queue = match lane {
            Lane::FollowUp => &mut self.follow_ups,
            Lane::First => &mut self.firsts,
        };
        // Before it grows it forgets those who gave up, so that its size
        // follows the tasks that wait, not those that ever waited.
        if queue.len() == queue.capacity() {
            queue.retain(|waiting| !waiting.is_closed());
        }
        let (sender, receiver) = oneshot::channel();
        queue.push_back(sender);
        receiver
    }

    /// The next in line, if anyone waits.
    pub(super) fn next(&mut self) -> Option<oneshot::Sender<T>> {
        self.follow_ups
            .pop_front()
            .or_else(|| self.firsts.pop_front())
    }
}
