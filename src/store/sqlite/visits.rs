//! Rows of the views ↔ rows of the reports: where scans looked, what they
//! asked there, and the scans themselves.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::{AddressLook, Filter, NameRow};
use super::cursor::Columns;
use super::look::is_ephemeral;
use super::query::Query;
use super::report::server_name;
use super::{known, row, select, tally};
use crate::domain::{OutcomeKind, ScanId, ScanState, Tally};
use crate::report::{Coverage, EndpointLook, EndpointRow, QuestionRow, ScanRow};

/// The order of [`select_endpoints`].
pub(super) const ENDPOINT_ORDER: &str = " order by e.zone, e.address, e.port, e.transport, \
    e.dialect";

/// The moment after all that is stored.
const FROM_ALL_TIME: &str = " from endpoint_rows e cross join (select 9223372036854775807 as at) m";

pub(super) const SELECT_SCANS: &str = "select id, started_at, finished_at, state, targets, \
    outcomes, note, settings, ended_by, operator, run, incidents, unlisted from scans order by id";

/// The ledger's runs zone by zone: its key begins with the zone, and there
/// are few of them.
pub(super) const SELECT_ADDRESS_LOOKS: &str = "with recursive zones (zone) as (\
    select min(zone) from coverage union all \
    select (select min(c.zone) from coverage c where c.zone > z.zone) from zones z \
    where z.zone is not null) \
    select c.zone, c.port, c.outcome, c.detail, c.scan_id, c.at \
    from zones z cross join coverage c on c.zone = z.zone";

/// The ledger of names; 0003_statistics.sql lets SQLite skip from zone to zone.
pub(super) const SELECT_NAMES: &str = "select c.zone, c.port, c.outcome, c.detail, c.scan_id, \
    c.at from name_coverage c";

/// Endpoints, from `endpoint_rows e`.
pub(super) fn select_endpoints() -> Query {
    let mut query = Query::new(
        "select e.zone, e.address, e.port, e.dialect, e.outcome, e.detail, e.banner, e.attempts, \
         e.ptr, \
         (select count(*) from (select distinct q.id, i.certificate_id from questions q \
            join installations i on i.question_id = q.id and i.watched = 1 \
           where q.endpoint_id = e.id and i.state = 'current')), \
         e.first_seen, e.checked_at, e.scan_id, e.protocols, e.protocols_refused, \
         e.hybrid_group, not ",
    );
    query.push(known::IS_IN_SERVICE);
    query.push(FROM_ALL_TIME);
    query
}

/// When endpoints were last looked at, from `endpoint_rows e`.
pub(super) fn select_endpoint_looks() -> Query {
    let mut query = Query::new("select e.zone, e.address, e.port, e.ptr, e.checked_at, not ");
    query.push(known::IS_IN_SERVICE);
    query.push(FROM_ALL_TIME);
    query
}

/// Questions at an endpoint, from `endpoints e`.
pub(super) fn select_questions() -> Query {
    Query::new(
        "select q.server_name, q.key_type, l.outcome, l.asked_at, l.answered_at, l.restless \
         from endpoints e \
         join questions q on q.endpoint_id = e.id \
         join looks l on l.question_id = q.id",
    )
}

/// Parts of the ledger, those of one place next to each other.
pub(super) fn select_coverage(filter: &Filter) -> Query {
    let mut query = Query::new(
        "select c.zone, c.network, c.port, c.addresses, c.outcome, c.detail, c.at, \
         0 as is_name, null as name, c.network_address, c.first_address from coverage c",
    );
    select::coverage(&mut query, filter);
    query.push(
        " union all \
         select c.zone, c.name, c.port, 1, c.outcome, c.detail, c.at, 1, c.name, null, null \
         from name_coverage c",
    );
    select::name_coverage(&mut query, filter);
    query.push(" order by zone, is_name, network_address, name, port, first_address");
    query
}

pub(super) fn endpoint(mut columns: Columns<'_>) -> rusqlite::Result<EndpointRow> {
    let banner = |said: Vec<u8>| String::from_utf8_lossy(&said).into_owned();
    Ok(EndpointRow {
        zone: columns.word()?,
        ip: columns.address()?,
        port: columns.port()?,
        dialect: columns.next()?,
        outcome: columns.word()?,
        detail: columns.next()?,
        banner: columns.next::<Option<_>>()?.map(banner),
        attempts: columns.texts()?.unwrap_or_default(),
        pointer: columns.next()?,
        certificates: columns.count()?,
        first_seen: columns.time()?,
        last_checked: columns.time()?,
        scan: ScanId::new(columns.next()?),
        protocols: columns.texts()?.unwrap_or_default(),
        protocols_refused: columns.texts()?.unwrap_or_default(),
        hybrid_group: columns.next()?,
        is_retired: columns.next()?,
        severity: None,
    })
}

pub(super) fn endpoint_look(mut columns: Columns<'_>) -> rusqlite::Result<EndpointLook> {
    Ok(EndpointLook {
        zone: columns.word()?,
        ip: columns.address()?,
        port: columns.port()?,
        pointer: columns.next()?,
        at: columns.time()?,
        is_retired: columns.next()?,
    })
}

pub(super) fn question(row: &SqliteRow) -> Result<QuestionRow, sqlx::Error> {
    Ok(QuestionRow {
        sni: server_name(row.try_get(0)?),
        key_type: row.try_get(1)?,
        outcome: row::outcome(row, 2)?,
        asked_at: row::time(row, 3)?,
        answered_at: row::time(row, 4)?,
        is_ephemeral: is_ephemeral(row.try_get(5)?),
    })
}

pub(super) fn coverage_part(row: &SqliteRow) -> Result<Coverage, sqlx::Error> {
    let outcome = row::outcome(row, 4)?;
    let detail: String = row.try_get(5)?;
    let mut outcomes = Tally::default();
    outcomes.add_many(outcome, row::count(row, 3)?);
    let at = row::time(row, 6)?;
    let is_excluded = outcome == OutcomeKind::Excluded;
    let is_remarkable = outcome.is_silence() || outcome == OutcomeKind::NotAttempted;
    let told = |tells: bool| (tells && !detail.is_empty()).then(|| detail.clone());
    Ok(Coverage {
        zone: row::word(row, 0)?,
        network: row.try_get(1)?,
        port: row::port(row, 2)?,
        outcomes,
        exclusions: told(is_excluded).into_iter().collect(),
        remarks: told(is_remarkable).into_iter().collect(),
        oldest_look: at,
        latest_look: at,
    })
}

/// Whether two parts of the ledger belong into one row.
pub(super) fn is_same_place(one: &Coverage, other: &Coverage) -> bool {
    one.zone == other.zone && one.network == other.network && one.port == other.port
}

/// Adds a part of the ledger to the row it belongs into.
pub(super) fn merge(whole: &mut Coverage, part: Coverage) {
    for (outcome, count) in part.outcomes.iter() {
        whole.outcomes.add_many(outcome, count);
    }
    for (reasons, more) in [
        (&mut whole.exclusions, part.exclusions),
        (&mut whole.remarks, part.remarks),
    ] {
        for reason in more {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    whole.oldest_look = whole.oldest_look.min(part.oldest_look);
    whole.latest_look = whole.latest_look.max(part.latest_look);
}

pub(super) fn scan(row: &SqliteRow) -> Result<ScanRow, sqlx::Error> {
    Ok(ScanRow {
        id: row::scan(row, 0)?,
        started_at: row::time(row, 1)?,
        finished_at: row::optional_time(row, 2)?,
        state: row::word::<ScanState>(row, 3)?,
        targets: row::count(row, 4)?,
        outcomes: tally::read(row, 5)?,
        note: row.try_get(6)?,
        settings: row.try_get(7)?,
        ended_by: row.try_get(8)?,
        operator: row.try_get(9)?,
        run: row.try_get(10)?,
        incidents: row::texts(row, 11)?,
        unlisted: row::count(row, 12)?,
    })
}

pub(super) fn address_look(row: &SqliteRow) -> Result<AddressLook, sqlx::Error> {
    Ok(AddressLook {
        zone: row::word(row, 0)?,
        port: row::port(row, 1)?,
        outcome: row::outcome(row, 2)?,
        detail: row.try_get(3)?,
        scan: row::scan(row, 4)?,
        at: row::time(row, 5)?,
    })
}

pub(super) fn name(row: &SqliteRow) -> Result<NameRow, sqlx::Error> {
    Ok(NameRow {
        zone: row::word(row, 0)?,
        port: row::port(row, 1)?,
        outcome: row::outcome(row, 2)?,
        detail: row.try_get(3)?,
        scan: row::scan(row, 4)?,
        at: row::time(row, 5)?,
    })
}
