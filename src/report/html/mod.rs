//! Installations, coverage and changes → one HTML file that needs nothing
//! else.
//!
//! Figures are made while rows pass; of the rows themselves the worst are
//! kept, as many as a browser can hold, so that memory has a bound. The file
//! is written at the end, since its head counts what follows.
//!
//! Every text from the network passes through `text::shown` (bounded, control
//! characters visible) and then through the escaping of where it stands:
//! askama's in markup, `data::json`'s in the table's data, `textContent` in
//! the browser. No link is made of any of them. The page's policy
//! (Content-Security-Policy) allows its own script and style by their hashes
//! and nothing else.

mod about;
mod breakdown;
mod changes;
mod data;
mod document;
mod figures;
mod ledger;
mod scope;
mod table;
mod text;
mod timeline;
mod worst;

use std::io;

use askama::Template;

pub use about::About;
pub use scope::Scope;

use super::Distinct;
use super::event::EventRow;
use super::row::{Coverage, Installation, ScanRow};
use crate::judge::Judgement;
use changes::Changes;
use document::Document;
use figures::Figures;
use ledger::Ledger;
use worst::{WorstRows, rank};

/// A page, being counted together row by row.
#[derive(Debug)]
pub struct Html<Out: io::Write> {
    out: Out,
    about: About,
    distinct: Distinct,
    figures: Figures,
    rows: WorstRows,
    ledger: Ledger,
    changes: Option<Changes>,
}

impl<Out: io::Write> Html<Out> {
    /// Begins a page; nothing is written before its end.
    pub fn begin(out: Out, about: About) -> Self {
        Self {
            out,
            figures: Figures::at(about.head.now),
            about,
            distinct: Distinct::default(),
            rows: WorstRows::default(),
            ledger: Ledger::default(),
            changes: None,
        }
    }

    /// Takes in the next installation, in the order of the main report.
    pub fn row(&mut self, row: &Installation) -> io::Result<()> {
        if !self.distinct.takes(row) {
            self.figures.absorbed += 1;
            return Ok(());
        }
        let place = self.figures.installations;
        self.figures.add(row);
        let severity = row.judgement.as_deref().and_then(Judgement::severity);
        let now = self.about.head.now;
        self.rows
            .add(rank(severity), || table::row(row, place, now))
    }

    /// Takes in what the ledger knows of one network and port.
    pub fn coverage(&mut self, row: &Coverage) {
        self.ledger.add(row);
    }

    /// Says between which scans the changes are that follow; without it the
    /// page says that there is nothing to compare with.
    pub fn compare(&mut self, before: &ScanRow, last: &ScanRow) {
        self.changes = Some(Changes::between(before, last));
    }

    /// Takes in one of these changes.
    pub fn change(&mut self, row: &EventRow) {
        if let Some(changes) = &mut self.changes {
            changes.add(row);
        }
    }

    /// Writes the page.
    pub fn end(self) -> io::Result<()> {
        let mut out = io::BufWriter::new(self.out);
        let document = Document::of(
            &self.about,
            &self.figures,
            &self.rows,
            &self.ledger,
            self.changes.as_ref(),
        );
        document.write_into(&mut out)?;
        io::Write::flush(&mut out)
    }
}

#[cfg(test)]
mod tests;
