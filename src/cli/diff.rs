use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use super::compared::{Compared, Passing};
use super::exit::Exit;
use super::failure::Failure;
use super::filter::{Filters, scan_id};
use super::trust::TrustFlags;
use super::{Context, inventory};
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{ScanId, Timestamp, clock};
use crate::report::changes::Changes;
use crate::report::{EVENTS, EventRow, Format, Head, Report};
use crate::store::SqliteInventory;

/// Tell what changed on the network between two scans
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep diff                 the last scan against the one before
  certsweep diff 7               all that changed after scan 7
  certsweep diff 3 7 --json      all that changed after scan 3 up to scan 7
  certsweep diff --fail          exit 4 if anything changed
  certsweep diff --owner 'The shop' --finding expired    as it is judged now")]
pub(super) struct Arguments {
    /// The scan before, and the last one [default: the last two]
    #[arg(value_name = "SCAN", num_args = 0..=2, value_parser = scan_id)]
    scans: Vec<ScanId>,

    /// One JSON object a line, each with a lasting `event_id`
    #[arg(long)]
    json: bool,

    /// Exit 4 if anything changed
    #[arg(long)]
    fail: bool,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    trust: TrustFlags,
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let now = clock::now();
        let wanted = self.filters.into_wanted(now, &context.config.policy)?;
        let inventory = inventory::open_for(&context.db(), &wanted).await?;
        let compared = Compared::choose(&inventory::scans(&inventory).await?, &self.scans)?;
        if let Some(before) = &compared.before {
            let day = before.started_at;
            inventory::tell_pruned(&inventory, day, &context.printer).await?;
        }
        let passing = passing(&inventory, &wanted, self.trust, &context, now).await?;
        let out = BufWriter::new(context.printer.stream());
        let listing = if self.json {
            Report::begin(out, Format::JsonLines, &EVENTS, Head::at(now)).map(Listing::Json)
        } else {
            Changes::begin(out, &compared.title()).map(Listing::Text)
        };
        let mut listing = listing.map_err(|error| Failure::output(&error))?;
        let mut count: u64 = 0;
        let mut written = Ok(());
        let mut visit = |event: EventRow| {
            count += 1;
            written = listing.event(&event);
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let filter = &wanted.inventory;
        compared
            .events(&inventory, filter, passing.as_ref(), &mut visit)
            .await?;
        inventory.close().await;
        let written = written.and_then(|()| listing.end());
        written.map_err(|error| Failure::output(&error))?;
        Ok(if self.fail && count > 0 {
            Exit::Found
        } else {
            Exit::Done
        })
    }
}

/// The installations that pass the filters on judgements; `None` without any.
async fn passing(
    inventory: &SqliteInventory,
    wanted: &Wanted,
    trust: TrustFlags,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Passing>, Failure> {
    if !wanted.asks_for_judgement() {
        return Ok(None);
    }
    let stores = trust.stores(context)?;
    let mut appraisal = Appraisal::begin(inventory, stores, &context.config.policy, now).await?;
    Ok(Passing::of(&mut appraisal, wanted).await?)
}

/// The events on their way out.
enum Listing<Out: Write> {
    Json(Report<EventRow, Out>),
    Text(Changes<Out>),
}

impl<Out: Write> Listing<Out> {
    fn event(&mut self, event: &EventRow) -> io::Result<()> {
        match self {
            Self::Json(report) => report.row(event),
            Self::Text(changes) => changes.event(event),
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Json(report) => report.end(),
            Self::Text(changes) => changes.end(),
        }
    }
}
