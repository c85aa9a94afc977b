use std::io;

use super::csv::Csv;
use super::head::Head;
use super::jsonl::JsonLines;
use super::table::Table;

/// The forms a report can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 4180, UTF-8, lines ending in LF.
    Csv,
    /// For Excel: with a byte-order mark, CRLF, cells cut at 32,000
    /// characters.
    Excel,
    /// One JSON object a line.
    JsonLines,
}

/// A report, being written row by row, in constant memory.
#[derive(Debug)]
pub struct Report<Row: 'static, Out: io::Write> {
    table: &'static Table<Row>,
    head: Head,
    body: Body<Out>,
}

#[derive(Debug)]
enum Body<Out: io::Write> {
    Csv(Box<Csv<Out>>),
    JsonLines(Box<JsonLines<Out>>),
}

impl<Row, Out: io::Write> Report<Row, Out> {
    /// Begins a report of `table`'s rows: the header, where the format has
    /// one.
    pub fn begin(
        out: Out,
        format: Format,
        table: &'static Table<Row>,
        head: Head,
    ) -> io::Result<Self> {
        let mut body = match format {
            Format::Csv => Body::Csv(Box::new(Csv::plain(out))),
            Format::Excel => Body::Csv(Box::new(Csv::excel(out)?)),
            Format::JsonLines => Body::JsonLines(Box::new(JsonLines::new(out, table.kind, &head)?)),
        };
        match &mut body {
            Body::Csv(csv) => csv.header(table)?,
            Body::JsonLines(_) => {}
        }
        Ok(Self { table, head, body })
    }

    /// One of many that are written at the same time: it remembers up to so
    /// many bytes of what its rows share, and writes the rest anew.
    #[must_use]
    pub fn remembering(self, most: usize) -> Self {
        let body = match self.body {
            Body::Csv(csv) => Body::Csv(Box::new(csv.remembering(most))),
            Body::JsonLines(lines) => Body::JsonLines(Box::new(lines.remembering(most))),
        };
        Self { body, ..self }
    }

    /// Writes one row.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.body {
            Body::Csv(csv) => csv.row(self.table, row, self.head.now),
            Body::JsonLines(lines) => lines.row(self.table, row, self.head.now),
        }
    }

    /// Hands on what is still buffered: rows that must be seen as they come.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.body {
            Body::Csv(csv) => csv.flush(),
            Body::JsonLines(lines) => lines.flush(),
        }
    }

    /// Ends the report. One that is dropped instead may lack its end.
    pub fn end(mut self) -> io::Result<()> {
        self.flush()
    }
}
