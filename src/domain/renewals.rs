//! Certificates that may have been renewed, and what came after them → those
//! that were.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::{Purpose, Timestamp};

/// Certificates that may have been renewed, each by a `T`.
///
/// Memory grows with them, and not with what comes.
#[derive(Debug)]
pub struct Renewals<T> {
    kinds: Vec<Kind<T>>,
    hasher: RandomState,
    /// Where to look for what something renews: by the hash of its traits with
    /// one of its names, or none.
    places: HashMap<u64, Vec<usize>>,
    renewed: Vec<T>,
}

/// Those that are for the same.
#[derive(Debug)]
struct Kind<T> {
    purpose: Purpose,
    /// By their end, the earliest first: the last is the next to be decided.
    undecided: Vec<Old<T>>,
    /// When the latest of what came and outlasts all of them was first seen.
    latest: Option<Timestamp>,
}

/// A certificate that may have been renewed.
#[derive(Clone, Copy, Debug)]
struct Old<T> {
    id: T,
    end: Timestamp,
    seen: Timestamp,
}

/// Most kinds that one certificate is compared with: there are more only where
/// very many share subject, usages and even the rarest of their names. What is
/// not compared counts as not renewed.
const MOST_COMPARED: usize = 1000;

impl<T> Renewals<T> {
    /// Of certificates with what they are for, their ends of validity, and when
    /// they were last seen.
    #[must_use]
    pub fn of(old: impl Iterator<Item = (T, Purpose, Timestamp, Timestamp)>) -> Self {
        let mut by_purpose: HashMap<Purpose, Vec<Old<T>>> = HashMap::new();
        for (id, purpose, end, seen) in old {
            let old = Old { id, end, seen };
            by_purpose.entry(purpose).or_default().push(old);
        }
        let kinds = by_purpose.into_iter().map(|(purpose, mut undecided)| {
            undecided.sort_by_key(|old| old.end);
            Kind {
                purpose,
                undecided,
                latest: None,
            }
        });
        let mut renewals = Self {
            kinds: kinds.collect(),
            hasher: RandomState::new(),
            places: HashMap::new(),
            renewed: Vec::new(),
        };
        renewals.find_places();
        renewals
    }

    /// A certificate came, or was imported, when it was first seen. They come by
    /// their ends of validity, the latest first.
    pub fn came(&mut self, purpose: &Purpose, end: Timestamp, first_seen: Timestamp) {
        let names = purpose.names().map(Some).chain([None]);
        let places = names.filter_map(|name| {
            let place = self.hasher.hash_one(purpose.traits(name));
            self.places.get(&place)
        });
        for number in places.flatten().take(MOST_COMPARED) {
            let Some(kind) = self.kinds.get_mut(*number) else {
                continue;
            };
            if purpose.renews(&kind.purpose) {
                kind.decide(end, &mut self.renewed);
                kind.latest = kind.latest.max(Some(first_seen));
            }
        }
    }

    /// Those that something renewed which ends later, and was first seen after
    /// they were last.
    #[must_use]
    pub fn end(mut self) -> Vec<T> {
        for kind in &mut self.kinds {
            kind.decide(Timestamp::from_micros(i64::MIN), &mut self.renewed);
        }
        self.renewed
    }

    /// Each kind is looked for by its rarest names.
    fn find_places(&mut self) {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for kind in &self.kinds {
            for place in kind.places(&self.hasher) {
                *counts.entry(place).or_default() += 1;
            }
        }
        for (number, kind) in self.kinds.iter().enumerate() {
            let mut places = kind.places(&self.hasher);
            places.sort_by_key(|place| counts.get(place).copied());
            places.truncate(kind.purpose.names_to_look_up().max(1));
            for place in places {
                self.places.entry(place).or_default().push(number);
            }
        }
    }
}

impl<T> Kind<T> {
    /// One for each of its names; of what has none, the one for none.
    fn places(&self, hasher: &RandomState) -> Vec<u64> {
        let place = |name| hasher.hash_one(self.purpose.traits(name));
        let places: Vec<_> = self.purpose.names().map(|name| place(Some(name))).collect();
        if places.is_empty() {
            vec![place(None)]
        } else {
            places
        }
    }

    /// Decides of those that end no earlier than what comes next.
    fn decide(&mut self, next: Timestamp, renewed: &mut Vec<T>) {
        while let Some(old) = self.undecided.pop_if(|old| old.end >= next) {
            if self.latest > Some(old.seen) {
                renewed.push(old.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * 86_400)
    }

    fn named(names: &[&str]) -> Purpose {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Purpose::new("CN=a", &names, &[], &[])
    }

    /// The numbers of those that are renewed; days until their ends, and on
    /// which they were last seen and the others first.
    fn renewed(old: &[(&[&str], i64, i64)], new: &[(&[&str], i64, i64)]) -> Vec<usize> {
        let old = old.iter().enumerate();
        let old = old.map(|(id, (names, end, seen))| (id, named(names), at(*end), at(*seen)));
        let mut renewals = Renewals::of(old);
        for (names, end, seen) in new {
            renewals.came(&named(names), at(*end), at(*seen));
        }
        let mut renewed = renewals.end();
        renewed.sort_unstable();
        renewed
    }

    #[test]
    fn what_came_later_and_ends_later_renews() {
        let old: [(&[&str], _, _); 1] = [(&["a"], 50, 10)];
        assert_eq!(renewed(&old, &[(&["a"], 51, 11)]), [0]);
        assert_eq!(renewed(&old, &[(&["a"], 51, 10)]), [0; 0]);
        assert_eq!(renewed(&old, &[(&["a"], 50, 11)]), [0; 0]);
        assert_eq!(renewed(&old, &[(&["b"], 51, 11)]), [0; 0]);
        // No one of them both came later and ends later.
        assert_eq!(renewed(&old, &[(&["a"], 51, 9), (&["a"], 49, 11)]), [0; 0]);
        assert_eq!(renewed(&old, &[(&["a"], 60, 9), (&["a"], 51, 11)]), [0]);
    }

    #[test]
    fn each_of_a_kind_is_decided_by_its_own_end_and_time() {
        let old: [(&[&str], _, _); 4] = [
            (&["a"], 10, 1),
            (&["a"], 30, 5),
            (&["a"], 20, 9),
            (&[], 25, 1),
        ];
        let new: [(&[&str], _, _); 3] = [(&["a"], 30, 6), (&["A", "c"], 25, 2), (&["a"], 11, 20)];
        assert_eq!(renewed(&old, &new), [0, 3]);
    }

    #[test]
    fn every_renewal_of_many_names_is_found_whichever_it_keeps() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let old = [(&names[..], 50, 10)];
        for kept in [&names[..3], &names[3..], &names[1..4]] {
            assert_eq!(renewed(&old, &[(kept, 51, 11)]), [0], "{kept:?}");
        }
        assert_eq!(renewed(&old, &[(&names[..2], 51, 11)]), [0; 0]);
        // The name that all have leads nowhere by itself.
        let old: Vec<Vec<_>> = (0..2000)
            .map(|it| format!("{it}"))
            .map(|it| vec!["common".to_owned(), it])
            .collect();
        let old: Vec<Vec<&str>> = old
            .iter()
            .map(|it| it.iter().map(String::as_str).collect())
            .collect();
        let old: Vec<(&[&str], _, _)> = old.iter().map(|it| (&it[..], 50, 10)).collect();
        let new: [(&[&str], _, _); 1] = [(&["common", "1999"], 51, 11)];
        assert_eq!(renewed(&old, &new), [1999]);
    }
}
