use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use super::exit::Exit;
use super::failure::Failure;
use super::filter::{Filters, scan_id};
use super::{Context, inventory};
use crate::domain::{ScanId, ScanState, clock};
use crate::report::changes::Changes;
use crate::report::{EVENTS, EventRow, Format, Head, Report, ScanRow};
use crate::store::{Inventory, ScanSpan, SqliteInventory};

/// Tell what changed on the network between two scans
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  certsweep diff                 the last scan against the one before
  certsweep diff 7               all that changed after scan 7
  certsweep diff 3 7 --json      all that changed after scan 3 up to scan 7
  certsweep diff --fail          exit 4 if anything changed")]
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
}

impl Arguments {
    pub(super) async fn run(self, context: Context) -> Result<Exit, Failure> {
        let now = clock::now();
        let filter = self.filters.into_unjudged(now)?;
        let inventory = inventory::open(&context.db()).await?;
        let compared = Compared::choose(&finished(&inventory).await?, &self.scans)?;
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
        let span = compared.span();
        inventory.events(span, &filter, &mut visit).await?;
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

/// The scans that have ended, oldest first.
async fn finished(inventory: &SqliteInventory) -> Result<Vec<ScanRow>, Failure> {
    let mut scans = Vec::new();
    let mut keep = |scan: ScanRow| {
        if scan.state != ScanState::Running {
            scans.push(scan);
        }
        ControlFlow::Continue(())
    };
    inventory.scans(&mut keep).await?;
    Ok(scans)
}

/// Two scans, between which things may have changed.
#[derive(Debug)]
struct Compared {
    /// `None`: from the beginning.
    before: Option<ScanRow>,
    last: ScanRow,
}

impl Compared {
    fn choose(scans: &[ScanRow], asked: &[ScanId]) -> Result<Self, Failure> {
        let place = |id: &ScanId| {
            let found = scans.iter().position(|scan| scan.id == *id);
            found.ok_or_else(|| {
                Failure::usage(format_args!("there is no scan {id} that has ended"))
                    .hint(Some("list them with: certsweep scans"))
            })
        };
        let newest = scans.len().checked_sub(1);
        let (before, last) = match asked {
            [] => (scans.len().checked_sub(2), newest),
            [before] => (Some(place(before)?), newest),
            [before, last, ..] if before < last => (Some(place(before)?), Some(place(last)?)),
            [before, last, ..] => {
                return Err(Failure::usage(format_args!(
                    "scan {before} is not before scan {last}"
                ))
                .hint(Some("the earlier scan comes first")));
            }
        };
        let row = |place: usize| scans.get(place).cloned();
        Ok(Self {
            before: before.and_then(row),
            last: last
                .and_then(row)
                .ok_or_else(|| Failure::failed("no scan has ended yet"))?,
        })
    }

    fn span(&self) -> ScanSpan {
        ScanSpan {
            after: self.before.as_ref().map(|scan| scan.id),
            until: self.last.id,
        }
    }

    /// `Scan 7 (2026-11-21T08:00:00Z) against scan 6 (2026-11-14T08:00:00Z)`.
    fn title(&self) -> String {
        let named = |scan: &ScanRow| format!("{} ({})", scan.id, scan.started_at);
        let last = named(&self.last);
        match &self.before {
            Some(before) => format!("Scan {last} against scan {}", named(before)),
            None => format!("Scan {last}, the first one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Tally, Timestamp};

    fn scan(id: i64) -> ScanRow {
        ScanRow {
            id: ScanId::new(id),
            started_at: Timestamp::from_seconds(id),
            finished_at: None,
            state: ScanState::Complete,
            targets: 1,
            outcomes: Tally::default(),
            note: None,
            settings: "{}".to_owned(),
            ended_by: None,
            operator: None,
        }
    }

    /// The scan before, and the last one.
    fn choose(scans: &[i64], asked: &[i64]) -> Result<(Option<i64>, i64), Failure> {
        let scans: Vec<_> = scans.iter().copied().map(scan).collect();
        let asked: Vec<_> = asked.iter().copied().map(ScanId::new).collect();
        let span = Compared::choose(&scans, &asked)?.span();
        Ok((span.after.map(ScanId::number), span.until.number()))
    }

    #[test]
    fn the_last_two_scans_are_compared_unless_others_are_named() {
        assert_eq!(choose(&[1, 2, 5], &[]).unwrap(), (Some(2), 5));
        assert_eq!(choose(&[5], &[]).unwrap(), (None, 5));
        assert_eq!(choose(&[1, 2, 5], &[1]).unwrap(), (Some(1), 5));
        assert_eq!(choose(&[1, 2, 5], &[5]).unwrap(), (Some(5), 5));
        assert_eq!(choose(&[5], &[5]).unwrap(), (Some(5), 5));
        assert_eq!(choose(&[1, 2, 5], &[1, 2]).unwrap(), (Some(1), 2));
    }

    #[test]
    fn scans_that_are_not_there_or_in_no_order_are_refused_with_a_hint() {
        for asked in [&[3][..], &[3, 5], &[1, 3], &[5, 1], &[2, 2]] {
            let failure = choose(&[1, 2, 5], asked).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{asked:?}");
            assert!(failure.hint.is_some(), "{asked:?}");
        }
        assert_eq!(choose(&[], &[]).unwrap_err().exit, Exit::Failed);
    }
}
