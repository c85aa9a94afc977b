//! Rows → CSV (RFC 4180, UTF-8).

use std::io;

use super::cell::{self, Length};
use super::table::Table;
use crate::domain::Timestamp;

/// A CSV report, being written.
#[derive(Debug)]
pub(super) struct Csv<Out: io::Write> {
    out: ::csv::Writer<Out>,
    length: Length,
    /// Reused for every cell.
    cell: String,
}

/// What Excel needs to take a file for UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<Out: io::Write> Csv<Out> {
    /// For programs: lines end in LF, cells are whole.
    pub(super) fn plain(out: Out) -> Self {
        Self {
            out: ::csv::Writer::from_writer(out),
            length: Length::Whole,
            cell: String::new(),
        }
    }

    /// For Excel: a byte-order mark, CRLF, long cells cut.
    pub(super) fn excel(mut out: Out) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut settings = ::csv::WriterBuilder::new();
        settings.terminator(::csv::Terminator::CRLF);
        Ok(Self {
            out: settings.from_writer(out),
            length: Length::Cut,
            cell: String::new(),
        })
    }

    pub(super) fn header<Row>(&mut self, table: &Table<Row>) -> io::Result<()> {
        let names = table.columns.iter().map(|column| column.name);
        self.out.write_record(names).map_err(cause)
    }

    pub(super) fn row<Row>(
        &mut self,
        table: &Table<Row>,
        row: &Row,
        now: Timestamp,
    ) -> io::Result<()> {
        for column in table.columns {
            cell::write(&(column.value)(row, now), self.length, &mut self.cell);
            self.out.write_field(&self.cell).map_err(cause)?;
        }
        self.out.write_record(None::<&[u8]>).map_err(cause)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The system's own error, so that a closed pipe is still told as one.
fn cause(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
