use std::collections::HashMap;

use super::text::{Count, shown};
use crate::domain::Fingerprint;

/// How many things there are of each kind, the kinds being texts that may
/// come from the network: their number and their length are bounded.
#[derive(Debug, Default)]
pub(super) struct Breakdown {
    kinds: HashMap<Key, Kind>,
    /// Things of kinds for which there was no room.
    beyond: u64,
    total: u64,
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
    /// Of the longest bar, in thousandths.
    pub(super) length: u64,
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
        self.total += 1;
        if let Some(kind) = self.kinds.get_mut(&key) {
            kind.count += 1;
        } else if self.kinds.len() < MAX_KINDS {
            let label = label();
            self.kinds.insert(key, Kind { label, count: 1 });
        } else {
            self.beyond += 1;
        }
    }

    /// The most frequent kinds first, then all others as one.
    pub(super) fn bars(&self) -> Vec<Bar> {
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
            .map(|kind| self.bar(kind.label.clone(), kind.count, longest))
            .collect();
        let others = kinds.iter().skip(most).map(|kind| kind.count);
        let others = others.sum::<u64>() + self.beyond;
        if others > 0 {
            bars.push(self.bar(Label::Ours("all others"), others, longest.max(others)));
        }
        bars
    }

    fn bar(&self, label: Label, count: u64, longest: u64) -> Bar {
        Bar {
            label,
            count: Count(count),
            share: share(count, self.total),
            length: count * 1000 / longest.max(1),
        }
    }
}

/// `12.5 %`; what rounds to nothing is still something.
pub(super) fn share(part: u64, whole: u64) -> String {
    match part * 1000 / whole.max(1) {
        0 if part > 0 => "< 0.1 %".to_owned(),
        thousandths => format!("{}.{} %", thousandths / 10, thousandths % 10),
    }
}
