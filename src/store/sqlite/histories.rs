//! Histories of questions ↔ their rows: questions, looks, failures,
//! installations.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::absence::Failures;
use super::certificates::key_type_of_word;
use super::history::{History, Look};
use super::interval::{End, HowEnded, Interval, Seen, SessionWords};
use super::moment::Moment;
use super::row;
use super::statement::{ManyRows, Values};
use crate::domain::KeyType;
use crate::report::{EventKind, InstallationState};

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
                 l.key_exchange, l.alpn, l.client_auth, l.client_auth_issuers, \
                 f.looks, f.scans, f.at, f.scan_id, \
                 i.id, i.certificate_id, i.chain_id, i.chain_is_partial, i.began, \
                 i.previous_id, i.first_seen, i.first_scan, i.longest_away, \
                 i.missing_at, i.missing_scan, i.ended_at, i.ended_scan, i.ended_as, \
                 i.last_seen, i.last_scan, i.last_answer, i.tls_version, i.cipher_suite, \
                 i.key_exchange, i.alpn, i.client_auth, i.client_auth_issuers \
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

const INSERT: ManyRows = ManyRows {
    operation: "storing questions",
    before: "insert into questions (id, endpoint_id, server_name, key_type) ",
    columns: 4,
    after: "",
};

const STORE_LOOKS: ManyRows = ManyRows {
    operation: "storing looks",
    before: "insert into looks (question_id, asked_at, scan_id, outcome, answered_at, \
             answered_scan, answers, restless, truncated, ocsp_staple, tls_version, \
             cipher_suite, key_exchange, alpn, client_auth, client_auth_issuers) ",
    columns: 16,
    after: " on conflict (question_id) do update set asked_at = excluded.asked_at, \
            scan_id = excluded.scan_id, outcome = excluded.outcome, \
            answered_at = excluded.answered_at, answered_scan = excluded.answered_scan, \
            answers = excluded.answers, restless = excluded.restless, \
            truncated = excluded.truncated, ocsp_staple = excluded.ocsp_staple, \
            tls_version = excluded.tls_version, cipher_suite = excluded.cipher_suite, \
            key_exchange = excluded.key_exchange, alpn = excluded.alpn, \
            client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers",
};

const STORE_FAILURES: ManyRows = ManyRows {
    operation: "storing failed looks",
    before: "insert into failures (question_id, looks, scans, at, scan_id) ",
    columns: 5,
    after: " on conflict (question_id) do update set looks = excluded.looks, \
            scans = excluded.scans, at = excluded.at, scan_id = excluded.scan_id",
};

const REMOVE_FAILURES: ManyRows = ManyRows {
    operation: "storing failed looks",
    before: "delete from failures where question_id in (",
    columns: 1,
    after: ")",
};

const STORE_INTERVALS: ManyRows = ManyRows {
    operation: "storing installations",
    before: "insert into installations (id, question_id, certificate_id, chain_id, \
             chain_is_partial, state, began, previous_id, first_seen, first_scan, \
             longest_away, watched, missing_at, missing_scan, ended_at, ended_scan, ended_as, \
             last_seen, last_scan, last_answer, tls_version, cipher_suite, key_exchange, alpn, \
             client_auth, client_auth_issuers) ",
    columns: 26,
    after: " on conflict (id) do update set chain_id = excluded.chain_id, \
            chain_is_partial = excluded.chain_is_partial, state = excluded.state, \
            longest_away = excluded.longest_away, watched = excluded.watched, \
            missing_at = excluded.missing_at, missing_scan = excluded.missing_scan, \
            ended_at = excluded.ended_at, ended_scan = excluded.ended_scan, \
            ended_as = excluded.ended_as, last_seen = excluded.last_seen, \
            last_scan = excluded.last_scan, last_answer = excluded.last_answer, \
            tls_version = excluded.tls_version, cipher_suite = excluded.cipher_suite, \
            key_exchange = excluded.key_exchange, alpn = excluded.alpn, \
            client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers",
};

const REMOVE_INTERVALS: ManyRows = ManyRows {
    operation: "forgetting installations",
    before: "delete from installations where id in (",
    columns: 1,
    after: ")",
};

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

/// Stores what changed of the questions.
pub(super) async fn store<'a>(
    connection: &mut SqliteConnection,
    questions: impl Iterator<Item = &'a Question>,
) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    for question in questions {
        changes.add(question);
    }
    changes.store(connection).await
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
    let Some(looks) = row.try_get(19)? else {
        return Ok(Failures::default());
    };
    Ok(Failures {
        looks,
        scans: row.try_get(20)?,
        last: row::optional_moment(row, 21, 22)?,
    })
}

fn read_interval(row: &SqliteRow) -> Result<Interval, sqlx::Error> {
    let how: Option<&str> = row.try_get(36)?;
    let how = HowEnded::of_word(how.unwrap_or_default());
    let last = row::optional_moment(row, 37, 38)?;
    Ok(Interval {
        id: row.try_get(23)?,
        certificate: row.try_get(24)?,
        chain: row.try_get(25)?,
        chain_is_partial: row.try_get(26)?,
        began: row::optional_word(row, 27)?,
        previous: row.try_get(28)?,
        first: row::moment(row, 29, 30)?,
        longest_away: row.try_get(31)?,
        missing: row::optional_moment(row, 32, 33)?,
        ended: row::optional_moment(row, 34, 35)?.map(|at| End { at, how }),
        seen: last.map(|last| read_seen(row, last)).transpose()?,
        watched: true,
        changed: false,
    })
}

fn read_seen(row: &SqliteRow, last: Moment) -> Result<Seen, sqlx::Error> {
    Ok(Seen {
        last,
        answer: row.try_get(39)?,
        session: read_session(row, 40)?,
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
    })
}

/// What has to be written, table by table.
#[derive(Default)]
struct Changes<'a> {
    new: Vec<&'a Question>,
    looks: Vec<(i64, &'a Look)>,
    failures: Vec<(i64, Failures, Moment)>,
    no_failures: Vec<i64>,
    intervals: Vec<(i64, &'a Interval)>,
    forgotten: Vec<i64>,
}

impl<'a> Changes<'a> {
    fn add(&mut self, question: &'a Question) {
        let Question { id, history, .. } = question;
        if question.is_new {
            self.new.push(question);
        }
        if history.look_changed {
            self.looks.push((*id, &history.look));
        }
        if history.failures_changed {
            match history.failures.last {
                Some(last) => self.failures.push((*id, history.failures, last)),
                None => self.no_failures.push(*id),
            }
        }
        let changed = history.changed_intervals();
        self.intervals
            .extend(changed.map(|interval| (*id, interval)));
        self.forgotten.extend(&history.forgotten);
    }

    async fn store(mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        INSERT.execute(connection, &self.new, bind_question).await?;
        STORE_LOOKS
            .execute(connection, &self.looks, bind_look)
            .await?;
        STORE_FAILURES
            .execute(connection, &self.failures, bind_failures)
            .await?;
        // One of a question is its latest answer at a time: first what is no
        // longer.
        self.intervals
            .sort_by_key(|(_, interval)| (interval.seen.is_none(), interval.id));
        STORE_INTERVALS
            .execute(connection, &self.intervals, bind_interval)
            .await?;
        for (removal, ids) in [
            (REMOVE_FAILURES, &self.no_failures),
            (REMOVE_INTERVALS, &self.forgotten),
        ] {
            removal
                .execute(connection, ids, |values, id| {
                    values.push_bind(*id);
                })
                .await?;
        }
        Ok(())
    }
}

fn bind_question(values: &mut Values<'_>, question: &&Question) {
    values
        .push_bind(question.id)
        .push_bind(question.endpoint)
        .push_bind(question.server_name.clone())
        .push_bind(question.key_type.as_str());
}

fn bind_look(values: &mut Values<'_>, (question, look): &(i64, &Look)) {
    values
        .push_bind(*question)
        .push_bind(look.asked.at.micros())
        .push_bind(look.asked.scan.number())
        .push_bind(look.outcome.as_str())
        .push_bind(look.answered.at.micros())
        .push_bind(look.answered.scan.number())
        .push_bind(look.answers)
        .push_bind(look.restless)
        .push_bind(look.truncated.clone())
        .push_bind(look.ocsp_staple.clone());
    bind_session(values, Some(&look.session));
}

fn bind_failures(values: &mut Values<'_>, (question, failures, last): &(i64, Failures, Moment)) {
    values
        .push_bind(*question)
        .push_bind(failures.looks)
        .push_bind(failures.scans)
        .push_bind(last.at.micros())
        .push_bind(last.scan.number());
}

fn bind_interval(values: &mut Values<'_>, (question, interval): &(i64, &Interval)) {
    let seen = interval.seen.as_ref();
    values
        .push_bind(interval.id)
        .push_bind(*question)
        .push_bind(interval.certificate)
        .push_bind(interval.chain)
        .push_bind(interval.chain_is_partial)
        .push_bind(state(interval).as_str())
        .push_bind(interval.began.map(EventKind::as_str))
        .push_bind(interval.previous);
    bind_moment(values, Some(interval.first));
    values
        .push_bind(interval.longest_away)
        .push_bind(interval.watched);
    bind_moment(values, interval.missing);
    bind_moment(values, interval.ended.map(|end| end.at));
    values.push_bind(interval.ended.map(|end| end.how.as_str()));
    bind_moment(values, seen.map(|seen| seen.last));
    values.push_bind(seen.map(|seen| seen.answer));
    bind_session(values, seen.map(|seen| &seen.session));
}

fn bind_moment(values: &mut Values<'_>, moment: Option<Moment>) {
    values
        .push_bind(moment.map(|moment| moment.at.micros()))
        .push_bind(moment.map(|moment| moment.scan.number()));
}

fn bind_session(values: &mut Values<'_>, session: Option<&SessionWords>) {
    values
        .push_bind(session.map(|session| session.tls_version.clone()))
        .push_bind(session.map(|session| session.cipher_suite.clone()))
        .push_bind(session.and_then(|session| session.key_exchange.clone()))
        .push_bind(session.and_then(|session| session.alpn.clone()))
        .push_bind(session.and_then(|session| session.client_auth.clone()))
        .push_bind(session.and_then(|session| session.client_auth_issuers.clone()));
}

fn state(interval: &Interval) -> InstallationState {
    match (interval.ended, interval.missing) {
        (Some(_), _) => InstallationState::Gone,
        (None, Some(_)) => InstallationState::Missing,
        (None, None) => InstallationState::Current,
    }
}
