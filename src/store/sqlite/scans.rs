//! The rows of scans: how each begins, goes on and ends.

use sqlx::{Row, SqliteConnection};

use super::super::{Checkpoint, NewScan, PastScan, ScanEnd, StoreError};
use super::fault::{corrupted, during};
use super::{journal, row, tally};
use crate::domain::{Fingerprint, OutcomeKind, ScanId, ScanState, Tally};

const READING: &str = "reading the scans";

pub(super) async fn begin(
    connection: &mut SqliteConnection,
    record: NewScan,
) -> Result<ScanId, StoreError> {
    let mut outcomes = Tally::default();
    outcomes.add_many(OutcomeKind::NotAttempted, record.targets);
    let done = sqlx::query(
        "insert into scans (started_at, state, targets, outcomes, zone, note, \
         settings, seed, plan, tool_version, operator, identity, run) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         (select coalesce(max(run), 0) + 1 from scans))",
    )
    .bind(record.started_at.micros())
    .bind(ScanState::Running.as_str())
    .bind(i64::try_from(record.targets).unwrap_or(i64::MAX))
    .bind(tally::json(&outcomes))
    .bind(record.zone.to_string())
    .bind(record.note)
    .bind(record.settings)
    .bind(record.seed.cast_signed())
    .bind(record.plan.as_bytes().to_vec())
    .bind(record.tool_version)
    .bind(record.operator)
    .bind(record.identity.as_bytes().to_vec())
    .execute(&mut *connection)
    .await
    .map_err(during("beginning the scan"))?;
    journal::prune(connection).await?;
    Ok(ScanId::new(done.last_insert_rowid()))
}

/// The scan runs again. What it was begun with (targets, zone, seed) stays.
pub(super) async fn resume(
    connection: &mut SqliteConnection,
    scan: ScanId,
    record: NewScan,
) -> Result<Checkpoint, StoreError> {
    let operation = "resuming the scan";
    let done = sqlx::query(
        "update scans set state = $1, finished_at = null, ended_by = null, \
         note = coalesce($2, note), settings = $3, plan = $4, tool_version = $5, \
         operator = $6, resumed_at = $9, run = (select max(run) + 1 from scans) \
         where id = $7 and state not in ($1, $8)",
    )
    .bind(ScanState::Running.as_str())
    .bind(record.note)
    .bind(record.settings)
    .bind(record.plan.as_bytes().to_vec())
    .bind(record.tool_version)
    .bind(record.operator)
    .bind(scan.number())
    .bind(ScanState::Complete.as_str())
    .bind(record.started_at.micros())
    .execute(&mut *connection)
    .await
    .map_err(during(operation))?;
    if done.rows_affected() != 1 {
        let what = format_args!("no scan {scan} that ended early");
        return Err(corrupted(operation, &what));
    }
    journal::checkpoint(connection, scan).await
}

pub(super) async fn finish(
    connection: &mut SqliteConnection,
    scan: ScanId,
    end: ScanEnd,
) -> Result<(), StoreError> {
    let operation = "finishing the scan";
    let mut incidents = incidents(connection, scan).await?;
    incidents.extend(end.incidents);
    incidents.truncate(MOST_INCIDENTS);
    let done = sqlx::query(
        "update scans set finished_at = $1, state = $2, outcomes = $3, ended_by = $4, \
         incidents = $5, unlisted = $6 where id = $7",
    )
    .bind(end.finished_at.micros())
    .bind(end.state.as_str())
    .bind(tally::json(&end.outcomes))
    .bind(end.ended_by)
    .bind(serde_json::Value::from(incidents).to_string())
    .bind(i64::try_from(end.unlisted).unwrap_or(i64::MAX))
    .bind(scan.number())
    .execute(&mut *connection)
    .await
    .map_err(during(operation))?;
    if done.rows_affected() != 1 {
        return Err(corrupted(operation, &format_args!("no scan {scan}")));
    }
    journal::prune(connection).await
}

/// Incidents of a scan that are kept: the first ones.
const MOST_INCIDENTS: usize = 100;

/// What happened around a scan in its runs before.
async fn incidents(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<Vec<String>, StoreError> {
    let found = sqlx::query("select incidents from scans where id = $1")
        .bind(scan.number())
        .fetch_optional(connection)
        .await
        .map_err(during(READING))?;
    let read = found.map(|found| row::texts(&found, 0)).transpose();
    Ok(read.map_err(during(READING))?.unwrap_or_default())
}

/// Whether a scan has ended: all that it saw is stored then, and what comes
/// is stored again.
pub(super) async fn is_over(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<bool, StoreError> {
    let ended = "select exists (select 1 from scans where id = $1 and state <> $2)";
    sqlx::query_scalar(ended)
        .bind(scan.number())
        .bind(ScanState::Running.as_str())
        .fetch_one(connection)
        .await
        .map_err(during("storing a batch"))
}

/// Ends the scans whose process was killed: whoever holds the writer's lock
/// knows that none is running. `finished_at` stays null, nobody saw the end.
pub(super) async fn end_killed(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    // Nobody has listed what had no turn.
    let ended = "update scans set state = $1, \
        unlisted = coalesce(json_extract(outcomes, '$.\"not-attempted\"'), 0) where state = $2";
    sqlx::query(ended)
        .bind(ScanState::Interrupted.as_str())
        .bind(ScanState::Running.as_str())
        .execute(connection)
        .await
        .map(drop)
        .map_err(during("ending killed scans"))
}

/// The scan of a number.
pub(super) async fn past(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<Option<PastScan>, StoreError> {
    let found = sqlx::query(
        "select past.id, past.state, past.identity, past.settings, past.seed, past.plan, \
         (select max(later.id) from scans later \
          where later.identity = past.identity and later.id > past.id), \
         past.started_at, past.blocks_done, past.outcomes \
         from scans past where past.id = $1",
    )
    .bind(scan.number())
    .fetch_optional(connection)
    .await
    .map_err(during(READING))?;
    let read = |found| {
        let seed: i64 = Row::try_get(&found, 4)?;
        Ok(PastScan {
            id: row::scan(&found, 0)?,
            started_at: row::time(&found, 7)?,
            blocks_done: row::count(&found, 8)?,
            not_attempted: tally::read(&found, 9)?.count(OutcomeKind::NotAttempted),
            state: row::word(&found, 1)?,
            identity: row::optional_fingerprint(&found, 2)?,
            settings: found.try_get(3)?,
            seed: seed.cast_unsigned(),
            plan: row::fingerprint(&found, 5)?,
            successor: row::optional_scan(&found, 6)?,
        })
    };
    found.map(read).transpose().map_err(during(READING))
}

/// The latest scan of an identity.
pub(super) async fn latest(
    connection: &mut SqliteConnection,
    identity: Fingerprint,
) -> Result<Option<PastScan>, StoreError> {
    let latest: Option<i64> = sqlx::query_scalar("select max(id) from scans where identity = $1")
        .bind(identity.as_bytes().to_vec())
        .fetch_one(&mut *connection)
        .await
        .map_err(during(READING))?;
    match latest {
        Some(latest) => past(connection, ScanId::new(latest)).await,
        None => Ok(None),
    }
}
