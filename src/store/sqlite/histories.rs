//! Rows of questions, looks, failures and installations → histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::absence::Failures;
use super::certificates::key_type_of_word;
use super::history::History;
use super::interval::{End, HowEnded, Interval, Seen, SessionWords};
use super::look::Look;
use super::moment::Moment;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::{KeyType, ScanId, Timestamp};

/// A query for histories: the columns of `wanted w`, how many they are, and
/// what `questions q` must fulfil. A row for each interval that is watched.
/// What most have nothing to say of (failures, absence, earlier sessions) is
/// one value each, JSON: a value costs as much as a row of an index.
macro_rules! find {
    ($wanted:literal, $columns:literal, $condition:literal) => {
        ManyRows {
            operation: "looking up questions",
            before: concat!("with wanted (", $wanted, ") as ("),
            columns: $columns,
            after: concat!(
                ") select q.id, q.endpoint_id, q.server_name, q.key_type, \
                 l.asked_at, l.scan_id, l.outcome, l.answered_at, l.answered_scan, l.answers, \
                 l.restless, l.truncated, l.ocsp_staple, l.tls_version, l.cipher_suite, \
                 l.key_exchange, l.alpn, l.client_auth, l.client_auth_issuers, l.declined, \
                 iif(f.question_id is null, null, \
                     json_array(f.looks, f.scans, f.at, f.scan_id)), \
                 i.id, i.certificate_id, i.chain_id, i.chain_is_partial, i.began, \
                 i.previous_id, i.first_seen, i.first_scan, i.longest_away, \
                 iif(coalesce(i.missing_at, i.ended_at) is null, null, \
                     json_array(i.missing_at, i.missing_scan, \
                                i.ended_at, i.ended_scan, i.ended_as)), \
                 iif(i.last_seen is null, null, \
                     json_array(i.last_seen, i.last_scan, i.last_answer, i.tls_version, \
                                i.cipher_suite, i.key_exchange, i.alpn, i.client_auth, \
                                i.client_auth_issuers, i.declined)) \
                 from wanted w cross join questions q on ",
                $condition,
                " join looks l on l.question_id = q.id \
                 left join failures f on f.question_id = q.id \
                 join installations i on i.question_id = q.id and i.watched = 1"
            ),
        }
    };
}

const FIND_ASKED: ManyRows = find!(
    "endpoint_id, server_name",
    2,
    "q.endpoint_id = w.endpoint_id and q.server_name = w.server_name"
);

const FIND_BY_ID: ManyRows = find!("id", 1, "q.id = w.id");

/// A question and its history.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) id: i64,
    pub(super) endpoint: i64,
    /// Empty where none was sent.
    pub(super) server_name: String,
    pub(super) key_type: KeyType,
    pub(super) is_new: bool,
    pub(super) history: History,
}

/// The questions at these endpoints and names.
pub(super) async fn find_asked(
    connection: &mut SqliteConnection,
    wanted: &[(i64, &str)],
) -> Result<Vec<Question>, StoreError> {
    let bind = |values: &mut Values<'_>, (endpoint, name): &(i64, &str)| {
        values.push_bind(*endpoint).push_bind((*name).to_owned());
    };
    let mut gathered = Gathered::default();
    let take = |row: &SqliteRow| gathered.take(row);
    FIND_ASKED.fetch(connection, wanted, bind, take).await?;
    Ok(gathered.questions())
}

/// The questions of these numbers.
pub(super) async fn find_by_id(
    connection: &mut SqliteConnection,
    wanted: &[i64],
) -> Result<Vec<Question>, StoreError> {
    let bind = |values: &mut Values<'_>, id: &i64| {
        values.push_bind(*id);
    };
    let mut gathered = Gathered::default();
    let take = |row: &SqliteRow| gathered.take(row);
    FIND_BY_ID.fetch(connection, wanted, bind, take).await?;
    Ok(gathered.questions())
}

/// Questions, gathered from the rows of their intervals.
#[derive(Default)]
struct Gathered(BTreeMap<i64, Question>);

impl Gathered {
    fn take(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        let id = row.try_get(0)?;
        let interval = read_interval(row)?;
        match self.0.get_mut(&id) {
            Some(known) => known.history.intervals.push(interval),
            None => {
                self.0.insert(id, read_question(row, id, interval)?);
            }
        }
        Ok(())
    }

    fn questions(self) -> Vec<Question> {
        self.0.into_values().collect()
    }
}

fn read_question(row: &SqliteRow, id: i64, first: Interval) -> Result<Question, sqlx::Error> {
    Ok(Question {
        id,
        endpoint: row.try_get(1)?,
        server_name: row.try_get(2)?,
        key_type: key_type_of_word(row.try_get(3)?),
        is_new: false,
        history: History {
            look: read_look(row)?,
            failures: read_failures(row)?,
            intervals: vec![first],
            forgotten: Vec::new(),
            look_changed: false,
            way_changed: false,
            failures_changed: false,
        },
    })
}

fn read_look(row: &SqliteRow) -> Result<Look, sqlx::Error> {
    Ok(Look {
        asked: row::moment(row, 4, 5)?,
        outcome: row::outcome(row, 6)?,
        answered: row::moment(row, 7, 8)?,
        answers: row.try_get(9)?,
        restless: row.try_get(10)?,
        truncated: row.try_get(11)?,
        ocsp_staple: row.try_get(12)?,
        session: read_session(row, 13)?,
    })
}

fn read_failures(row: &SqliteRow) -> Result<Failures, sqlx::Error> {
    let Some((looks, scans, at, scan)) = packed(row, 20)? else {
        return Ok(Failures::default());
    };
    Ok(Failures {
        looks,
        scans,
        last: moment(at, scan),
    })
}

fn read_interval(row: &SqliteRow) -> Result<Interval, sqlx::Error> {
    let (missing, ended) = read_absence(row)?;
    Ok(Interval {
        id: row.try_get(21)?,
        certificate: row.try_get(22)?,
        chain: row.try_get(23)?,
        chain_is_partial: row.try_get(24)?,
        began: row::optional_word(row, 25)?,
        previous: row.try_get(26)?,
        first: row::moment(row, 27, 28)?,
        longest_away: row.try_get(29)?,
        missing,
        ended,
        seen: read_seen(row)?,
        watched: true,
        is_new: false,
        changed: false,
    })
}

/// Since when it is missing, and how it ended.
fn read_absence(row: &SqliteRow) -> Result<(Option<Moment>, Option<End>), sqlx::Error> {
    type Absence = (
        Option<i64>,
        Option<i64>,
        Option<i64>,
        Option<i64>,
        Option<String>,
    );
    let Some(absence) = packed(row, 30)? else {
        return Ok((None, None));
    };
    let (missing_at, missing_scan, ended_at, ended_scan, how): Absence = absence;
    let how = HowEnded::of_word(how.as_deref().unwrap_or_default());
    let ended = moment(ended_at, ended_scan).map(|at| End { at, how });
    Ok((moment(missing_at, missing_scan), ended))
}

fn read_seen(row: &SqliteRow) -> Result<Option<Seen>, sqlx::Error> {
    let Some(seen) = packed(row, 31)? else {
        return Ok(None);
    };
    let (
        at,
        scan,
        answer,
        tls_version,
        cipher_suite,
        key_exchange,
        alpn,
        client_auth,
        issuers,
        declined,
    ) = seen;
    let session = SessionWords {
        tls_version,
        cipher_suite,
        key_exchange,
        alpn,
        client_auth,
        client_auth_issuers: issuers,
        declined,
    };
    Ok(moment(at, scan).map(|last| Seen {
        last,
        answer,
        session: Arc::new(session),
    }))
}

/// Values that stand together in one, if there are any.
fn packed<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<Option<T>, sqlx::Error> {
    let json: Option<&str> = row.try_get(column)?;
    let values = json.map(serde_json::from_str).transpose();
    values.map_err(row::impossible)
}

fn moment(at: Option<i64>, scan: Option<i64>) -> Option<Moment> {
    let (at, scan) = at.zip(scan)?;
    Some(Moment {
        at: Timestamp::from_micros(at),
        scan: ScanId::new(scan),
    })
}

fn read_session(row: &SqliteRow, first: usize) -> Result<Arc<SessionWords>, sqlx::Error> {
    Ok(Arc::new(SessionWords {
        tls_version: row.try_get(first)?,
        cipher_suite: row.try_get(first + 1)?,
        key_exchange: row.try_get(first + 2)?,
        alpn: row.try_get(first + 3)?,
        client_auth: row.try_get(first + 4)?,
        client_auth_issuers: row.try_get(first + 5)?,
        declined: row.try_get(first + 6)?,
    }))
}
