//! Runs of the ledger where no connection came about → what they say of the
//! endpoints and questions there that were not asked.
//!
//! A scan asks an address one question; where there is nobody to answer it,
//! it asks no other, neither for further names nor in another dialect. What
//! it saw holds for those as well. A scan that is gone on with may have a lower
//! number than one in between: what that one asked before is older as well.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use super::super::{AddressRun, StoreError};
use super::absence::FailedLook;
use super::address::AddressKey;
use super::changes;
use super::histories;
use super::moment::Moment;
use super::occupancy::Occupancy;
use super::statement::{ManyRows, Values};
use crate::domain::{OutcomeKind, ScanId};

/// A query for rows that belong to `endpoints e` in one of the runs, at
/// addresses where this scan has reached nobody.
macro_rules! find {
    ($rows:literal) => {
        ManyRows {
            operation: "looking up what was not reached",
            before: "with wanted (place, scan_id, at, zone, port, first_address, last_address) as (",
            columns: 7,
            after: concat!(
                ") ",
                $rows,
                " and not exists (select 1 from endpoints reached \
                 where reached.address = e.address and reached.port = e.port \
                 and reached.zone = e.zone and reached.scan_id = w.scan_id \
                 and reached.outcome not in ('refused', 'filtered', 'unreachable'))"
            ),
        }
    };
}

const FIND_ENDPOINTS: ManyRows = find!(
    "select w.place, e.id from wanted w cross join endpoints e \
     on e.address between w.first_address and w.last_address \
     and e.port = w.port and e.zone = w.zone \
     where (e.scan_id < w.scan_id or (e.scan_id > w.scan_id and e.checked_at < w.at))"
);

const FIND_QUESTIONS: ManyRows = find!(
    "select w.place, q.id from wanted w cross join endpoints e \
     on e.address between w.first_address and w.last_address \
     and e.port = w.port and e.zone = w.zone \
     cross join questions q on q.endpoint_id = e.id \
     cross join looks l on l.question_id = q.id \
     where (l.scan_id < w.scan_id or (l.scan_id > w.scan_id and l.asked_at < w.at))"
);

const STORE: ManyRows = ManyRows {
    operation: "storing what was not reached",
    before: "with seen (id, outcome, at, scan_id) as (",
    columns: 4,
    after: ") update endpoints set outcome = seen.outcome, detail = '', banner = null, \
            attempts = '[]', asked_for = null, checked_at = seen.at, scan_id = seen.scan_id \
            from seen where endpoints.id = seen.id",
};

/// Records what `runs` say of what was not asked itself. The looks of this
/// scan at these addresses are stored already.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    runs: &[AddressRun],
    occupancy: &Occupancy,
    scan: ScanId,
) -> Result<(), StoreError> {
    let dark: Vec<_> = runs
        .iter()
        .filter(|run| is_unreached(run) && !occupancy.is_vacant_run(run))
        .collect();
    let dark: Vec<_> = (0_i64..).zip(dark).collect();
    let endpoints = find(connection, FIND_ENDPOINTS, &dark, scan).await?;
    STORE
        .execute(connection, &endpoints, |values, (endpoint, run)| {
            values
                .push_bind(*endpoint)
                .push_bind(run.outcome.as_str())
                .push_bind(run.at.micros())
                .push_bind(scan.number());
        })
        .await?;
    let found = find(connection, FIND_QUESTIONS, &dark, scan).await?;
    let runs: HashMap<_, _> = found.iter().copied().collect();
    let ids: Vec<_> = found.iter().map(|(question, _)| *question).collect();
    let mut questions = histories::find_by_id(connection, &ids).await?;
    for question in &mut questions {
        if let Some(run) = runs.get(&question.id) {
            let look = FailedLook::unconnected(run.outcome);
            let moment = Moment { at: run.at, scan };
            question.history.unanswered(run.outcome, &look, moment);
        }
    }
    changes::store(connection, questions.iter()).await
}

/// The rows that belong to the runs, each with its run.
async fn find<'a>(
    connection: &mut SqliteConnection,
    query: ManyRows,
    runs: &[(i64, &'a AddressRun)],
    scan: ScanId,
) -> Result<Vec<(i64, &'a AddressRun)>, StoreError> {
    let by_place: HashMap<_, _> = runs.iter().copied().collect();
    let mut found = Vec::new();
    query
        .fetch(
            connection,
            runs,
            |values, (place, run)| bind_run(values, *place, run, scan),
            |row| {
                let id = row.try_get(1)?;
                let run = by_place.get(&row.try_get(0)?);
                found.extend(run.map(|run| (id, *run)));
                Ok(())
            },
        )
        .await?;
    Ok(found)
}

fn bind_run(values: &mut Values<'_>, place: i64, run: &AddressRun, scan: ScanId) {
    values
        .push_bind(place)
        .push_bind(scan.number())
        .push_bind(run.at.micros())
        .push_bind(run.zone.to_string())
        .push_bind(i64::from(run.port.number()))
        .push_bind(AddressKey::from(run.first).to_blob())
        .push_bind(AddressKey::from(run.last).to_blob());
}

/// Whether no connection came about, though it was tried. Where the scan has
/// something to say of a silence, that is not the target's.
fn is_unreached(run: &AddressRun) -> bool {
    match run.outcome {
        OutcomeKind::Refused => true,
        OutcomeKind::Filtered | OutcomeKind::Unreachable => run.detail.is_empty(),
        _ => false,
    }
}
