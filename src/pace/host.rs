use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::time::Instant;

use super::gate::Gate;
use super::rate::Rate;
use super::slot::Slot;
use super::slots::Slots;

/// What is kept of one address while it is dialled, in one piece of memory: a
/// sweep makes one for each target.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) gate: Gate,
    pub(super) slots: Slots,
}

impl Host {
    pub(super) fn new(rate: Rate, slots: NonZeroUsize) -> Self {
        Self {
            gate: Gate::new(rate),
            slots: Slots::new(slots),
        }
    }

    /// A place for one more connection.
    pub(super) fn dial(self: Arc<Self>) -> Slot {
        let stage = self.slots.dial(Instant::now());
        Slot::new(self, stage)
    }

    /// Whether a new one would serve as well, once no connection holds it.
    pub(super) fn is_idle(&self) -> bool {
        self.gate.is_replenished()
    }
}
