//! Rows → CSV (RFC 4180, UTF-8).

use std::cell::RefCell;
use std::io;

use csv::{Terminator, WriterBuilder};

use super::cell::{self, Length};
use super::column::Column;
use super::stretches::Stretches;
use super::table::Table;
use crate::domain::Timestamp;

/// A CSV report, being written.
#[derive(Debug)]
pub(super) struct Csv<Out: io::Write> {
    out: io::BufWriter<Out>,
    cells: Cells,
    stretches: Stretches,
    /// Reused for every row.
    line: Vec<u8>,
}

/// Values → cells with a comma behind each, in quotes where they must be.
#[derive(Debug)]
struct Cells {
    writer: csv::Writer<Written>,
    length: Length,
    line_end: &'static [u8],
    /// Reused for every cell.
    cell: String,
}

/// What the library has written, until it is taken.
#[derive(Debug, Default)]
struct Written(RefCell<Vec<u8>>);

/// What Excel needs to take a file for UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<Out: io::Write> Csv<Out> {
    /// For programs: lines end in LF, cells are whole.
    pub(super) fn plain(out: Out) -> Self {
        Self::new(
            out,
            Cells::new(Length::Whole, Terminator::Any(b'\n'), b"\n"),
        )
    }

    /// For Excel: a byte-order mark, CRLF, long cells cut.
    pub(super) fn excel(mut out: Out) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let cells = Cells::new(Length::Cut, Terminator::CRLF, b"\r\n");
        Ok(Self::new(out, cells))
    }

    fn new(out: Out, cells: Cells) -> Self {
        Self {
            out: io::BufWriter::new(out),
            cells,
            stretches: Stretches::default(),
            line: Vec::new(),
        }
    }

    /// The same with another bound of what it remembers, in bytes.
    pub(super) fn remembering(self, most: usize) -> Self {
        Self {
            stretches: Stretches::up_to(most),
            ..self
        }
    }

    pub(super) fn header<Row>(&mut self, table: &Table<Row>) -> io::Result<()> {
        let names = table.columns.iter().map(|column| column.name);
        self.cells.push(names, &mut self.line)?;
        self.end_line()
    }

    pub(super) fn row<Row>(
        &mut self,
        table: &Table<Row>,
        row: &Row,
        now: Timestamp,
    ) -> io::Result<()> {
        let cells = &mut self.cells;
        let write = |columns: &[Column<Row>], line: &mut Vec<u8>| {
            cells.push_values(columns, row, now, line)
        };
        self.stretches.push(table, row, &mut self.line, write)?;
        self.end_line()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        io::Write::flush(&mut self.out)
    }

    /// Every cell has a comma behind it; the last one's is none.
    fn end_line(&mut self) -> io::Result<()> {
        self.line.pop();
        self.line.extend_from_slice(self.cells.line_end);
        let written = io::Write::write_all(&mut self.out, &self.line);
        self.line.clear();
        written
    }
}

impl Cells {
    fn new(length: Length, terminator: Terminator, line_end: &'static [u8]) -> Self {
        let mut builder = WriterBuilder::new();
        builder.flexible(true).terminator(terminator);
        Self {
            writer: builder.from_writer(Written::default()),
            length,
            line_end,
            cell: String::new(),
        }
    }

    fn push_values<Row>(
        &mut self,
        columns: &[Column<Row>],
        row: &Row,
        now: Timestamp,
        line: &mut Vec<u8>,
    ) -> io::Result<()> {
        for column in columns {
            cell::write(&(column.value)(row, now), self.length, &mut self.cell);
            self.writer.write_field(&self.cell)?;
        }
        self.take(line)
    }

    fn push(
        &mut self,
        cells: impl Iterator<Item = &'static str>,
        line: &mut Vec<u8>,
    ) -> io::Result<()> {
        for cell in cells {
            self.writer.write_field(cell)?;
        }
        self.take(line)
    }

    /// Ends the record with an empty cell, so that the one before it has a
    /// comma behind it, and is not quoted for being empty and alone.
    fn take(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        self.writer.write_record([""])?;
        self.writer.flush()?;
        let mut written = self.writer.get_ref().0.borrow_mut();
        let cells = written.strip_suffix(self.line_end);
        line.extend_from_slice(cells.unwrap_or_default());
        written.clear();
        Ok(())
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
