//! The day that a report is of: a date or a time → the moment to judge by.

use std::ops::ControlFlow;

use super::failure::Failure;
use super::inventory;
use super::printer::Printer;
use crate::domain::{InvalidTimestamp, Timestamp, clock};
use crate::report::ScanRow;
use crate::store::{Detail, Filter, Inventory, SqliteInventory};

/// An earlier day, or none for the present.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Day {
    /// The installations known then, judged by that day: a date (its end, in
    /// UTC) or an RFC 3339 time
    #[arg(long, value_name = "DATE", value_parser = moment)]
    at: Option<Timestamp>,
}

impl Day {
    /// Whether an earlier day was asked for.
    pub(super) fn is_past(&self) -> bool {
        self.at.is_some()
    }

    /// The moment to judge by.
    pub(super) fn now(&self) -> Result<Timestamp, Failure> {
        let now = clock::now();
        match self.at {
            // The day is not over yet.
            Some(at) if at > now && moment(&now.date().to_string()) == Ok(at) => Ok(now),
            Some(at) if at > now => Err(Failure::usage(format_args!("--at {at} is to come")).hint(
                Some("nothing is known of the future; without --at it is now"),
            )),
            Some(at) => Ok(at),
            None => Ok(now),
        }
    }

    /// The same in the words of the command line.
    pub(super) fn words(&self) -> Option<(&'static str, String)> {
        self.at.map(|at| ("--at", in_words(at)))
    }
}

/// Refuses a moment of which an inventory can know nothing, and tells what
/// of it is not known any more.
pub(super) async fn vet(
    inventory: &SqliteInventory,
    at: Timestamp,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_before_first_scan(inventory, at).await?;
    inventory::tell_pruned(inventory, at, printer).await?;
    Ok(())
}

/// A date, which is its last moment in UTC, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    let end_of_day = format!("{text}T23:59:59.999999Z").parse();
    end_of_day
        .or_else(|_| text.parse())
        .map_err(|_: InvalidTimestamp| {
            "not a date like 2026-11-21, nor a time like 2026-11-21T08:00:00Z".to_owned()
        })
}

/// The same moment as [`moment`] reads it.
fn in_words(at: Timestamp) -> String {
    let day = at.date().to_string();
    match moment(&day) {
        Ok(end) if end == at => day,
        _ => at.to_string(),
    }
}

async fn refuse_before_first_scan(
    inventory: &SqliteInventory,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut first: Option<ScanRow> = None;
    let mut keep = |scan| {
        first = Some(scan);
        ControlFlow::Break(())
    };
    inventory.scans(&mut keep).await?;
    let first = first.map(|scan| (scan.id, scan.started_at));
    if first.is_none_or(|(_, began)| began > at) && has_import_of(inventory, at).await? {
        return Ok(());
    }
    match first {
        Some((_, began)) if began <= at => Ok(()),
        Some((id, began)) => Err(Failure::usage(format_args!("nothing is known of {at}"))
            .hint(Some(format!("scan {id}, the first one, began at {began}")))),
        None => Err(Failure::usage(format_args!("nothing is known of {at}"))
            .hint(Some("there was no scan yet"))),
    }
}

/// Whether any certificate had been imported by then.
async fn has_import_of(inventory: &SqliteInventory, at: Timestamp) -> Result<bool, Failure> {
    let then = Filter {
        known_at: Some(at),
        ..Filter::default()
    };
    let mut found = false;
    let mut visit = |_| {
        found = true;
        ControlFlow::Break(())
    };
    inventory
        .installations(&then, Detail::Facts, &mut visit)
        .await?;
    Ok(found)
}
