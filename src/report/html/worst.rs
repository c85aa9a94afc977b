use std::fmt;

use crate::domain::Severity;

/// The rows of the table: the worst of all that pass, in their order, as many
/// as a browser can hold.
#[derive(Debug, Default)]
pub(super) struct WorstRows {
    /// By the rank of their severity, each as JSON.
    ranks: [Vec<Box<str>>; RANKS],
    rows: usize,
    bytes: usize,
    left_out: u64,
}

/// No finding, and the five severities.
pub(super) const RANKS: usize = Severity::ALL.len() + 1;

/// Most rows of the table.
pub(super) const MAX_ROWS: usize = 50_000;

/// Most bytes of them: plain rows have some 300 each, hostile ones up to
/// 10,000.
const MAX_BYTES: usize = 48 * 1024 * 1024;

/// The rank of a row by its worst finding: 0 without one, 5 for critical.
pub(super) fn rank(severity: Option<Severity>) -> usize {
    severity.map_or(0, |severity| severity as usize + 1)
}

impl WorstRows {
    /// Takes a row in, unless there is no room for its rank.
    pub(super) fn add<E>(
        &mut self,
        rank: usize,
        row: impl FnOnce() -> Result<String, E>,
    ) -> Result<(), E> {
        if self.is_full() && self.lowest() >= Some(rank) {
            self.left_out += 1;
            return Ok(());
        }
        let row = row()?.into_boxed_str();
        if let Some(rows) = self.ranks.get_mut(rank) {
            self.rows += 1;
            self.bytes += row.len();
            rows.push(row);
        }
        while self.rows > MAX_ROWS || self.bytes > MAX_BYTES {
            self.drop_one();
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    fn lowest(&self) -> Option<usize> {
        self.ranks.iter().position(|rows| !rows.is_empty())
    }

    /// Drops the last row of the lowest rank.
    fn drop_one(&mut self) {
        let dropped = self.ranks.iter_mut().find_map(Vec::pop);
        if let Some(row) = dropped {
            self.rows -= 1;
            self.bytes -= row.len();
            self.left_out += 1;
        }
    }

    /// How many are in.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// How many had no room.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl fmt::Display for WorstRows {
    /// A JSON array, worst first, one row a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (position, row) in self.ranks.iter().rev().flatten().enumerate() {
            f.write_str(if position == 0 { "\n" } else { ",\n" })?;
            f.write_str(row)?;
        }
        f.write_str("\n]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(rows: &mut WorstRows, rank: usize, text: &str) {
        rows.add(rank, || Ok::<_, ()>(text.to_owned())).unwrap();
    }

    #[test]
    fn the_worst_come_first_and_keep_their_order() {
        let mut rows = WorstRows::default();
        for (rank, text) in [(0, "1"), (5, "2"), (0, "3"), (5, "4"), (2, "5")] {
            add(&mut rows, rank, text);
        }
        assert_eq!(rows.to_string(), "[\n2,\n4,\n5,\n1,\n3\n]");
        assert_eq!(WorstRows::default().to_string(), "[\n]");
    }

    #[test]
    fn a_late_and_bad_row_drives_out_the_last_of_the_least() {
        let mut rows = WorstRows::default();
        for _ in 0..MAX_ROWS {
            add(&mut rows, 1, "1");
        }
        add(&mut rows, 1, "0");
        add(&mut rows, 4, "9");
        assert_eq!((rows.len(), rows.left_out()), (MAX_ROWS, 2));
        let text = rows.to_string();
        assert!(text.starts_with("[\n9,\n1,") && !text.contains('0'));
    }

    #[test]
    fn long_rows_are_bounded_in_bytes() {
        let mut rows = WorstRows::default();
        for _ in 0..100 {
            add(&mut rows, 3, &"x".repeat(1024 * 1024));
        }
        assert_eq!((rows.len(), rows.left_out()), (48, 52));
    }
}
