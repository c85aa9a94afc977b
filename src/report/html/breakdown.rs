use std::collections::HashMap;

use super::text::{Count, shown};
use crate::domain::Fingerprint;

/// How many things there are of each kind. The kinds are texts that may come
/// from the network: their number and their length are bounded.
#[derive(Debug, Default)]
pub(super) struct Breakdown {
    kinds: HashMap<Key, Kind>,
    /// Things of kinds for which there was no room.
    beyond: u64,
}

/// What a kind is told apart by: its whole text, however long.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Ours(&'static str),
    Theirs(Fingerprint),
}

#[derive(Debug)]
struct Kind {
    label: Label,
    count: u64,
}

/// What a kind is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    /// In words of ours: `self-signed`.
    Ours(&'static str),
    /// In the network's, made safe to show.
    Theirs(String),
}

/// One line of a chart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) label: Label,
    pub(super) count: Count,
    /// Of all things, in words: `12.5 %`.
    pub(super) share: String,
    /// Of the longest bar, in thousandths; none for the others together.
    pub(super) length: Option<u64>,
}

/// Most kinds that are told apart: with their labels some 30 MB. What does not
/// repeat more often than that makes no chart.
const MAX_KINDS: usize = 100_000;

/// Most bars of a chart, the others' one left out.
const MAX_BARS: usize = 10;

impl Breakdown {
    /// Counts one thing of a kind that the network names.
    pub(super) fn add(&mut self, kind: &str) {
        let key = Key::Theirs(Fingerprint::of(kind.as_bytes()));
        self.add_as(key, || Label::Theirs(shown(kind)));
    }

    /// Counts one thing of a kind that we name.
    pub(super) fn add_ours(&mut self, kind: &'static str) {
        self.add_as(Key::Ours(kind), || Label::Ours(kind));
    }

    fn add_as(&mut self, key: Key, label: impl FnOnce() -> Label) {
        if let Some(kind) = self.kinds.get_mut(&key) {
            kind.count += 1;
        } else if self.kinds.len() < MAX_KINDS {
            let label = label();
            self.kinds.insert(key, Kind { label, count: 1 });
        } else {
            self.beyond += 1;
        }
    }

    /// The most frequent kinds first, then all others as one, with their
    /// shares of `whole`.
    pub(super) fn bars(&self, whole: u64) -> Vec<Bar> {
        let mut kinds: Vec<&Kind> = self.kinds.values().collect();
        kinds.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        // One more bar takes no more room than the others' would.
        let most = if kinds.len() == MAX_BARS + 1 && self.beyond == 0 {
            MAX_BARS + 1
        } else {
            MAX_BARS
        };
        let longest = kinds.first().map_or(1, |kind| kind.count);
        let named = kinds.iter().take(most);
        let mut bars: Vec<Bar> = named
            .map(|kind| Bar {
                label: kind.label.clone(),
                count: Count(kind.count),
                share: share(kind.count, whole),
                length: Some(kind.count * 1000 / longest),
            })
            .collect();
        let others = kinds.iter().skip(most).map(|kind| kind.count);
        let others = others.sum::<u64>() + self.beyond;
        if others > 0 {
            bars.push(Bar {
                label: Label::Ours("all others"),
                count: Count(others),
                share: share(others, whole),
                length: None,
            });
        }
        bars
    }
}

/// `12.5 %`; what rounds to nothing is still something, and what is not all
/// never rounds to it.
pub(super) fn share(part: u64, whole: u64) -> String {
    let nearest = (part * 1000 + whole / 2) / whole.max(1);
    match if part < whole {
        nearest.min(999)
    } else {
        nearest
    } {
        0 if part > 0 => "< 0.1 %".to_owned(),
        thousandths => format!("{}.{} %", thousandths / 10, thousandths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bars: &[Bar]) -> Vec<(String, u64, Option<u64>)> {
        let name = |label: &Label| match label {
            Label::Ours(word) => format!("({word})"),
            Label::Theirs(text) => text.clone(),
        };
        let lines = bars.iter();
        lines
            .map(|bar| (name(&bar.label), bar.count.0, bar.length))
            .collect()
    }

    #[test]
    fn the_most_frequent_kinds_come_first_and_the_rest_is_one() {
        let mut breakdown = Breakdown::default();
        for kind in 0..13_u64 {
            for _ in 0..=kind {
                breakdown.add(&format!("kind {kind:02}"));
            }
        }
        let bars = breakdown.bars(91);
        let told = told(&bars);
        assert_eq!(told[0], ("kind 12".to_owned(), 13, Some(1000)));
        assert_eq!(told[10], ("(all others)".to_owned(), 6, None));
        assert_eq!(bars.len(), 11);
        assert_eq!(bars.iter().map(|bar| bar.count.0).sum::<u64>(), 91);
        assert_eq!(bars[0].share, "14.3 %");
    }

    #[test]
    fn a_name_is_never_taken_for_a_word_of_ours_nor_for_a_longer_name() {
        let mut breakdown = Breakdown::default();
        breakdown.add("self-signed");
        breakdown.add_ours("self-signed");
        breakdown.add(&format!("{}a", "x".repeat(500)));
        breakdown.add(&format!("{}b", "x".repeat(500)));
        assert_eq!(breakdown.bars(4).len(), 4);
    }

    #[test]
    fn kinds_beyond_the_bound_are_counted_together() {
        let mut breakdown = Breakdown::default();
        for kind in 0..MAX_KINDS + 5 {
            breakdown.add(&kind.to_string());
        }
        let total = MAX_KINDS as u64 + 5;
        let counts = breakdown.bars(total).into_iter().map(|bar| bar.count.0);
        assert_eq!(counts.sum::<u64>(), total);
    }

    #[test]
    fn a_share_is_told_to_a_tenth_of_a_per_cent() {
        assert_eq!(
            [(0, 0), (1, 8), (2, 3), (1, 10_000), (9_999, 10_000), (7, 7)]
                .map(|(part, whole)| share(part, whole)),
            ["0.0 %", "12.5 %", "66.7 %", "< 0.1 %", "99.9 %", "100.0 %"]
        );
    }
}
