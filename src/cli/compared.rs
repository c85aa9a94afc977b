//! Two scans → what changed on the network between them.

use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::failure::Failure;
use super::inventory;
use crate::appraisal::{Appraisal, Wanted};
use crate::domain::{Fingerprint, Port, ScanId, ScanState, Zone};
use crate::report::{EventRow, Installation, InstallationState, ScanRow};
use crate::store::{Detail, Filter, Inventory, ScanSpan, SqliteInventory, StoreError};

/// Two scans, between which things may have changed.
#[derive(Debug)]
pub(super) struct Compared {
    /// `None`: from the beginning.
    pub(super) before: Option<ScanRow>,
    pub(super) last: ScanRow,
}

/// The installations that pass the filters on judgements, as they are judged
/// now: the events of others are left out.
pub(super) struct Passing(HashSet<Place>);

/// What tells an installation from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    certificate: Fingerprint,
    zone: Option<Zone>,
    address: Option<IpAddr>,
    port: Option<Port>,
    server_name: Option<String>,
    dialect: Option<String>,
}

impl Compared {
    /// Of these scans the two that ended and ran last; none without any.
    pub(super) fn latest(scans: &[ScanRow]) -> Option<Self> {
        let mut ended: Vec<_> = scans.iter().filter(|scan| has_ended(scan)).collect();
        ended.sort_by_key(|scan| scan.run);
        let mut ended = ended.into_iter().rev();
        let last = ended.next()?.clone();
        Some(Self {
            before: ended.next().cloned(),
            last,
        })
    }

    /// Those that are asked for: one against the last, or two; else the last
    /// two.
    pub(super) fn choose(scans: &[ScanRow], asked: &[ScanId]) -> Result<Self, Failure> {
        let find = |id: &ScanId| {
            let found = scans.iter().find(|scan| scan.id == *id);
            let found = found.ok_or_else(|| inventory::no_such_scan(*id))?;
            if has_ended(found) {
                Ok(found.clone())
            } else {
                Err(Failure::usage(format_args!("scan {id} has not ended yet")))
            }
        };
        let latest = Self::latest(scans);
        let latest = latest.ok_or_else(|| Failure::failed("no scan has ended yet"));
        match asked {
            [] => latest,
            [before] => {
                let (before, latest) = (find(before)?, latest?);
                if before.run >= latest.last.run {
                    let id = before.id;
                    return Err(Failure::usage(format_args!(
                        "no scan that has ended ran after scan {id}"
                    ))
                    .hint(Some("name an earlier one; `certsweep scans` lists them")));
                }
                Ok(Self {
                    before: Some(before),
                    ..latest
                })
            }
            [before, last, ..] => {
                let (before, last) = (find(before)?, find(last)?);
                if before.run >= last.run {
                    let (before, last) = (before.id, last.id);
                    return Err(Failure::usage(format_args!(
                        "scan {before} did not run before scan {last}"
                    ))
                    .hint(Some("the one that ran earlier comes first")));
                }
                Ok(Self {
                    before: Some(before),
                    last,
                })
            }
        }
    }

    /// What changed between them, kind by kind; of `passing`, where it is given.
    pub(super) async fn events(
        &self,
        inventory: &SqliteInventory,
        filter: &Filter,
        passing: Option<&Passing>,
        visit: &mut (dyn FnMut(EventRow) -> ControlFlow<()> + Send),
    ) -> Result<(), StoreError> {
        let mut visit = |event: EventRow| {
            if passing.is_none_or(|passing| passing.0.contains(&Place::of_event(&event))) {
                visit(event)
            } else {
                ControlFlow::Continue(())
            }
        };
        inventory.events(self.span(), filter, &mut visit).await
    }

    fn span(&self) -> ScanSpan {
        ScanSpan {
            after: self.before.as_ref().map(|scan| scan.id),
            until: self.last.id,
        }
    }

    /// `Scan 7 (2026-11-21T08:00:00Z) against scan 6 (2026-11-14T08:00:00Z)`.
    pub(super) fn title(&self) -> String {
        let named = |scan: &ScanRow| format!("{} ({})", scan.id, scan.started_at);
        let last = named(&self.last);
        match &self.before {
            Some(before) => format!("Scan {last} against scan {}", named(before)),
            None => format!("Scan {last}, the first one: there is none to compare it with"),
        }
    }
}

fn has_ended(scan: &ScanRow) -> bool {
    scan.state != ScanState::Running
}

impl Passing {
    /// Of everything that was ever installed and that the wanted events may be
    /// of; `None` where nothing is wanted that is judged.
    pub(super) async fn of(
        appraisal: &mut Appraisal<'_>,
        wanted: &Wanted,
    ) -> Result<Option<Self>, StoreError> {
        if !wanted.asks_for_judgement() {
            return Ok(None);
        }
        let ever = Wanted {
            inventory: Filter {
                states: InstallationState::ALL.to_vec(),
                // What these mean depends on whether it is an installation or
                // an event.
                names: Vec::new(),
                scans: Vec::new(),
                known_at: None,
                ..wanted.inventory.clone()
            },
            ..wanted.clone()
        };
        let mut places = HashSet::new();
        let keep = |row: Installation| {
            places.insert(Place::of(row));
            ControlFlow::Continue(())
        };
        appraisal.installations(&ever, Detail::Facts, keep).await?;
        Ok(Some(Self(places)))
    }
}

impl Place {
    fn of(row: Installation) -> Self {
        Self {
            certificate: row.certificate.sha256,
            zone: row.zone,
            address: row.ip,
            port: row.port,
            server_name: row.sni,
            dialect: row.starttls,
        }
    }

    fn of_event(event: &EventRow) -> Self {
        Self {
            certificate: event.sha256,
            zone: Some(event.zone.clone()),
            address: Some(event.ip),
            port: Some(event.port),
            server_name: event.sni.clone(),
            dialect: event.starttls.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
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
            run: id,
            incidents: Vec::new(),
            unlisted: 0,
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
        assert_eq!(choose(&[1, 2, 5], &[1, 2]).unwrap(), (Some(1), 2));
    }

    #[test]
    fn a_scan_that_is_running_is_compared_with_nothing() {
        let mut scans = [1, 2, 5].map(scan);
        scans[2].state = ScanState::Running;
        let latest = Compared::choose(&scans, &[]).unwrap();
        assert_eq!(latest.last.id, ScanId::new(2));
        let failure = Compared::choose(&scans, &[ScanId::new(5)]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("not ended"), "{}", failure.message);
    }

    #[test]
    fn a_scan_that_went_on_later_comes_after_those_in_between() {
        let resumed = ScanRow { run: 7, ..scan(5) };
        let scans = [scan(4), scan(6), resumed];
        let chosen = |asked: &[i64]| {
            let asked: Vec<_> = asked.iter().copied().map(ScanId::new).collect();
            Compared::choose(&scans, &asked).map(|chosen| chosen.span())
        };
        let span = ScanSpan {
            after: Some(ScanId::new(6)),
            until: ScanId::new(5),
        };
        assert_eq!(chosen(&[]).unwrap(), span);
        assert_eq!(chosen(&[6, 5]).unwrap(), span);
        assert_eq!(chosen(&[5, 6]).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn scans_that_are_not_there_or_in_no_order_are_refused_with_a_hint() {
        for asked in [&[3][..], &[5], &[3, 5], &[1, 3], &[5, 1], &[2, 2]] {
            let failure = choose(&[1, 2, 5], asked).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{asked:?}");
            assert!(failure.hint.is_some(), "{asked:?}");
        }
        assert_eq!(choose(&[], &[]).unwrap_err().exit, Exit::Failed);
    }
}
