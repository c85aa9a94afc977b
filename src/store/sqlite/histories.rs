//! Rows of questions, looks, failures and installations → histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::absence::Failures;
use super::certificates::key_type_of_word;
use super::chronology::Chronology;
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
/// one text each, JSON: a value costs as much as a row of an index.
macro_rules! find {
    ($wanted:literal, $columns:literal, $condition:literal) => {
        ManyRows {
            operation: "looking up questions",
            before: concat!("with wanted (", $wanted, ") as ("),
            columns: $columns,
            after: concat!(
                ") select json_group_array(json_array(\
                 q.id, q.endpoint_id, q.server_name, q.key_type, \
                 l.asked_at, l.scan_id, l.outcome, l.answered_at, l.answered_scan, l.answers, \
                 l.restless, l.truncated, iif(l.ocsp_staple is null, null, hex(l.ocsp_staple)), \
                 l.offered, \
                 json_array(l.tls_version, l.cipher_suite, l.key_exchange, l.alpn, \
                            l.client_auth, l.client_auth_issuers, l.declined), \
                 iif(f.installation_id is null, null, \
                     json_array(f.looks, f.scans, f.at, f.scan_id) || ''), \
                 i.id, i.certificate_id, i.chain_id, i.chain_is_partial, i.began, \
                 i.previous_id, i.first_seen, i.first_scan, i.longest_away, \
                 iif(coalesce(i.missing_at, i.ended_at) is null, null, \
                     json_array(i.missing_at, i.missing_scan, \
                                i.ended_at, i.ended_scan, i.ended_as, i.vacated_at) || ''), \
                 iif(i.last_seen is null, null, \
                     json_array(i.last_seen, i.last_scan, i.last_answer, \
                         json_array(i.tls_version, i.cipher_suite, i.key_exchange, i.alpn, \
                                    i.client_auth, i.client_auth_issuers, i.declined)) || ''))) \
                 from wanted w cross join questions q on ",
                $condition,
                " join looks l on l.question_id = q.id \
                 join installations i on i.question_id = q.id and i.watched = 1 \
                 left join failures f on f.installation_id = i.id"
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
    let take = |stored: Stored| gathered.take(stored);
    FIND_ASKED
        .fetch_elements(connection, wanted, bind, take)
        .await?;
    with_chronology(connection, gathered.questions()).await
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
    let take = |stored: Stored| gathered.take(stored);
    FIND_BY_ID
        .fetch_elements(connection, wanted, bind, take)
        .await?;
    with_chronology(connection, gathered.questions()).await
}

/// With what tells since when something is absent, where anything is.
async fn with_chronology(
    connection: &mut SqliteConnection,
    mut questions: Vec<Question>,
) -> Result<Vec<Question>, StoreError> {
    if questions.iter().any(has_absent) {
        let chronology = Arc::new(Chronology::read(connection).await?);
        for question in questions.iter_mut().filter(|it| has_absent(it)) {
            question.history.chronology = Arc::clone(&chronology);
        }
    }
    Ok(questions)
}

fn has_absent(question: &Question) -> bool {
    let mut intervals = question.history.intervals.iter();
    intervals.any(|it| it.is_awaited() && !it.is_current())
}

/// An element of what [`find!`] finds: an interval and its question.
#[derive(Deserialize)]
struct Stored {
    id: i64,
    endpoint: i64,
    server_name: String,
    key_type: String,
    asked_at: i64,
    asked_scan: i64,
    outcome: String,
    answered_at: i64,
    answered_scan: i64,
    answers: i64,
    restless: i64,
    truncated: Option<String>,
    ocsp_staple: Option<String>,
    offered: Option<String>,
    session: SessionWords,
    failures: Option<String>,
    interval: i64,
    certificate: i64,
    chain: i64,
    chain_is_partial: i64,
    began: Option<String>,
    previous: Option<i64>,
    first_at: i64,
    first_scan: i64,
    longest_away: i64,
    absence: Option<String>,
    seen: Option<String>,
}

/// Since when an interval is missing, how it ended, and since when that is
/// certain of what moved.
#[derive(Default)]
struct Absence {
    missing: Option<Moment>,
    ended: Option<End>,
    vacated_at: Option<Timestamp>,
}

/// Questions, gathered from their intervals.
#[derive(Default)]
struct Gathered(BTreeMap<i64, Question>);

impl Gathered {
    fn take(&mut self, stored: Stored) -> Result<(), sqlx::Error> {
        let interval = stored.interval()?;
        match self.0.get_mut(&stored.id) {
            Some(known) => known.history.intervals.push(interval),
            None => {
                self.0.insert(stored.id, stored.question(interval)?);
            }
        }
        Ok(())
    }

    /// With their intervals in the order in which they began.
    fn questions(self) -> Vec<Question> {
        let mut questions: Vec<_> = self.0.into_values().collect();
        for question in &mut questions {
            let intervals = &mut question.history.intervals;
            intervals.sort_unstable_by_key(|interval| interval.id);
        }
        questions
    }
}

impl Stored {
    fn question(self, first: Interval) -> Result<Question, sqlx::Error> {
        Ok(Question {
            id: self.id,
            endpoint: self.endpoint,
            key_type: key_type_of_word(&self.key_type),
            is_new: false,
            history: History {
                look: Look {
                    asked: moment(self.asked_at, self.asked_scan),
                    outcome: self.outcome.parse().map_err(row::impossible)?,
                    answered: moment(self.answered_at, self.answered_scan),
                    answers: self.answers,
                    restless: self.restless,
                    truncated: self.truncated,
                    ocsp_staple: self.ocsp_staple.as_deref().map(row::octets).transpose()?,
                    offered: self.offered,
                    session: Arc::new(self.session),
                },
                intervals: vec![first],
                chronology: Arc::default(),
                forgotten: Vec::new(),
                look_changed: false,
                way_changed: false,
            },
            server_name: self.server_name,
        })
    }

    fn failures(&self) -> Result<Failures, sqlx::Error> {
        let Some((looks, scans, at, scan)) = unpack(self.failures.as_deref())? else {
            return Ok(Failures::default());
        };
        Ok(Failures {
            looks,
            scans,
            last: Some(moment(at, scan)),
        })
    }

    fn interval(&self) -> Result<Interval, sqlx::Error> {
        let Absence {
            missing,
            ended,
            vacated_at,
        } = self.absence()?;
        let began = self.began.as_deref().map(str::parse).transpose();
        Ok(Interval {
            id: self.interval,
            certificate: self.certificate,
            chain: self.chain,
            chain_is_partial: self.chain_is_partial != 0,
            began: began.map_err(row::impossible)?,
            previous: self.previous,
            first: moment(self.first_at, self.first_scan),
            longest_away: self.longest_away,
            failures: self.failures()?,
            missing,
            ended,
            vacated_at,
            seen: self.seen()?,
            watched: true,
            is_new: false,
            changed: false,
            failures_changed: false,
        })
    }

    fn absence(&self) -> Result<Absence, sqlx::Error> {
        type Words = (
            Option<i64>,
            Option<i64>,
            Option<i64>,
            Option<i64>,
            Option<String>,
            Option<i64>,
        );
        let Some(words) = unpack(self.absence.as_deref())? else {
            return Ok(Absence::default());
        };
        let (missing_at, missing_scan, ended_at, ended_scan, how, vacated_at): Words = words;
        let how = HowEnded::of_word(how.as_deref().unwrap_or_default());
        let moment = |(at, scan)| moment(at, scan);
        let ended = ended_at.zip(ended_scan).map(moment);
        Ok(Absence {
            missing: missing_at.zip(missing_scan).map(moment),
            ended: ended.map(|at| End { at, how }),
            vacated_at: vacated_at.map(Timestamp::from_micros),
        })
    }

    fn seen(&self) -> Result<Option<Seen>, sqlx::Error> {
        let seen = unpack(self.seen.as_deref())?;
        Ok(seen.map(|(at, scan, answer, session)| Seen {
            last: moment(at, scan),
            answer,
            session: Arc::new(session),
        }))
    }
}

/// Values that stand together in one text, if there are any.
fn unpack<T: DeserializeOwned>(json: Option<&str>) -> Result<Option<T>, sqlx::Error> {
    let values = json.map(serde_json::from_str).transpose();
    values.map_err(row::impossible)
}

fn moment(at: i64, scan: i64) -> Moment {
    Moment {
        at: Timestamp::from_micros(at),
        scan: ScanId::new(scan),
    }
}
