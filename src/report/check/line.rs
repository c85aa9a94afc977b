use std::cmp::Reverse;

use super::{Installation, Terms};
use crate::domain::{Fingerprint, Severity, Timestamp, printable};
use crate::judge::{Finding, Judgement};
use crate::report::page;

/// An installation with something wrong, made safe for any medium of one
/// line: no control character, no text over 160 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it makes the check fail.
    pub fails: bool,
    /// The severity of its worst finding.
    pub severity: Severity,
    /// The rule that found it.
    pub rule: &'static str,
    /// What it found.
    pub detail: String,
    /// How many other findings it has.
    pub others: usize,
    /// Where; `import` for an import.
    pub place: String,
    /// Whose certificate it is.
    pub subject: String,
    /// The certificate.
    pub sha256: Fingerprint,
    /// The earliest end of all that was sent.
    pub chain_ends: Option<Timestamp>,
    /// The earliest end in its chain, with what its trust rests on and the
    /// server does not send.
    pub ends: Option<Timestamp>,
}

/// Most lines that a check lists.
pub const WORST_LINES: usize = 20;

/// Longest text in a line, in characters.
const MAX_TEXT: usize = 160;

/// The worst lines so far, worst first.
#[derive(Clone, Debug, Default)]
pub(super) struct Worst {
    lines: Vec<Line>,
    /// How many more there would be.
    left_out: u64,
}

impl Worst {
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Keeps the row if it is among the worst. Of those that are as bad as
    /// each other, the first stays.
    pub(super) fn add(&mut self, row: &Installation, judgement: &Judgement, terms: &Terms) {
        let weight = |finding: &&Finding| (terms.fails(finding), finding.severity);
        // The first of the worst: `max_by_key` would take the last.
        let Some(worst) = judgement.findings.iter().rev().max_by_key(weight) else {
            return;
        };
        if worst.severity < Severity::Warning && !terms.fails(worst) {
            return;
        }
        let ends = row.earliest_end().or(row.certificate.not_after);
        let rank = Rank::new(terms.fails(worst), worst.severity, ends);
        let at = self.lines.partition_point(|line| line.rank() <= rank);
        self.left_out += u64::from(self.lines.len() == WORST_LINES);
        if at < WORST_LINES {
            let line = Line {
                fails: terms.fails(worst),
                severity: worst.severity,
                rule: worst.rule,
                detail: cut(&worst.detail),
                others: judgement.findings.len() - 1,
                place: cut(&page::place(row)),
                subject: subject(row),
                sha256: row.certificate.sha256,
                chain_ends: row.chain_not_after,
                ends,
            };
            self.lines.insert(at, line);
            self.lines.truncate(WORST_LINES);
        }
    }
}

/// What sorts lines: those that fail first, then by severity, then by the
/// end, an unknown one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    fails: Reverse<bool>,
    severity: Reverse<Severity>,
    has_no_end: bool,
    ends: Option<Timestamp>,
}

impl Rank {
    fn new(fails: bool, severity: Severity, ends: Option<Timestamp>) -> Self {
        Self {
            fails: Reverse(fails),
            severity: Reverse(severity),
            has_no_end: ends.is_none(),
            ends,
        }
    }
}

impl Line {
    fn rank(&self) -> Rank {
        Rank::new(self.fails, self.severity, self.ends)
    }
}

/// A text of the network's on one line, cut.
pub(super) fn cut(text: &str) -> String {
    let start: String = text.chars().take(MAX_TEXT).collect();
    let mut shown = printable(&start);
    if start.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn subject(row: &Installation) -> String {
    let name = row.certificate.name();
    name.map_or_else(|| "(no name)".to_owned(), cut)
}
