//! Runs of one network and port laid over those known.
//!
//! Pure. Invariant: runs never overlap; neighbours that say the same are one.

use std::collections::BTreeMap;

use super::address::AddressKey;
use super::moment::{Moment, better_supersedes, is_evidence};
use crate::domain::OutcomeKind;

/// What the ledger says of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) outcome: OutcomeKind,
    pub(super) detail: String,
    pub(super) moment: Moment,
}

/// The same entry for every address of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: AddressKey,
    pub(super) last: AddressKey,
    pub(super) entry: Entry,
}

/// The runs of one network and port, by their first addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger(BTreeMap<AddressKey, Run>);

impl Entry {
    /// Whether it takes the place of what is `known`.
    ///
    /// `excluded` does, it is a decision; what says nothing at all (fresh,
    /// not attempted, our own error) never hides the result of a look or a
    /// decision, however old.
    pub(super) fn supersedes(&self, known: &Self) -> bool {
        match (says_something(self.outcome), says_something(known.outcome)) {
            (true, false) => true,
            (false, true) => false,
            (true, true) | (false, false) => {
                better_supersedes((merit(self), self.moment), (merit(known), known.moment))
            }
        }
    }
}

/// The least is the best. A scan that goes on attempts what it had not: then
/// whatever came of that is better, a fault of ours too.
fn merit(entry: &Entry) -> (bool, OutcomeKind) {
    let not_attempted = entry.outcome == OutcomeKind::NotAttempted;
    (not_attempted, entry.outcome)
}

fn says_something(outcome: OutcomeKind) -> bool {
    is_evidence(outcome) || outcome == OutcomeKind::Excluded
}

impl Ledger {
    /// The runs in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.0.values()
    }

    /// The run that begins at an address.
    pub(super) fn at(&self, first: AddressKey) -> Option<&Run> {
        self.0.get(&first)
    }

    /// Takes a run that is stored.
    pub(super) fn insert(&mut self, run: Run) {
        self.0.insert(run.first, run);
    }

    /// Lays a run over what is known: address by address, the entry that
    /// supersedes the other stands.
    pub(super) fn overlay(&mut self, new: &Run) {
        let mut unknown_from = Some(new.first);
        for known in self.take_overlapping(new) {
            if let Some(first) = unknown_from.filter(|first| *first < known.first) {
                self.insert_part(first, known.first.previous(), &new.entry);
            }
            let overlap_first = known.first.max(new.first);
            let overlap_last = known.last.min(new.last);
            if known.first < overlap_first {
                self.insert_part(known.first, overlap_first.previous(), &known.entry);
            }
            let stands = if new.entry.supersedes(&known.entry) {
                &new.entry
            } else {
                &known.entry
            };
            self.insert_part(overlap_first, Some(overlap_last), stands);
            if overlap_last < known.last
                && let Some(after) = overlap_last.next()
            {
                self.insert_part(after, Some(known.last), &known.entry);
            }
            unknown_from = overlap_last.next();
        }
        if let Some(first) = unknown_from.filter(|first| *first <= new.last) {
            self.insert_part(first, Some(new.last), &new.entry);
        }
    }

    /// Joins neighbours that say the same.
    pub(super) fn join(&mut self) {
        let mut joined: BTreeMap<AddressKey, Run> = BTreeMap::new();
        for (first, run) in std::mem::take(&mut self.0) {
            match joined.last_entry() {
                Some(mut before)
                    if before.get().last.next() == Some(first)
                        && before.get().entry == run.entry =>
                {
                    before.get_mut().last = run.last;
                }
                _ => {
                    joined.insert(first, run);
                }
            }
        }
        self.0 = joined;
    }

    fn take_overlapping(&mut self, new: &Run) -> Vec<Run> {
        let begins_before = self.0.range(..new.first).next_back();
        let from = begins_before
            .filter(|(_, run)| run.last >= new.first)
            .map_or(new.first, |(first, _)| *first);
        let firsts: Vec<_> = self.0.range(from..=new.last).map(|(key, _)| *key).collect();
        firsts
            .iter()
            .filter_map(|first| self.0.remove(first))
            .collect()
    }

    fn insert_part(&mut self, first: AddressKey, last: Option<AddressKey>, entry: &Entry) {
        if let Some(last) = last {
            let entry = entry.clone();
            self.insert(Run { first, last, entry });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ScanId, Timestamp};

    fn address(host: u8) -> AddressKey {
        AddressKey::from(IpAddr::V4(Ipv4Addr::new(255, 255, 255, host)))
    }

    fn any_run() -> impl Strategy<Value = Run> {
        let outcomes = prop::sample::select(vec![
            OutcomeKind::Certificate,
            OutcomeKind::Refused,
            OutcomeKind::Excluded,
            OutcomeKind::NotAttempted,
            OutcomeKind::LocalError,
        ]);
        (any::<u8>(), any::<u8>(), outcomes, 1..4_i64, 0..4_i64).prop_map(
            |(one, other, outcome, scan, at)| Run {
                first: address(one.min(other)),
                last: address(one.max(other)),
                entry: Entry {
                    outcome,
                    detail: String::new(),
                    moment: Moment {
                        at: Timestamp::from_seconds(at),
                        scan: ScanId::new(scan),
                    },
                },
            },
        )
    }

    proptest! {
        #[test]
        fn the_ledger_agrees_with_a_list_of_addresses(
            runs in prop::collection::vec(any_run(), 0..40),
        ) {
            let mut ledger = Ledger::default();
            let mut model: Vec<Option<Entry>> = vec![None; 256];
            for run in &runs {
                ledger.overlay(run);
                for (host, slot) in (0..=255).zip(&mut model) {
                    let inside = (run.first..=run.last).contains(&address(host));
                    let wins = slot.as_ref().is_none_or(|known| run.entry.supersedes(known));
                    if inside && wins {
                        *slot = Some(run.entry.clone());
                    }
                }
            }
            ledger.join();
            let mut told: Vec<Option<Entry>> = vec![None; 256];
            for run in ledger.runs() {
                for (host, slot) in (0..=255).zip(&mut told) {
                    if (run.first..=run.last).contains(&address(host)) {
                        prop_assert!(slot.is_none(), "runs overlap");
                        *slot = Some(run.entry.clone());
                    }
                }
            }
            prop_assert_eq!(&told, &model);
            for pair in ledger.runs().collect::<Vec<_>>().windows(2) {
                let adjacent = pair[0].last.next() == Some(pair[1].first);
                prop_assert!(!adjacent || pair[0].entry != pair[1].entry, "not joined");
            }
        }
    }

    #[test]
    fn what_says_nothing_hides_no_look() {
        let entry = |outcome, scan| Entry {
            outcome,
            detail: String::new(),
            moment: Moment {
                at: Timestamp::from_seconds(scan),
                scan: ScanId::new(scan),
            },
        };
        let look = entry(OutcomeKind::Refused, 1);
        for nothing in [
            OutcomeKind::Fresh,
            OutcomeKind::NotAttempted,
            OutcomeKind::LocalError,
        ] {
            assert!(!entry(nothing, 2).supersedes(&look), "{nothing}");
            assert!(look.supersedes(&entry(nothing, 2)), "{nothing}");
        }
        assert!(entry(OutcomeKind::Excluded, 2).supersedes(&look));
        // A scan that goes on attempts what it had not.
        let (fault, nothing) = (OutcomeKind::LocalError, OutcomeKind::NotAttempted);
        assert!(entry(fault, 2).supersedes(&entry(nothing, 2)));
        assert!(!entry(nothing, 2).supersedes(&entry(fault, 2)));
        assert!(entry(OutcomeKind::Filtered, 3).supersedes(&entry(OutcomeKind::Excluded, 2)));
    }
}
