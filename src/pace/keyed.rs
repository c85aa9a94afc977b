use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// State of each key that is in use. Idle entries are forgotten, so there are
/// never more than twice those in use, or [`SMALLEST_PURGE`].
#[derive(Debug)]
pub(super) struct Keyed<K, V> {
    entries: Mutex<Entries<K, V>>,
}

#[derive(Debug)]
struct Entries<K, V> {
    by_key: HashMap<K, Arc<V>>,
    /// How many entries make a purge worth its time.
    purge_at: usize,
}

/// Fewer entries than this are not worth looking through.
const SMALLEST_PURGE: usize = 1024;

impl<K: Eq + Hash, V> Keyed<K, V> {
    pub(super) fn new() -> Self {
        Self {
            entries: Mutex::new(Entries {
                by_key: HashMap::new(),
                purge_at: SMALLEST_PURGE,
            }),
        }
    }

    /// The state of a key, made if it is not there.
    ///
    /// `is_idle` says of an entry that nobody holds whether a new one would
    /// serve as well.
    pub(super) fn entry(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        is_idle: impl Fn(&V) -> bool,
    ) -> Arc<V> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.by_key.len() >= entries.purge_at {
            // New holders come through this lock, so none appears meanwhile.
            entries
                .by_key
                .retain(|_, value| Arc::strong_count(value) > 1 || !is_idle(value));
            entries.purge_at = SMALLEST_PURGE.max(entries.by_key.len().saturating_mul(2));
        }
        Arc::clone(
            entries
                .by_key
                .entry(key)
                .or_insert_with(|| Arc::new(make())),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<K: Eq + Hash, V> Keyed<K, V> {
        pub(in crate::pace) fn len(&self) -> usize {
            self.entries.lock().unwrap().by_key.len()
        }
    }

    #[test]
    fn what_is_idle_is_forgotten_and_what_is_in_use_is_kept() {
        let keyed = Keyed::new();
        let in_use: Vec<_> = (0..100)
            .map(|key| keyed.entry(key, || 0, |_| true))
            .collect();
        let busy = keyed.entry(100, || 1, |value| *value == 0);
        assert_eq!(*busy, 1);
        drop(busy);
        for key in 200..1_000_000 {
            keyed.entry(key, || 0, |value| *value == 0);
            assert!(keyed.len() <= SMALLEST_PURGE);
        }
        for (key, value) in (0..).zip(&in_use) {
            assert!(Arc::ptr_eq(&keyed.entry(key, || 0, |_| true), value));
        }
        assert_eq!(*keyed.entry(100, || 2, |_| true), 1);
    }
}
