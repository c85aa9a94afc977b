//! What a list is asked for: the flags that `certs` and `endpoints` share, and
//! the list that they print.

use super::failure::Failure;
use super::filter::Filters;
use super::trust::TrustFlags;
use super::{Context, inventory};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Timestamp, clock};
use crate::judge::TrustStore;
use crate::report::{Format, Head, Report, Table};
use crate::store::SqliteInventory;

/// Which rows, judged by which stores, in which form.
#[derive(clap::Args)]
pub(super) struct Query {
    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    trust: TrustFlags,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// A query of an inventory.
pub(super) struct Opened {
    pub(super) inventory: SqliteInventory,
    pub(super) wanted: Wanted,
    /// The moment to judge by.
    pub(super) now: Timestamp,
    stores: Vec<TrustStore>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    JsonLines,
}

impl Query {
    /// Reads the flags, and opens the inventory.
    pub(super) async fn open(self, context: &Context) -> Result<Opened, Failure> {
        self.open_at(clock::now(), context).await
    }

    /// The same, its filters and judgements those of a moment.
    pub(super) async fn open_at(
        self,
        now: Timestamp,
        context: &Context,
    ) -> Result<Opened, Failure> {
        let wanted = self.filters.into_wanted(now, &context.config.policy)?;
        let stores = self.trust.stores(context)?;
        Ok(Opened {
            inventory: inventory::open_for(&context.db(), &wanted).await?,
            wanted,
            now,
            stores,
            form: if self.json {
                Form::JsonLines
            } else {
                Form::Text
            },
        })
    }
}

impl Opened {
    /// What judges its rows.
    pub(super) async fn appraisal(&self, context: &Context) -> Result<Appraisal<'_>, Failure> {
        let (stores, policy) = (self.stores.clone(), &context.config.policy);
        let inventory = &self.inventory;
        Ok(match self.wanted.inventory.known_at {
            Some(at) => Appraisal::begin_at(inventory, stores, policy, at).await?,
            None => Appraisal::begin(inventory, stores, policy, self.now).await?,
        })
    }

    /// Closes the inventory, and prints the rows: by the columns of a table,
    /// or as the text that `list` makes of them for a terminal's width.
    pub(super) async fn print<Row>(
        self,
        rows: &[Row],
        head: Head,
        table: &'static Table<Row>,
        list: impl Fn(&[Row], Option<u16>) -> String,
        context: &Context,
    ) -> Result<(), Failure> {
        self.inventory.close().await;
        let printer = &context.printer;
        printer.data(|out| match self.form {
            Form::JsonLines => {
                let mut report = Report::begin(out, Format::JsonLines, table, head)?;
                rows.iter().try_for_each(|row| report.row(row))?;
                report.end()
            }
            Form::Text => out.write_all(list(rows, printer.width()).as_bytes()),
        })
    }
}
