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
        text.push_str("The first to end, with their chains:\n");
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

/// When the first of its chain ends.
fn end(row: &Installation) -> Option<Timestamp> {
    row.chain_not_after.or(row.certificate.not_after)
}
