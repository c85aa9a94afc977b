use std::num::NonZeroUsize;
use std::sync::Arc;

use super::gate::Gate;
use super::rate::Rate;
use super::slot::Slots;

/// What is kept of one address while it is dialled.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) gate: Gate,
    pub(super) slots: Arc<Slots>,
}

impl Host {
    pub(super) fn new(rate: Rate, slots: NonZeroUsize) -> Self {
        Self {
            gate: Gate::new(rate),
            slots: Slots::new(slots),
        }
    }

    /// Whether no connection is left and the rate has recovered.
    pub(super) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.slots) == 1 && self.gate.is_replenished()
    }
}
