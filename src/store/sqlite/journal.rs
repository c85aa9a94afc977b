//! Milestones of a scan → what a later run goes on from.

use sqlx::{Row, SqliteConnection};

use super::super::{Checkpoint, JournalPage, Milestone, Step, StoreError};
use super::fault::during;
use super::row;
use super::tally;
use crate::domain::{Fingerprint, OutcomeKind, ScanId, ScanState, Tally};

const READING: &str = "reading how far a scan has come";
const STORING: &str = "storing how far a scan has come";

/// Writes a milestone down, and brings the scan's outcomes up to date.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    milestone: &Milestone,
    scan: ScanId,
) -> Result<(), StoreError> {
    let block = number(milestone.block);
    match &milestone.step {
        Step::Page(page) => store(connection, scan, block, page).await?,
        Step::Done => {
            let done = "update scans set blocks_done = $1 + 1, blocks_outcomes = $2 where id = $3";
            sqlx::query(done)
                .bind(block)
                .bind(tally::json(&milestone.outcomes))
                .bind(scan.number())
                .execute(&mut *connection)
                .await
                .map_err(during(STORING))?;
            sqlx::query("delete from journal where scan_id = $1 and block <= $2")
                .bind(scan.number())
                .bind(block)
                .execute(&mut *connection)
                .await
                .map_err(during(STORING))?;
        }
    }
    bring_up_to_date(connection, milestone.outcomes, scan).await
}

async fn store(
    connection: &mut SqliteConnection,
    scan: ScanId,
    block: i64,
    page: &JournalPage,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into journal (scan_id, block, page, entries) values ($1, $2, $3, $4) \
         on conflict (scan_id, block, page) do update set entries = excluded.entries",
    )
    .bind(scan.number())
    .bind(block)
    .bind(number(page.number))
    .bind(&page.entries)
    .execute(connection)
    .await
    .map(drop)
    .map_err(during(STORING))
}

/// So that a scan that is killed has outcomes which add up to its targets.
async fn bring_up_to_date(
    connection: &mut SqliteConnection,
    mut outcomes: Tally,
    scan: ScanId,
) -> Result<(), StoreError> {
    let targets = sqlx::query("select targets from scans where id = $1")
        .bind(scan.number())
        .fetch_one(&mut *connection)
        .await
        .and_then(|found| row::count(&found, 0))
        .map_err(during(STORING))?;
    outcomes.add_many(
        OutcomeKind::NotAttempted,
        targets.saturating_sub(outcomes.total()),
    );
    sqlx::query("update scans set outcomes = $1 where id = $2")
        .bind(tally::json(&outcomes))
        .bind(scan.number())
        .execute(connection)
        .await
        .map(drop)
        .map_err(during(STORING))
}

/// From where a scan goes on.
pub(super) async fn checkpoint(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<Checkpoint, StoreError> {
    let begun = "select started_at, blocks_done, blocks_outcomes from scans where id = $1";
    let mut checkpoint = sqlx::query(begun)
        .bind(scan.number())
        .fetch_one(&mut *connection)
        .await
        .and_then(|begun| {
            Ok(Checkpoint {
                started_at: row::time(&begun, 0)?,
                block: row::count(&begun, 1)?,
                outcomes: tally::read(&begun, 2)?,
                pages: Vec::new(),
                certificates: Vec::new(),
            })
        })
        .map_err(during(READING))?;
    let pages = "select page, entries from journal where scan_id = $1 and block = $2 order by page";
    let pages = sqlx::query(pages)
        .bind(scan.number())
        .bind(number(checkpoint.block))
        .fetch_all(&mut *connection)
        .await
        .map_err(during(READING))?;
    checkpoint.certificates = certificates(connection, scan).await?;
    for page in &pages {
        let page = row::count(page, 0).and_then(|number| {
            let entries = page.try_get(1)?;
            Ok(JournalPage { number, entries })
        });
        checkpoint.pages.push(page.map_err(during(READING))?);
    }
    Ok(checkpoint)
}

/// What the scan has found, as far as it is still the latest answer.
async fn certificates(
    connection: &mut SqliteConnection,
    scan: ScanId,
) -> Result<Vec<Fingerprint>, StoreError> {
    let found = sqlx::query(
        "select distinct c.sha256 from looks l \
         join installations i on i.question_id = l.question_id and i.last_seen is null \
         join certificates c on c.id = i.certificate_id where l.answered_scan = $1",
    )
    .bind(scan.number())
    .fetch_all(connection)
    .await
    .map_err(during(READING))?;
    let read = found.iter().map(|found| row::fingerprint(found, 0));
    read.collect::<Result<_, _>>().map_err(during(READING))
}

/// Removes the journals that nobody goes on from any more: of scans that are
/// complete, and of those with a successor.
pub(super) async fn prune(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "delete from journal where scan_id in (select past.id from scans past \
         where past.state = $1 or exists (select 1 from scans later \
         where later.identity = past.identity and later.id > past.id))",
    )
    .bind(ScanState::Complete.as_str())
    .execute(connection)
    .await
    .map(drop)
    .map_err(during(STORING))
}

/// Blocks and pages are far fewer than 2^63.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
