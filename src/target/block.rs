use super::{Permutation, Plan};
use crate::domain::Target;

/// Up to 2^20 neighbouring targets of a plan, in an order of their own: the
/// unit of resuming.
///
/// It belongs to the plan that made it. Those of its targets that the plan has
/// first come before the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    number: u64,
    first: u64,
    leading: Permutation,
    rest: Permutation,
}

/// What keeps the order of the leading targets apart from that of the rest.
const LEADING: u64 = 1 << 63;

impl Block {
    /// Most targets of one block: its bitmap of what is done takes 128 KiB.
    pub const MAX_LENGTH: u64 = 1 << 20;

    /// The number of the block in which the target of an index is.
    #[must_use]
    pub const fn number_of(index: u64) -> u64 {
        index / Self::MAX_LENGTH
    }

    /// Block `number` of a plan with so many targets, of which so many come
    /// first.
    pub(super) fn new(number: u64, targets: u64, leading: u64, seed: u64) -> Option<Self> {
        let first = number.checked_mul(Self::MAX_LENGTH)?;
        let length = targets.checked_sub(first)?.min(Self::MAX_LENGTH);
        let leading = leading.saturating_sub(first).min(length);
        (length > 0).then(|| Self {
            number,
            first,
            leading: Permutation::new(leading, seed, number | LEADING),
            rest: Permutation::new(length - leading, seed, number),
        })
    }

    /// Its place among the blocks of the plan, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The lowest index of the plan that it has; the others follow it.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// How many targets it has: 1 to [`Self::MAX_LENGTH`].
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub const fn len(&self) -> u64 {
        self.leading.length() + self.rest.length()
    }

    /// The index in the plan of the target whose turn is at `position`.
    /// Positions from 0 to the length lead to every target exactly once.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<u64> {
        let offset = self.leading.at(position).or_else(|| {
            let leading = self.leading.length();
            let offset = self.rest.at(position.checked_sub(leading)?)?;
            Some(leading + offset)
        })?;
        Some(self.first + offset)
    }

    /// Every target in its turn.
    pub fn targets<'plan>(&self, plan: &'plan Plan) -> impl Iterator<Item = Target> + 'plan {
        let block = *self;
        (0..block.len()).filter_map(move |position| plan.get(block.at(position)?))
    }
}
