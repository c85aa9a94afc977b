//! Rows → CSV (RFC 4180, UTF-8).

use std::io;

use super::cell::{self, Length};
use super::column::{Column, Shared};
use super::table::Table;
use crate::domain::{Remembered, Timestamp};

/// A CSV report, being written.
#[derive(Debug)]
pub(super) struct Csv<Out: io::Write> {
    out: io::BufWriter<Out>,
    length: Length,
    line_end: &'static [u8],
    /// Cells that several rows share, as they are written.
    written: Remembered<Stretch, Written>,
    /// Reused for every row.
    line: Vec<u8>,
    /// Reused for every cell.
    cell: String,
}

/// What cells next to each other are of, and the first of their columns: two
/// addresses.
type Stretch = (usize, usize);

/// Cells that are written already, and what they are of: as long as that is
/// kept, its address is nothing else's.
type Written = (Box<[u8]>, Shared);

/// Stretches that are remembered, in bytes, what they are of counted with each.
const MOST_OF_STRETCHES: usize = 64 << 20;

/// What Excel needs to take a file for UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<Out: io::Write> Csv<Out> {
    /// For programs: lines end in LF, cells are whole.
    pub(super) fn plain(out: Out) -> Self {
        Self::new(out, Length::Whole, b"\n")
    }

    /// For Excel: a byte-order mark, CRLF, long cells cut.
    pub(super) fn excel(mut out: Out) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        Ok(Self::new(out, Length::Cut, b"\r\n"))
    }

    fn new(out: Out, length: Length, line_end: &'static [u8]) -> Self {
        Self {
            out: io::BufWriter::new(out),
            length,
            line_end,
            written: Remembered::up_to(MOST_OF_STRETCHES),
            line: Vec::new(),
            cell: String::new(),
        }
    }

    /// The same with another bound of what it remembers, in bytes.
    pub(super) fn remembering(self, most: usize) -> Self {
        Self {
            written: Remembered::up_to(most),
            ..self
        }
    }

    pub(super) fn header<Row>(&mut self, table: &Table<Row>) -> io::Result<()> {
        for column in table.columns {
            push_cell(column.name, &mut self.line);
        }
        self.end_line()
    }

    pub(super) fn row<Row>(
        &mut self,
        table: &Table<Row>,
        row: &Row,
        now: Timestamp,
    ) -> io::Result<()> {
        for columns in table.columns.chunk_by(|one, other| one.of == other.of) {
            let of = columns
                .first()
                .and_then(|first| (table.shared)(row, first.of));
            match of {
                Some(of) => self.push_shared(&of, columns, row, now),
                None => self.push(columns, row, now),
            }
        }
        self.end_line()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(&mut self.out)
    }

    /// Writes cells that other rows have as well, as they were written there.
    fn push_shared<Row>(
        &mut self,
        of: &Shared,
        columns: &[Column<Row>],
        row: &Row,
        now: Timestamp,
    ) {
        let stretch = (of.address(), columns.as_ptr().addr());
        if let Some((cells, _)) = self.written.get(&stretch) {
            self.line.extend_from_slice(cells);
            return;
        }
        let before = self.line.len();
        self.push(columns, row, now);
        let cells: Box<[u8]> = self.line.get(before..).unwrap_or_default().into();
        let weight = cells.len() + of.weight();
        self.written.make_room();
        self.written.insert(stretch, (cells, of.clone()), weight);
    }

    fn push<Row>(&mut self, columns: &[Column<Row>], row: &Row, now: Timestamp) {
        for column in columns {
            cell::write(&(column.value)(row, now), self.length, &mut self.cell);
            push_cell(&self.cell, &mut self.line);
        }
    }

    /// Every cell has a comma behind it; the last one's is none.
    fn end_line(&mut self) -> io::Result<()> {
        self.line.pop();
        self.line.extend_from_slice(self.line_end);
        let written = io::Write::write_all(&mut self.out, &self.line);
        self.line.clear();
        written
    }
}

/// A cell and a comma; in quotes where it must be (RFC 4180 section 2).
fn push_cell(cell: &str, line: &mut Vec<u8>) {
    if cell.contains(['"', ',', '\r', '\n']) {
        line.push(b'"');
        line.extend(cell.replace('"', "\"\"").as_bytes());
        line.push(b'"');
    } else {
        line.extend(cell.as_bytes());
    }
    line.push(b',');
}
