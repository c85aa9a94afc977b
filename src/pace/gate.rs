use super::lane::Lane;
use super::limiter::Limiter;
use super::rate::Rate;
use super::turn::{Held, Turn};

/// One stage of the way to a pass: a turn, and the rate behind it.
#[derive(Debug)]
pub(super) struct Gate {
    turn: Turn,
    /// `None` when the rate is unlimited: always ready, nothing to pay.
    limiter: Option<Limiter>,
}

impl Gate {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            turn: Turn::new(),
            limiter: rate.spacing().map(Limiter::new),
        }
    }

    /// A gate for many hosts; `None` where their rate is unlimited, so that
    /// nobody queues up for nothing.
    pub(super) fn limiting(rate: Rate) -> Option<Self> {
        (rate != Rate::Unlimited).then(|| Self::new(rate))
    }

    /// Waits for the turn of a gate, if there is one, and until it is ready.
    pub(super) async fn enter(gate: Option<&Self>, lane: Lane) -> Option<Held<'_>> {
        let gate = gate?;
        let turn = gate.turn(lane).await;
        gate.ready().await;
        Some(turn)
    }

    /// Waits for the turn. The other methods belong to the task that holds it.
    pub(super) async fn turn(&self, lane: Lane) -> Held<'_> {
        self.turn.take(lane).await
    }

    /// Waits until the rate allows one more; once it does, it goes on doing so
    /// while the turn is held.
    pub(super) async fn ready(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.ready().await;
        }
    }

    /// Pays for one.
    pub(super) fn pay(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.pay();
        }
    }

    /// Whether a new gate would serve as well.
    pub(super) fn is_replenished(&self) -> bool {
        self.limiter.as_ref().is_none_or(Limiter::is_replenished)
    }
}
