//! What changed in histories → rows of questions, looks, failures and
//! installations.

use sqlx::SqliteConnection;

use super::super::StoreError;
use super::absence::Failures;
use super::histories::Question;
use super::interval::{Interval, SessionWords};
use super::look::Look;
use super::moment::Moment;
use super::statement::{ManyRows, Values};
use crate::domain::Timestamp;
use crate::report::{EventKind, InstallationState};

const INSERT: ManyRows = ManyRows {
    operation: "storing questions",
    before: "insert into questions (id, endpoint_id, server_name, key_type) ",
    columns: 4,
    after: "",
};

const STORE_LOOKS: ManyRows = ManyRows {
    operation: "storing looks",
    before: "insert into looks (question_id, asked_at, scan_id, outcome, answered_at, \
             answered_scan, answers, restless, truncated, ocsp_staple, offered, \
             tls_version, cipher_suite, key_exchange, alpn, client_auth, client_auth_issuers, \
             declined) ",
    columns: 18,
    after: " on conflict (question_id) do update set asked_at = excluded.asked_at, \
            scan_id = excluded.scan_id, outcome = excluded.outcome, \
            answered_at = excluded.answered_at, answered_scan = excluded.answered_scan, \
            answers = excluded.answers, restless = excluded.restless, \
            truncated = excluded.truncated, ocsp_staple = excluded.ocsp_staple, \
            offered = excluded.offered, tls_version = excluded.tls_version, cipher_suite = excluded.cipher_suite, \
            key_exchange = excluded.key_exchange, alpn = excluded.alpn, \
            client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers, \
            declined = excluded.declined",
};

/// Those that came as the last one did.
const UPDATE_LOOKS: ManyRows = ManyRows {
    operation: "storing looks",
    before: "with seen (question_id, asked_at, scan_id, outcome, answered_at, answered_scan, \
             answers, restless) as (",
    columns: 8,
    after: ") update looks set asked_at = seen.asked_at, scan_id = seen.scan_id, \
            outcome = seen.outcome, answered_at = seen.answered_at, \
            answered_scan = seen.answered_scan, answers = seen.answers, \
            restless = seen.restless from seen where looks.question_id = seen.question_id",
};

const STORE_FAILURES: ManyRows = ManyRows {
    operation: "storing failed looks",
    before: "insert into failures (installation_id, looks, scans, at, scan_id) ",
    columns: 5,
    after: " on conflict (installation_id) do update set looks = excluded.looks, \
            scans = excluded.scans, at = excluded.at, scan_id = excluded.scan_id",
};

const REMOVE_FAILURES: ManyRows = ManyRows {
    operation: "storing failed looks",
    before: "delete from failures where installation_id in (",
    columns: 1,
    after: ")",
};

/// Those of which there is no more to be said than that they began.
const BEGIN_INTERVALS: ManyRows = ManyRows {
    operation: "storing installations",
    before: "insert into installations (id, question_id, certificate_id, chain_id, \
             chain_is_partial, state, began, previous_id, first_seen, first_scan) ",
    columns: 10,
    after: "",
};

const STORE_INTERVALS: ManyRows = ManyRows {
    operation: "storing installations",
    before: "insert into installations (id, question_id, certificate_id, chain_id, \
             chain_is_partial, state, began, previous_id, first_seen, first_scan, \
             longest_away, watched, missing_at, missing_scan, ended_at, ended_scan, ended_as, \
             vacated_at, last_seen, last_scan, last_answer, tls_version, cipher_suite, \
             key_exchange, alpn, client_auth, client_auth_issuers, declined) ",
    columns: 28,
    after: " on conflict (id) do update set chain_id = excluded.chain_id, \
            chain_is_partial = excluded.chain_is_partial, state = excluded.state, \
            began = excluded.began, previous_id = excluded.previous_id, \
            longest_away = excluded.longest_away, watched = excluded.watched, \
            missing_at = excluded.missing_at, missing_scan = excluded.missing_scan, \
            ended_at = excluded.ended_at, ended_scan = excluded.ended_scan, \
            ended_as = excluded.ended_as, vacated_at = excluded.vacated_at, \
            last_seen = excluded.last_seen, last_scan = excluded.last_scan, \
            last_answer = excluded.last_answer, tls_version = excluded.tls_version, \
            cipher_suite = excluded.cipher_suite, key_exchange = excluded.key_exchange, \
            alpn = excluded.alpn, client_auth = excluded.client_auth, \
            client_auth_issuers = excluded.client_auth_issuers, \
            declined = excluded.declined",
};

const REMOVE_INTERVALS: ManyRows = ManyRows {
    operation: "forgetting installations",
    before: "delete from installations where id in (",
    columns: 1,
    after: ")",
};

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

/// What has to be written, table by table.
#[derive(Default)]
struct Changes<'a> {
    new: Vec<&'a Question>,
    looks: Vec<(i64, &'a Look)>,
    looks_alike: Vec<(i64, &'a Look)>,
    failures: Vec<(i64, Failures, Moment)>,
    no_failures: Vec<i64>,
    begun: Vec<(i64, &'a Interval)>,
    intervals: Vec<(i64, &'a Interval)>,
    forgotten: Vec<i64>,
}

impl<'a> Changes<'a> {
    fn add(&mut self, question: &'a Question) {
        let Question { id, history, .. } = question;
        if question.is_new {
            self.new.push(question);
        }
        if history.way_changed {
            self.looks.push((*id, &history.look));
        } else if history.look_changed {
            self.looks_alike.push((*id, &history.look));
        }
        for interval in history.changed_intervals() {
            if interval.is_mere_beginning() {
                self.begun.push((*id, interval));
            } else {
                self.intervals.push((*id, interval));
            }
        }
        for interval in history.changed_failures() {
            match interval.failures.last {
                Some(last) => self.failures.push((interval.id, interval.failures, last)),
                None => self.no_failures.push(interval.id),
            }
        }
        self.forgotten.extend(&history.forgotten);
    }

    async fn store(mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        INSERT
            .execute(connection, &self.new, |values, question| {
                bind_question(values, question);
            })
            .await?;
        STORE_LOOKS
            .execute(connection, &self.looks, bind_look)
            .await?;
        UPDATE_LOOKS
            .execute(connection, &self.looks_alike, bind_times)
            .await?;
        // One of a question is its latest answer at a time: first what is no
        // longer.
        self.intervals
            .sort_by_key(|(_, interval)| (interval.seen.is_none(), interval.id));
        STORE_INTERVALS
            .execute(connection, &self.intervals, bind_interval)
            .await?;
        BEGIN_INTERVALS
            .execute(connection, &self.begun, bind_beginning)
            .await?;
        STORE_FAILURES
            .execute(connection, &self.failures, bind_failures)
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

fn bind_question(values: &mut Values<'_>, question: &Question) {
    values
        .push_bind(question.id)
        .push_bind(question.endpoint)
        .push_word(&question.server_name)
        .push_word(question.key_type.as_str());
}

fn bind_times(values: &mut Values<'_>, (question, look): &(i64, &Look)) {
    values
        .push_bind(*question)
        .push_bind(look.asked.at.micros())
        .push_bind(look.asked.scan.number())
        .push_word(look.outcome.as_str())
        .push_bind(look.answered.at.micros())
        .push_bind(look.answered.scan.number())
        .push_bind(look.answers)
        .push_bind(look.restless);
}

fn bind_look(values: &mut Values<'_>, look: &(i64, &Look)) {
    bind_times(values, look);
    let (_, look) = look;
    values
        .push_optional_word(look.truncated.as_deref())
        .push_bind(look.ocsp_staple.clone())
        .push_optional_word(look.offered.as_deref());
    bind_session(values, Some(&look.session));
}

fn bind_failures(values: &mut Values<'_>, (interval, failures, last): &(i64, Failures, Moment)) {
    values
        .push_bind(*interval)
        .push_bind(failures.looks)
        .push_bind(failures.scans)
        .push_bind(last.at.micros())
        .push_bind(last.scan.number());
}

fn bind_beginning(values: &mut Values<'_>, (question, interval): &(i64, &Interval)) {
    values
        .push_bind(interval.id)
        .push_bind(*question)
        .push_bind(interval.certificate)
        .push_bind(interval.chain)
        .push_bind(interval.chain_is_partial)
        .push_word(state(interval).as_str())
        .push_optional_word(interval.began.map(EventKind::as_str))
        .push_bind(interval.previous);
    bind_moment(values, Some(interval.first));
}

fn bind_interval(values: &mut Values<'_>, interval: &(i64, &Interval)) {
    bind_beginning(values, interval);
    let (_, interval) = interval;
    let seen = interval.seen.as_ref();
    values
        .push_bind(interval.longest_away)
        .push_bind(interval.watched);
    bind_moment(values, interval.missing);
    bind_moment(values, interval.ended.map(|end| end.at));
    values.push_optional_word(interval.ended.map(|end| end.how.as_str()));
    values.push_bind(interval.vacated_at.map(Timestamp::micros));
    bind_moment(values, seen.map(|seen| seen.last));
    values.push_bind(seen.map(|seen| seen.answer));
    bind_session(values, seen.map(|seen| &*seen.session));
}

fn bind_moment(values: &mut Values<'_>, moment: Option<Moment>) {
    values
        .push_bind(moment.map(|moment| moment.at.micros()))
        .push_bind(moment.map(|moment| moment.scan.number()));
}

fn bind_session(values: &mut Values<'_>, session: Option<&SessionWords>) {
    values
        .push_optional_word(session.map(|it| it.tls_version.as_str()))
        .push_optional_word(session.map(|it| it.cipher_suite.as_str()))
        .push_optional_word(session.and_then(|it| it.key_exchange.as_deref()))
        .push_optional_word(session.and_then(|it| it.alpn.as_deref()))
        .push_optional_word(session.and_then(|it| it.client_auth.as_deref()))
        .push_optional_word(session.and_then(|it| it.client_auth_issuers.as_deref()))
        .push_optional_word(session.and_then(|it| it.declined.as_deref()));
}

fn state(interval: &Interval) -> InstallationState {
    match (interval.ended, interval.missing) {
        (Some(_), _) => InstallationState::Gone,
        (None, Some(_)) => InstallationState::Missing,
        (None, None) => InstallationState::Current,
    }
}
