use std::ops::AddAssign;

use super::OutcomeKind;

/// How many targets had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; OutcomeKind::ALL.len()]);

impl Tally {
    /// Counts one more target with this outcome.
    pub fn add(&mut self, kind: OutcomeKind) {
        self.add_many(kind, 1);
    }

    /// Counts `count` more targets with this outcome.
    pub fn add_many(&mut self, kind: OutcomeKind, count: u64) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot += count;
        }
    }

    /// How many had this outcome.
    #[must_use]
    pub fn count(&self, kind: OutcomeKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// How many were counted in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every outcome with its count, best outcome first, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (OutcomeKind, u64)> {
        OutcomeKind::ALL.into_iter().zip(self.0)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for (kind, count) in other.iter() {
            self.add_many(kind, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_own_count() {
        let mut tally = Tally::default();
        for (rank, kind) in OutcomeKind::ALL.into_iter().enumerate() {
            tally.add_many(kind, rank as u64 + 1);
        }
        for (rank, (kind, count)) in tally.iter().enumerate() {
            assert_eq!(count, rank as u64 + 1);
            assert_eq!(tally.count(kind), count);
        }
        assert_eq!(tally.total(), (1..=14).sum::<u64>());
    }
}
