use std::ops::ControlFlow;

use super::exit::Exit;
use super::failure::Failure;
use super::filter::Filters;
use super::{Context, inventory};
use crate::domain::{Timestamp, clock};
use crate::report::{CERTIFICATES, CertificateUse, Format, Head, Report, list};
use crate::store::{Detail, Filter, Inventory, SqliteInventory};

/// List the certificates, soonest to expire first
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep certs --expiring 30d
  certsweep certs --issuer 'Example CA' --network 10.0.0.0/16")]
pub(super) struct Arguments {
    #[command(flatten)]
    filters: Filters,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let now = clock::now();
        let filter = self.filters.into_filter(now)?;
        let inventory = inventory::open(&context.db()).await?;
        let certificates = read(&inventory, &filter).await?;
        inventory.close().await;
        context.printer.data(|out| {
            if self.json {
                let mut report =
                    Report::begin(out, Format::JsonLines, &CERTIFICATES, Head::at(now))?;
                certificates.iter().try_for_each(|row| report.row(row))?;
                report.end()
            } else {
                let text = list::certificates(&certificates, now, context.printer.width());
                out.write_all(text.as_bytes())
            }
        })?;
        Ok(Exit::Done)
    }
}

/// The list of everything in an inventory.
pub(super) async fn list(
    inventory: &SqliteInventory,
    now: Timestamp,
    width: Option<u16>,
) -> Result<String, Failure> {
    let certificates = read(inventory, &Filter::default()).await?;
    Ok(list::certificates(&certificates, now, width))
}

async fn read(
    inventory: &SqliteInventory,
    filter: &Filter,
) -> Result<Vec<CertificateUse>, Failure> {
    let mut certificates = Vec::new();
    let mut keep = |certificate| {
        certificates.push(certificate);
        ControlFlow::Continue(())
    };
    inventory
        .certificates(filter, Detail::Facts, &mut keep)
        .await?;
    Ok(certificates)
}
