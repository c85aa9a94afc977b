//! Rows of questions, looks, failures and installations → histories.

use std::collections::BTreeMap;

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
use crate::domain::KeyType;

/// A query for histories: the columns of `wanted w`, how many they are, and
/// what `questions q` must fulfil. A row for each interval that is watched.
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
                 f.looks, f.scans, f.at, f.scan_id, \
                 i.id, i.certificate_id, i.chain_id, i.chain_is_partial, i.began, \
                 i.previous_id, i.first_seen, i.first_scan, i.longest_away, \
                 i.missing_at, i.missing_scan, i.ended_at, i.ended_scan, i.ended_as, \
                 i.last_seen, i.last_scan, i.last_answer, i.tls_version, i.cipher_suite, \
                 i.key_exchange, i.alpn, i.client_auth, i.client_auth_issuers, i.declined \
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
    let Some(looks) = row.try_get(20)? else {
        return Ok(Failures::default());
    };
    Ok(Failures {
        looks,
        scans: row.try_get(21)?,
        last: row::optional_moment(row, 22, 23)?,
    })
}

fn read_interval(row: &SqliteRow) -> Result<Interval, sqlx::Error> {
    let how: Option<&str> = row.try_get(37)?;
    let how = HowEnded::of_word(how.unwrap_or_default());
    let last = row::optional_moment(row, 38, 39)?;
    Ok(Interval {
        id: row.try_get(24)?,
        certificate: row.try_get(25)?,
        chain: row.try_get(26)?,
        chain_is_partial: row.try_get(27)?,
        began: row::optional_word(row, 28)?,
        previous: row.try_get(29)?,
        first: row::moment(row, 30, 31)?,
        longest_away: row.try_get(32)?,
        missing: row::optional_moment(row, 33, 34)?,
        ended: row::optional_moment(row, 35, 36)?.map(|at| End { at, how }),
        seen: last.map(|last| read_seen(row, last)).transpose()?,
        watched: true,
        changed: false,
    })
}

fn read_seen(row: &SqliteRow, last: Moment) -> Result<Seen, sqlx::Error> {
    Ok(Seen {
        last,
        answer: row.try_get(40)?,
        session: read_session(row, 41)?,
    })
}

fn read_session(row: &SqliteRow, first: usize) -> Result<SessionWords, sqlx::Error> {
    Ok(SessionWords {
        tls_version: row.try_get(first)?,
        cipher_suite: row.try_get(first + 1)?,
        key_exchange: row.try_get(first + 2)?,
        alpn: row.try_get(first + 3)?,
        client_auth: row.try_get(first + 4)?,
        client_auth_issuers: row.try_get(first + 5)?,
        declined: row.try_get(first + 6)?,
    })
}
