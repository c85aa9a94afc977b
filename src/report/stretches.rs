use std::io;

use super::column::{Column, Shared};
use super::table::Table;
use crate::domain::Remembered;

/// What several rows share, as a format has written it: columns next to each
/// other that are of the same thing, see [`Shared`].
#[derive(Debug)]
pub(super) struct Stretches(Remembered<Stretch, Written>);

/// What cells next to each other are of, and the first of their columns: two
/// addresses.
type Stretch = (usize, usize);

/// Cells that are written already, and what they are of: as long as that is
/// kept, its address is nothing else's.
type Written = (Box<[u8]>, Shared);

/// Stretches that are remembered, in bytes, what they are of counted with each.
const MOST: usize = 64 << 20;

impl Stretches {
    /// Remembers nothing yet, and later up to about `most` bytes.
    pub(super) fn up_to(most: usize) -> Self {
        Self(Remembered::up_to(most))
    }

    /// Puts a row's cells behind `line`: what other rows have as well, as it
    /// was written there, and the rest as `write` does it.
    pub(super) fn push<Row>(
        &mut self,
        table: &Table<Row>,
        row: &Row,
        line: &mut Vec<u8>,
        mut write: impl FnMut(&[Column<Row>], &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        for columns in table.columns.chunk_by(|one, other| one.of == other.of) {
            let first = columns.first();
            let Some(of) = first.and_then(|first| (table.shared)(row, first.of)) else {
                write(columns, line)?;
                continue;
            };
            let stretch = (of.address(), columns.as_ptr().addr());
            if let Some((cells, _)) = self.0.get(&stretch) {
                line.extend_from_slice(cells);
                continue;
            }
            let before = line.len();
            write(columns, line)?;
            self.remember(stretch, line.get(before..).unwrap_or_default(), of);
        }
        Ok(())
    }

    fn remember(&mut self, stretch: Stretch, cells: &[u8], of: Shared) {
        let weight = cells.len() + of.weight();
        self.0.make_room();
        self.0.insert(stretch, (cells.into(), of), weight);
    }
}

impl Default for Stretches {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}
