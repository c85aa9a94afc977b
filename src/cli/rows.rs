//! What a report has a row for → the report, streamed.

use std::io::{self, Write};
use std::ops::ControlFlow;

use clap::ValueEnum;

use super::failure::Failure;
use super::trust::TrustFlags;
use super::{Context, endpoints};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::Timestamp;
use crate::report::{COVERAGE, Distinct, ENDPOINTS, Format, Head, INSTALLATIONS, Report, Table};
use crate::store::{Detail, Inventory, SqliteInventory, StoreError};

/// What a report has a row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Subject {
    /// A row for each certificate at each question
    #[default]
    Installations,
    /// A row for each endpoint that spoke
    Endpoints,
    /// A row for each network and port: what became of its addresses
    Coverage,
}

/// Which of the wanted installations have a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Listed {
    /// Each.
    #[default]
    All,
    /// One of those that count as one.
    Distinct,
}

/// The rows that a report is made of.
pub(super) struct Rows<'a, 'i> {
    pub(super) appraisal: &'a mut Appraisal<'i>,
    pub(super) inventory: &'a SqliteInventory,
    pub(super) wanted: &'a Wanted,
    pub(super) subject: Subject,
    pub(super) listed: Listed,
    pub(super) detail: Detail,
}

impl Rows<'_, '_> {
    /// Streams them from the inventory to `out`.
    pub(super) async fn write(
        &mut self,
        out: impl Write + Send,
        form: Format,
    ) -> Result<(), Failure> {
        let Self { wanted, detail, .. } = *self;
        match self.subject {
            Subject::Installations => {
                let mut page = Page::begin(out, form, &INSTALLATIONS, self.appraisal.head())?;
                let (listed, mut distinct) = (self.listed, Distinct::default());
                let visit = |row| match listed {
                    Listed::Distinct if !distinct.takes(&row) => ControlFlow::Continue(()),
                    Listed::Distinct | Listed::All => page.row(&row),
                };
                let read = self.appraisal.installations(wanted, detail, visit).await;
                page.end(read)
            }
            Subject::Endpoints => {
                let mut page = Page::begin(out, form, &ENDPOINTS, self.appraisal.head())?;
                let mut visit = |row| page.row(&row);
                let appraisal = &mut *self.appraisal;
                let read = endpoints::read(self.inventory, appraisal, wanted, &mut visit).await;
                page.end(read)
            }
            Subject::Coverage => {
                let head = Head::at(self.appraisal.now());
                let mut page = Page::begin(out, form, &COVERAGE, head)?;
                let mut visit = |row| page.row(&row);
                let filter = &wanted.inventory;
                let read = self.inventory.coverage(filter, &mut visit).await;
                page.end(read)
            }
        }
    }
}

/// Writes everything in the inventory as CSV.
pub(super) async fn write_csv(
    inventory: &SqliteInventory,
    out: impl Write + Send,
    context: &Context,
    now: Timestamp,
) -> Result<(), Failure> {
    let stores = TrustFlags::default().stores(context)?;
    let mut appraisal = Appraisal::begin(inventory, stores, &context.config.policy, now).await?;
    let mut rows = Rows {
        appraisal: &mut appraisal,
        inventory,
        wanted: &Wanted::default(),
        subject: Subject::Installations,
        listed: Listed::All,
        detail: Detail::Facts,
    };
    rows.write(out, Format::Csv).await
}

/// A report under way, and the first thing that went wrong with it.
struct Page<Row: 'static, Out: Write> {
    report: Report<Row, Out>,
    written: io::Result<()>,
}

impl<Row, Out: Write> Page<Row, Out> {
    fn begin(
        out: Out,
        form: Format,
        table: &'static Table<Row>,
        head: Head,
    ) -> Result<Self, Failure> {
        let report = Report::begin(out, form, table, head);
        Ok(Self {
            report: report.map_err(|error| Failure::output(&error))?,
            written: Ok(()),
        })
    }

    fn row(&mut self, row: &Row) -> ControlFlow<()> {
        self.written = self.report.row(row);
        match self.written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn end(self, read: Result<(), StoreError>) -> Result<(), Failure> {
        read?;
        let ended = self.written.and_then(|()| self.report.end());
        ended.map_err(|error| Failure::output(&error))
    }
}
