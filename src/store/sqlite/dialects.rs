//! TLS in one dialect → what it says of the endpoints of another at the same
//! port.
//!
//! A port speaks one dialect, and what was answered in it is asked in no
//! other: a server that was put behind STARTTLS, or came out from behind it,
//! would stay current in its old dialect for ever. PostgreSQL alone takes a
//! direct hello beside its own words (since release 17). What is asked in the
//! old dialect by the same scan speaks for itself, before and after.
//!
//! That is why scans are compared here by their numbers, and not in the order in
//! which they last ran. A row has the last scan that asked. Where a later scan
//! did so before this one was gone on with, it may have taken the place of this
//! one: nobody can tell any more whether the earlier part of this one asked, and
//! what it heard. Nothing is said then, until the next scan.

use std::collections::{BTreeMap, HashMap};

use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::absence::FailedLook;
use super::changes;
use super::endpoints::KnownEndpoint;
use super::histories;
use super::moment::Moment;
use super::occupancy::Occupancy;
use super::statement::{ManyRows, Values};
use crate::domain::{Observation, OutcomeKind, ScanId};

/// A query for rows of endpoints `e` that share the port of one where TLS was
/// spoken, in another dialect, and which this scan has not asked.
macro_rules! find {
    ($rows:literal) => {
        ManyRows {
            operation: "looking up other dialects",
            before: "with wanted (id, scan_id) as (",
            columns: 2,
            after: concat!(
                ") ",
                $rows,
                " where e.scan_id < w.scan_id \
                 and (e.dialect in ('tls', 'postgres')) + (s.dialect in ('tls', 'postgres')) < 2"
            ),
        }
    };
}

const FIND_ENDPOINTS: ManyRows = find!(
    "select w.id, e.id from wanted w cross join endpoints s on s.id = w.id \
     cross join endpoints e on e.zone = s.zone and e.address = s.address \
     and e.port = s.port and e.transport = s.transport and e.dialect <> s.dialect"
);

const FIND_QUESTIONS: ManyRows = find!(
    "select w.id, q.id from wanted w cross join endpoints s on s.id = w.id \
     cross join endpoints e on e.zone = s.zone and e.address = s.address \
     and e.port = s.port and e.transport = s.transport and e.dialect <> s.dialect \
     cross join questions q on q.endpoint_id = e.id"
);

const STORE: ManyRows = ManyRows {
    operation: "storing other dialects",
    before: "with seen (id, outcome, detail, at, scan_id) as (",
    columns: 5,
    after: ") update endpoints set outcome = seen.outcome, detail = seen.detail, banner = null, \
            attempts = '[]', asked_for = null, checked_at = seen.at, scan_id = seen.scan_id \
            from seen where endpoints.id = seen.id",
};

/// What stands for a look in a dialect that was not asked in.
const OUTCOME: OutcomeKind = OutcomeKind::NotTls;

/// Records what `looks`, sorted by time and with the rows `known` of their
/// endpoints, say of endpoints in other dialects than their own. They are
/// stored already.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    looks: &[&Observation],
    known: &[Option<KnownEndpoint>],
    occupancy: &Occupancy,
    scan: ScanId,
) -> Result<(), StoreError> {
    let spoke = looks.iter().zip(known);
    let spoke = spoke.filter(|(look, _)| spoke_tls(look) && occupancy.is_shared(&look.endpoint));
    let spoke = spoke.filter_map(|(look, known)| Some((known.as_ref()?.id, *look)));
    let spoke: BTreeMap<i64, &Observation> = spoke.collect();
    let endpoints = find(connection, FIND_ENDPOINTS, &spoke, scan).await?;
    if endpoints.is_empty() {
        return Ok(());
    }
    // Before the endpoints are stored: from then on they have been asked.
    let found = find(connection, FIND_QUESTIONS, &spoke, scan).await?;
    let looks: HashMap<_, _> = found.iter().copied().collect();
    let ids: Vec<_> = found.iter().map(|(question, _)| *question).collect();
    let mut questions = histories::find_by_id(connection, &ids).await?;
    for question in &mut questions {
        if let Some(look) = looks.get(&question.id) {
            let moment = Moment { at: look.at, scan };
            let denial = FailedLook::of_another_dialect();
            question.history.unanswered(OUTCOME, &denial, moment);
        }
    }
    changes::store(connection, questions.iter()).await?;
    STORE
        .execute(connection, &endpoints, |values, (endpoint, look)| {
            values
                .push_bind(*endpoint)
                .push_bind(OUTCOME.as_str())
                .push_bind(format!("{} is spoken there", look.endpoint.dialect))
                .push_bind(look.at.micros())
                .push_bind(scan.number());
        })
        .await
}

/// Whether a dialect was spoken to the end of its words, and TLS after them.
fn spoke_tls(look: &Observation) -> bool {
    matches!(
        look.outcome.kind(),
        OutcomeKind::Certificate | OutcomeKind::NoCertificate
    )
}

/// The rows that share a port with endpoints that spoke, each with the look.
async fn find<'a>(
    connection: &mut SqliteConnection,
    query: ManyRows,
    spoke: &BTreeMap<i64, &'a Observation>,
    scan: ScanId,
) -> Result<Vec<(i64, &'a Observation)>, StoreError> {
    let wanted: Vec<_> = spoke.keys().copied().collect();
    let bind = |values: &mut Values<'_>, endpoint: &i64| {
        values.push_bind(*endpoint).push_bind(scan.number());
    };
    let mut found = Vec::new();
    let take = |row: &sqlx::sqlite::SqliteRow| {
        let id = row.try_get(1)?;
        let look = spoke.get(&row.try_get(0)?);
        found.extend(look.map(|look| (id, *look)));
        Ok(())
    };
    query.fetch(connection, &wanted, bind, take).await?;
    Ok(found)
}
