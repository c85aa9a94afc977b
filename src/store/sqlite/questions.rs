//! Observations → questions, looks and installations.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::certificates::{json, key_type_of_word};
use super::history::{Answer, End, History, Interval, Look, SessionWords};
use super::moment::Moment;
use super::row;
use super::statement::{ManyRows, next_id};
use crate::domain::{KeyType, OutcomeKind, Presented, ScanId, Session, Timestamp};
use crate::x509;

const FIND: ManyRows = ManyRows {
    operation: "looking up questions",
    before: "with wanted (endpoint_id, server_name) as (",
    columns: 2,
    after: ") select q.id, q.endpoint_id, q.server_name, q.key_type, \
            l.asked_at, l.outcome, l.scan_id, l.answered_at, l.answered_scan, \
            l.tls_version, l.cipher_suite, l.key_exchange, l.alpn, l.client_auth, \
            l.client_auth_issuers, l.truncated, l.ocsp_staple, \
            i.id, i.certificate_id, i.chain_id, i.chain_is_partial, i.previous_id, \
            i.first_seen, i.first_scan \
            from wanted w cross join questions q \
            on q.endpoint_id = w.endpoint_id and q.server_name = w.server_name \
            join looks l on l.question_id = q.id \
            left join installations i on i.question_id = q.id and i.last_seen is null",
};

const INSERT: ManyRows = ManyRows {
    operation: "storing questions",
    before: "insert into questions (id, endpoint_id, server_name, key_type) ",
    columns: 4,
    after: "",
};

const STORE_LOOKS: ManyRows = ManyRows {
    operation: "storing looks",
    before: "insert into looks (question_id, asked_at, outcome, scan_id, answered_at, \
             answered_scan, tls_version, cipher_suite, key_exchange, alpn, client_auth, \
             client_auth_issuers, truncated, ocsp_staple) ",
    columns: 14,
    after: " on conflict (question_id) do update set asked_at = excluded.asked_at, \
            outcome = excluded.outcome, scan_id = excluded.scan_id, \
            answered_at = excluded.answered_at, answered_scan = excluded.answered_scan, \
            tls_version = excluded.tls_version, cipher_suite = excluded.cipher_suite, \
            key_exchange = excluded.key_exchange, alpn = excluded.alpn, \
            client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers, \
            truncated = excluded.truncated, ocsp_staple = excluded.ocsp_staple",
};

/// Ended ones first: a question has one current installation at a time.
const STORE_INSTALLATIONS: ManyRows = ManyRows {
    operation: "storing installations",
    before: "insert into installations (id, question_id, certificate_id, chain_id, \
             chain_is_partial, state, previous_id, first_seen, last_seen, first_scan, last_scan, \
             ended_scan, tls_version, cipher_suite, key_exchange, alpn, client_auth, \
             client_auth_issuers) ",
    columns: 18,
    after: " on conflict (id) do update set chain_id = excluded.chain_id, \
            chain_is_partial = excluded.chain_is_partial, state = excluded.state, \
            last_seen = excluded.last_seen, last_scan = excluded.last_scan, \
            ended_scan = excluded.ended_scan, tls_version = excluded.tls_version, \
            cipher_suite = excluded.cipher_suite, key_exchange = excluded.key_exchange, \
            alpn = excluded.alpn, client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers",
};

/// What one observation says of the questions at its endpoint and name.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    pub(super) endpoint: i64,
    /// Empty where none was sent.
    pub(super) server_name: String,
    /// The key type that it was restricted to.
    pub(super) asked_for: Option<KeyType>,
    pub(super) at: Timestamp,
    pub(super) outcome: OutcomeKind,
    /// The key type of the certificate that came, and the answer it is.
    pub(super) answer: Option<(KeyType, Answer)>,
}

type Asked = (i64, String);

struct Question {
    id: i64,
    new: bool,
    history: History,
}

/// Records what `sayings`, sorted by time, say of their questions: an answer
/// of the question of its key type, a failed look of every question known at
/// its endpoint and name. A look restricted to a key type says nothing of the
/// others, but for what answers it; if that is of another key type, then TLS
/// was spoken and there was no certificate of the one asked for.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    sayings: Vec<Saying>,
    scan: ScanId,
) -> Result<(), StoreError> {
    let mut questions = find(connection, &sayings).await?;
    let highest = "select max(id) from questions";
    let mut next_question = next_id(connection, INSERT.operation, highest).await?;
    let highest = "select max(id) from installations";
    let mut next = next_id(connection, STORE_INSTALLATIONS.operation, highest).await?;
    let mut installation_ids = || {
        next += 1;
        next - 1
    };
    for saying in sayings {
        let at = saying.at;
        let moment = Moment { at, scan };
        let there = questions
            .entry((saying.endpoint, saying.server_name))
            .or_default();
        let Some((key_type, answer)) = saying.answer else {
            unanswered(there, saying.asked_for, saying.outcome, moment);
            continue;
        };
        if saying.asked_for.is_some_and(|asked| asked != key_type) {
            unanswered(there, saying.asked_for, OutcomeKind::NoCertificate, moment);
        }
        if let Some(question) = there.get_mut(&key_type) {
            let history = &mut question.history;
            history.answered(answer, moment, &mut installation_ids);
        } else {
            let question = Question {
                id: next_question,
                new: true,
                history: History::begin(answer, moment, &mut installation_ids),
            };
            there.insert(key_type, question);
            next_question += 1;
        }
    }
    store(connection, &questions).await
}

/// A look at the questions of one endpoint and name that brought no answer:
/// at all of them, or at that of the key type it was restricted to.
fn unanswered(
    there: &mut BTreeMap<KeyType, Question>,
    asked_for: Option<KeyType>,
    outcome: OutcomeKind,
    moment: Moment,
) {
    for (key_type, question) in there {
        if asked_for.is_none_or(|only| only == *key_type) {
            question.history.asked(outcome, moment);
        }
    }
}

/// The answer in an observation that presented a certificate.
pub(super) fn answer(presented: &Presented, certificate: i64, chain: i64) -> Answer {
    Answer {
        certificate,
        chain,
        session: words(&presented.session),
        truncated: presented.truncated.map(|refusal| refusal.to_string()),
        ocsp_staple: presented.session.ocsp_staple.clone(),
    }
}

fn words(session: &Session) -> SessionWords {
    SessionWords {
        tls_version: session.version.to_string(),
        cipher_suite: session.cipher_suite.to_string(),
        key_exchange: session.key_exchange.map(|exchange| exchange.to_string()),
        alpn: session.alpn_text(),
        client_auth: session.client_auth.map(|auth| auth.as_str().to_owned()),
        client_auth_issuers: (!session.acceptable_issuers.is_empty())
            .then(|| json(&x509::name_texts(&session.acceptable_issuers))),
    }
}

async fn find(
    connection: &mut SqliteConnection,
    sayings: &[Saying],
) -> Result<BTreeMap<Asked, BTreeMap<KeyType, Question>>, StoreError> {
    let wanted: BTreeSet<_> = sayings
        .iter()
        .map(|saying| (saying.endpoint, saying.server_name.as_str()))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut questions: BTreeMap<Asked, BTreeMap<KeyType, Question>> = BTreeMap::new();
    FIND.fetch(
        connection,
        &wanted,
        |values, (endpoint, server_name)| {
            values
                .push_bind(*endpoint)
                .push_bind((*server_name).to_owned());
        },
        |row| {
            let key_type = key_type_of_word(row.try_get(3)?);
            let there = questions.entry((row.try_get(1)?, row.try_get(2)?));
            let question = Question {
                id: row.try_get(0)?,
                new: false,
                history: History {
                    look: read_look(row)?,
                    current: read_interval(row)?,
                    ended: Vec::new(),
                    look_changed: false,
                    current_changed: false,
                },
            };
            there.or_default().insert(key_type, question);
            Ok(())
        },
    )
    .await?;
    Ok(questions)
}

fn read_look(row: &SqliteRow) -> Result<Look, sqlx::Error> {
    Ok(Look {
        asked: row::moment(row, 4, 6)?,
        outcome: row::outcome(row, 5)?,
        answered: row::moment(row, 7, 8)?,
        session: SessionWords {
            tls_version: row.try_get(9)?,
            cipher_suite: row.try_get(10)?,
            key_exchange: row.try_get(11)?,
            alpn: row.try_get(12)?,
            client_auth: row.try_get(13)?,
            client_auth_issuers: row.try_get(14)?,
        },
        truncated: row.try_get(15)?,
        ocsp_staple: row.try_get(16)?,
    })
}

fn read_interval(row: &SqliteRow) -> Result<Option<Interval>, sqlx::Error> {
    let Some(id) = row.try_get(17)? else {
        return Ok(None);
    };
    Ok(Some(Interval {
        id,
        certificate: row.try_get(18)?,
        chain: row.try_get(19)?,
        chain_is_partial: row.try_get(20)?,
        previous: row.try_get(21)?,
        first: row::moment(row, 22, 23)?,
        end: None,
    }))
}

async fn store(
    connection: &mut SqliteConnection,
    questions: &BTreeMap<Asked, BTreeMap<KeyType, Question>>,
) -> Result<(), StoreError> {
    let mut new = Vec::new();
    let mut looks = Vec::new();
    let mut intervals = Vec::new();
    for ((endpoint, server_name), there) in questions {
        for (key_type, question) in there {
            if question.new {
                new.push((question.id, *endpoint, server_name.as_str(), *key_type));
            }
            if question.history.look_changed {
                looks.push((question.id, &question.history.look));
            }
            let changed = question.history.changed_intervals();
            intervals.extend(changed.map(|interval| (question.id, interval)));
        }
    }
    INSERT
        .execute(
            connection,
            &new,
            |values, (id, endpoint, name, key_type)| {
                values
                    .push_bind(*id)
                    .push_bind(*endpoint)
                    .push_bind((*name).to_owned())
                    .push_bind(key_type.as_str());
            },
        )
        .await?;
    store_intervals(connection, &mut intervals).await?;
    store_looks(connection, &looks).await
}

async fn store_looks(
    connection: &mut SqliteConnection,
    looks: &[(i64, &Look)],
) -> Result<(), StoreError> {
    STORE_LOOKS
        .execute(connection, looks, |values, (question, look)| {
            values
                .push_bind(*question)
                .push_bind(look.asked.at.micros())
                .push_bind(look.outcome.as_str())
                .push_bind(look.asked.scan.number())
                .push_bind(look.answered.at.micros())
                .push_bind(look.answered.scan.number())
                .push_bind(look.session.tls_version.clone())
                .push_bind(look.session.cipher_suite.clone())
                .push_bind(look.session.key_exchange.clone())
                .push_bind(look.session.alpn.clone())
                .push_bind(look.session.client_auth.clone())
                .push_bind(look.session.client_auth_issuers.clone())
                .push_bind(look.truncated.clone())
                .push_bind(look.ocsp_staple.clone());
        })
        .await
}

async fn store_intervals(
    connection: &mut SqliteConnection,
    intervals: &mut [(i64, &Interval)],
) -> Result<(), StoreError> {
    intervals.sort_by_key(|(_, interval)| (interval.end.is_none(), interval.id));
    STORE_INSTALLATIONS
        .execute(connection, intervals, |values, (question, interval)| {
            let end: Option<&End> = interval.end.as_ref();
            let session = end.map(|end| &end.session);
            values
                .push_bind(interval.id)
                .push_bind(*question)
                .push_bind(interval.certificate)
                .push_bind(interval.chain)
                .push_bind(interval.chain_is_partial)
                .push_bind(if end.is_some() { "gone" } else { "current" })
                .push_bind(interval.previous)
                .push_bind(interval.first.at.micros())
                .push_bind(end.map(|end| end.last.at.micros()))
                .push_bind(interval.first.scan.number())
                .push_bind(end.map(|end| end.last.scan.number()))
                .push_bind(end.map(|end| end.scan.number()))
                .push_bind(session.map(|session| session.tls_version.clone()))
                .push_bind(session.map(|session| session.cipher_suite.clone()))
                .push_bind(session.and_then(|session| session.key_exchange.clone()))
                .push_bind(session.and_then(|session| session.alpn.clone()))
                .push_bind(session.and_then(|session| session.client_auth.clone()))
                .push_bind(session.and_then(|session| session.client_auth_issuers.clone()));
        })
        .await
}
