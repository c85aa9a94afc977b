//! Runs of addresses → the ledger, network by network.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::{AddressRun, StoreError};
use super::address::AddressKey;
use super::ledger::{Entry, Ledger, Run};
use super::moment::Moment;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Port, ScanId, Zone};

const FIND: ManyRows = ManyRows {
    operation: "reading the ledger",
    before: "with wanted (place, zone, network_address, port) as (",
    columns: 4,
    after: ") select w.place, c.first_address, c.last_address, c.outcome, c.detail, c.scan_id, \
            c.at from wanted w cross join coverage c on c.zone = w.zone \
            and c.network_address = w.network_address and c.port = w.port",
};

const REMOVE: ManyRows = ManyRows {
    operation: "writing the ledger",
    before: "delete from coverage where (zone, network_address, port, first_address) in (",
    columns: 4,
    after: ")",
};

const STORE: ManyRows = ManyRows {
    operation: "writing the ledger",
    before: "insert into coverage (zone, network_address, port, first_address, last_address, \
             network, addresses, outcome, detail, scan_id, at) ",
    columns: 11,
    after: " on conflict (zone, network_address, port, first_address) do update set \
            last_address = excluded.last_address, addresses = excluded.addresses, \
            outcome = excluded.outcome, detail = excluded.detail, scan_id = excluded.scan_id, \
            at = excluded.at",
};

/// Most networks one run may span: all of IPv4. Nobody sweeps more, and the
/// ledger has a row for each.
const MAX_NETWORKS: u128 = 1 << 24;
/// Networks held in memory at once.
const NETWORKS_AT_ONCE: usize = 1000;

/// One network and port: the part of the ledger that is read and written in
/// one go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Page {
    pub(super) zone: Zone,
    /// Its first address.
    pub(super) network: AddressKey,
    pub(super) port: Port,
}

impl Page {
    /// The page that an address is on.
    pub(super) fn of(zone: &Zone, address: AddressKey, port: Port) -> Self {
        Self {
            zone: zone.clone(),
            network: address.network(),
            port,
        }
    }

    /// Binds zone, network and port.
    pub(super) fn bind(&self, values: &mut Values<'_>) {
        values
            .push_word(self.zone.as_str())
            .push_bind(self.network.to_blob())
            .push_bind(i64::from(self.port.number()));
    }
}

/// Lays the runs over the ledger.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    runs: &[AddressRun],
    scan: ScanId,
) -> Result<(), StoreError> {
    let mut pages: BTreeMap<Page, Vec<Run>> = BTreeMap::new();
    for run in runs {
        for (page, part) in cut(run, scan)? {
            pages.entry(page).or_default().push(part);
            if pages.len() >= NETWORKS_AT_ONCE {
                overlay(connection, std::mem::take(&mut pages)).await?;
            }
        }
    }
    overlay(connection, pages).await
}

/// The parts of a run, each within one network.
fn cut(run: &AddressRun, scan: ScanId) -> Result<impl Iterator<Item = (Page, Run)>, StoreError> {
    let (first, last) = (AddressKey::from(run.first), AddressKey::from(run.last));
    if first.count_to(last).is_none() || first.networks_to(last) > MAX_NETWORKS {
        return Err(StoreError::InvalidRun {
            first: run.first,
            last: run.last,
        });
    }
    let moment = Moment { at: run.at, scan };
    let mut rest = Some(first);
    Ok(std::iter::from_fn(move || {
        let first = rest.filter(|first| *first <= last)?;
        let part_last = last.min(first.network_end());
        rest = part_last.next();
        let page = Page::of(&run.zone, first, run.port);
        let entry = Entry {
            outcome: run.outcome,
            detail: run.detail.clone(),
            moment,
        };
        let last = part_last;
        Some((page, Run { first, last, entry }))
    }))
}

async fn overlay(
    connection: &mut SqliteConnection,
    pages: BTreeMap<Page, Vec<Run>>,
) -> Result<(), StoreError> {
    let wanted: Vec<_> = (0_i64..).zip(pages.keys()).collect();
    let mut known: BTreeMap<i64, Ledger> = BTreeMap::new();
    FIND.fetch(
        connection,
        &wanted,
        |values, (place, page)| {
            values.push_bind(*place);
            page.bind(values);
        },
        |row| {
            let place = row.try_get(0)?;
            known.entry(place).or_default().insert(read(row)?);
            Ok(())
        },
    )
    .await?;
    let mut removed = Vec::new();
    let mut changed = Vec::new();
    for (place, (page, runs)) in (0..).zip(&pages) {
        let before = known.remove(&place).unwrap_or_default();
        let mut after = before.clone();
        for run in runs {
            after.overlay(run);
        }
        after.join();
        let gone = before.runs().filter(|run| after.at(run.first).is_none());
        removed.extend(gone.map(|run| (page, run.first)));
        let new = after.runs().filter(|run| before.at(run.first) != Some(run));
        changed.extend(new.map(|run| (page, run.clone())));
    }
    REMOVE
        .execute(connection, &removed, |values, (page, first)| {
            page.bind(values);
            values.push_bind(first.to_blob());
        })
        .await?;
    STORE
        .execute(connection, &changed, |values, (page, run)| {
            page.bind(values);
            bind_run(values, run);
        })
        .await
}

fn bind_run(values: &mut Values<'_>, run: &Run) {
    let addresses = run.first.count_to(run.last).unwrap_or_default();
    values
        .push_bind(run.first.to_blob())
        .push_bind(run.last.to_blob())
        .push_bind(run.first.network_text())
        .push_bind(i64::try_from(addresses).unwrap_or(i64::MAX))
        .push_word(run.entry.outcome.as_str())
        .push_word(&run.entry.detail)
        .push_bind(run.entry.moment.scan.number())
        .push_bind(run.entry.moment.at.micros());
}

fn read(row: &SqliteRow) -> Result<Run, sqlx::Error> {
    Ok(Run {
        first: row::address_key(row, 1)?,
        last: row::address_key(row, 2)?,
        entry: Entry {
            outcome: row::outcome(row, 3)?,
            detail: row.try_get(4)?,
            moment: row::moment(row, 6, 5)?,
        },
    })
}
