use std::ops::ControlFlow;

use super::exit::Exit;
use super::failure::Failure;
use super::filter::Filters;
use super::{Context, inventory};
use crate::domain::clock;
use crate::report::{ENDPOINTS, Format, Head, Report, list};
use crate::store::Inventory;

/// List the endpoints that spoke, with their latest outcome
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  certsweep endpoints --network 10.0.0.0/16 --port 443")]
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
        let mut endpoints = Vec::new();
        let mut keep = |endpoint| {
            endpoints.push(endpoint);
            ControlFlow::Continue(())
        };
        inventory.endpoints(&filter, &mut keep).await?;
        inventory.close().await;
        context.printer.data(|out| {
            if self.json {
                let mut report = Report::begin(out, Format::JsonLines, &ENDPOINTS, Head::at(now))?;
                endpoints.iter().try_for_each(|row| report.row(row))?;
                report.end()
            } else {
                let text = list::endpoints(&endpoints, context.printer.width());
                out.write_all(text.as_bytes())
            }
        })?;
        Ok(Exit::Done)
    }
}
