//! Outcomes of targets that are names → their ledger.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::super::{NameLook, StoreError};
use super::ledger::Entry;
use super::moment::Moment;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{Port, ScanId, ServerName, Zone};

const FIND: ManyRows = ManyRows {
    operation: "reading the ledger of names",
    before: "with wanted (place, zone, name, port) as (",
    columns: 4,
    after: ") select w.place, c.outcome, c.detail, c.scan_id, c.at \
            from wanted w cross join name_coverage c \
            on c.zone = w.zone and c.name = w.name and c.port = w.port",
};

const STORE: ManyRows = ManyRows {
    operation: "writing the ledger of names",
    before: "insert into name_coverage (zone, name, port, outcome, detail, scan_id, at) ",
    columns: 7,
    after: " on conflict (zone, name, port) do update set outcome = excluded.outcome, \
            detail = excluded.detail, scan_id = excluded.scan_id, at = excluded.at",
};

type Target<'a> = (&'a Zone, &'a ServerName, Port);

/// Writes the outcomes down where they supersede what is known, by the same
/// rule as those of addresses.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    looks: &[NameLook],
    scan: ScanId,
) -> Result<(), StoreError> {
    let mut entries: BTreeMap<Target<'_>, (Option<Entry>, bool)> = looks
        .iter()
        .map(|look| (target(look), (None, false)))
        .collect();
    find(connection, &mut entries).await?;
    for look in looks {
        let entry = Entry {
            outcome: look.outcome,
            detail: look.detail.clone(),
            moment: Moment { at: look.at, scan },
        };
        let (known, changed) = entries.entry(target(look)).or_default();
        if known.as_ref().is_none_or(|known| entry.supersedes(known)) {
            *known = Some(entry);
            *changed = true;
        }
    }
    let changed: Vec<_> = entries
        .iter()
        .filter(|(_, (_, changed))| *changed)
        .filter_map(|(target, (entry, _))| Some((target, entry.as_ref()?)))
        .collect();
    STORE
        .execute(connection, &changed, |values, (target, entry)| {
            bind_target(values, target);
            values
                .push_bind(entry.outcome.as_str())
                .push_bind(entry.detail.clone())
                .push_bind(entry.moment.scan.number())
                .push_bind(entry.moment.at.micros());
        })
        .await
}

async fn find(
    connection: &mut SqliteConnection,
    entries: &mut BTreeMap<Target<'_>, (Option<Entry>, bool)>,
) -> Result<(), StoreError> {
    let wanted: Vec<_> = (0_i64..).zip(entries.keys().copied()).collect();
    let mut found = BTreeMap::new();
    FIND.fetch(
        connection,
        &wanted,
        |values, (place, target)| {
            values.push_bind(*place);
            bind_target(values, target);
        },
        |row| {
            let entry = Entry {
                outcome: row::outcome(row, 1)?,
                detail: row.try_get(2)?,
                moment: row::moment(row, 4, 3)?,
            };
            found.insert(row.try_get::<i64, _>(0)?, entry);
            Ok(())
        },
    )
    .await?;
    for (place, (known, _)) in (0_i64..).zip(entries.values_mut()) {
        *known = found.remove(&place);
    }
    Ok(())
}

fn target(look: &NameLook) -> Target<'_> {
    (&look.zone, &look.name, look.port)
}

fn bind_target(values: &mut Values<'_>, (zone, name, port): &Target<'_>) {
    values
        .push_bind(zone.to_string())
        .push_bind(name.to_string())
        .push_bind(i64::from(port.number()));
}
