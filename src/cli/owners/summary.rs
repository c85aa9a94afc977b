use std::collections::BTreeSet;
use std::fmt::Write;

use crate::domain::{Timestamp, counted, printable};
use crate::report::{Distinct, Head, Installation, page};

/// What a message says of the table in it.
#[derive(Default)]
pub(super) struct Summary {
    distinct: Distinct,
    installations: u64,
    expired: u64,
    /// The first to end: the end, where, whose.
    first: BTreeSet<(Timestamp, String, String)>,
}

/// Lines of a summary.
const MAX_LINES: usize = 50;

/// Longest name in one, in characters.
const MAX_NAME: usize = 100;

impl Summary {
    pub(super) fn add(&mut self, row: &Installation, now: Timestamp) {
        if !self.distinct.takes(row) {
            return;
        }
        self.installations += 1;
        let Some(end) = end(row) else {
            return;
        };
        self.expired += u64::from(now.is_past(end));
        if self.first.len() == MAX_LINES && self.first.last().is_some_and(|last| last.0 <= end) {
            return;
        }
        let name = row.certificate.name().unwrap_or_default();
        let name: String = name.chars().take(MAX_NAME).collect();
        self.first.insert((end, page::place(row), printable(&name)));
        if self.first.len() > MAX_LINES {
            self.first.pop_last();
        }
    }

    pub(super) fn subject(&self) -> String {
        let Self {
            installations,
            expired,
            ..
        } = self;
        let installations = counted(*installations, "installation");
        format!("certsweep: {installations} of certificates, {expired} expired")
    }

    pub(super) fn text(&self, owner: Option<&str>, head: &Head) -> String {
        let mut text = self.subject();
        // Writing to a String can't fail.
        let _ = match owner {
            Some(owner) => writeln!(text, "\nowner: {}\n", printable(owner)),
            None => writeln!(
                text,
                "\nowner: nobody; [[owner]] in the configuration gives one\n"
            ),
        };
        text.push_str("The first to end, with their chains and the roots of these:\n");
        for (end, place, name) in &self.first {
            let _ = writeln!(text, "  {end}  {place}  {name}");
        }
        text.push_str("\nAll of them are in the table attached.\n\n");
        for line in head.lines() {
            text += &line;
            text.push('\n');
        }
        text
    }
}

/// When the first of all that it rests on ends, as a check tells it.
fn end(row: &Installation) -> Option<Timestamp> {
    row.earliest_end().or(row.certificate.not_after)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::owned;
    use super::*;

    #[test]
    fn a_root_that_nobody_sends_ends_first_in_a_letter_as_in_a_check() {
        let second = Timestamp::from_seconds;
        let resting_on = |name: &str, chain, unsent: Option<i64>| {
            let mut row = owned(Some("Web"), name);
            row.chain_not_after = Some(second(chain));
            let judgement = Arc::make_mut(row.judgement.as_mut().unwrap());
            judgement.unsent_not_after = unsent.map(second);
            row
        };
        let mut summary = Summary::default();
        for row in [
            resting_on("all-sent.test", 2_000, None),
            resting_on("root-first.test", 5_000, Some(1_000)),
            resting_on("root-last.test", 4_000, Some(9_000)),
        ] {
            summary.add(&row, second(1_500));
        }
        assert!(summary.subject().ends_with(", 1 expired"), "the root is");
        let text = summary.text(Some("Web"), &Head::at(second(1_500)));
        let ends: Vec<_> = text.lines().filter(|line| line.contains(".test")).collect();
        let expected = [
            (1_000, "root-first.test"),
            (2_000, "all-sent.test"),
            (4_000, "root-last.test"),
        ];
        assert_eq!(ends.len(), expected.len(), "{text}");
        for (line, (end, name)) in ends.iter().zip(expected) {
            assert!(line.starts_with(&format!("  {}  ", second(end))), "{text}");
            assert!(line.contains(name), "{text}");
        }
    }
}
