//! Observations → what becomes of their questions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::absence::FailedLook;
use super::certificates::json;
use super::changes;
use super::endpoints::KnownEndpoint;
use super::histories::{self, Question};
use super::history::History;
use super::interval::{Answer, SessionWords};
use super::moment::Moment;
use super::relatives::Relatives;
use super::statement::{ManyRows, Values, next_id};
use super::succession::{self, Choice};
use crate::domain::{
    CipherSuite, ClientAuth, KeyExchange, KeyType, Observation, OutcomeKind, Presented, ScanId,
    ServerName, Session, TlsVersion,
};
use crate::x509::{self, Staple};

/// Endpoints where the scan has had a certificate.
const SPEAKING: ManyRows = ManyRows {
    operation: "looking up who speaks TLS",
    before: "with wanted (id, scan_id) as (",
    columns: 2,
    after: ") select w.id from wanted w where exists (\
              select 1 from questions q cross join looks l on l.question_id = q.id \
               where q.endpoint_id = w.id and l.answered_scan = w.scan_id)",
};

/// What one observation says of the questions at its endpoint and name.
#[derive(Clone, Debug)]
pub(super) struct Saying<'a> {
    pub(super) endpoint: KnownEndpoint,
    pub(super) look: &'a Observation,
    /// The key type of the certificate that came, and the answer it is.
    pub(super) answer: Option<(KeyType, Answer)>,
}

/// The inventory's words for sessions: most of a network's are alike.
#[derive(Debug, Default)]
pub(super) struct Wordings<'a>(HashMap<Spoken<'a>, Arc<SessionWords>>);

/// What a session's words tell, the versions declined before it last.
type Spoken<'a> = (
    TlsVersion,
    CipherSuite,
    Option<KeyExchange>,
    Option<&'a [u8]>,
    Option<ClientAuth>,
    &'a [Vec<u8>],
    String,
);

/// An endpoint's row and a name, and the questions there.
type Asked = (i64, String);
type Questions = BTreeMap<Asked, Vec<Question>>;

/// The next free numbers of rows.
struct Numbers {
    question: i64,
    interval: i64,
}

/// Records what `sayings`, sorted by time, say of their questions: an answer
/// of the question of its key type, a failed look of every question known at
/// its endpoint and name. A look restricted to a key type says nothing of the
/// others, but for what answers it; if that is of another key type, then TLS
/// was spoken and there was no certificate of the one asked for. A key type that
/// nobody can ask for is looked for by every open question.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    sayings: Vec<Saying<'_>>,
    scan: ScanId,
) -> Result<(), StoreError> {
    let mut questions = find(connection, &sayings).await?;
    let strangers = strangers(&questions, &sayings, scan);
    let relatives = Relatives::find(connection, &strangers).await?;
    let mut numbers = Numbers::free(connection).await?;
    let speaking = speaking(connection, &sayings, scan).await?;
    for saying in sayings {
        let mut failed = FailedLook::of(saying.look);
        if saying.look.outcome.is_cut_off() && speaking.contains(&saying.endpoint.id) {
            failed = failed.in_doubt();
        }
        let there = questions
            .entry((saying.endpoint.id, name_sent(saying.look).to_owned()))
            .or_insert_with(|| Vec::with_capacity(1));
        listen(there, saying, &failed, scan, &relatives, &mut numbers);
    }
    changes::store(connection, questions.values().flatten()).await
}

/// The endpoints among those of turned-away looks where the scan heard TLS.
async fn speaking(
    connection: &mut SqliteConnection,
    sayings: &[Saying<'_>],
    scan: ScanId,
) -> Result<HashSet<i64>, StoreError> {
    let cut_off = sayings.iter().filter(|it| it.look.outcome.is_cut_off());
    let wanted: BTreeSet<i64> = cut_off.map(|it| it.endpoint.id).collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let spoke = sayings.iter().filter(|it| it.look.outcome.speaks_tls());
    let mut speaking: HashSet<i64> = spoke.map(|it| it.endpoint.id).collect();
    let bind = |values: &mut Values<'_>, endpoint: &i64| {
        values.push_bind(*endpoint).push_bind(scan.number());
    };
    let take = |row: &SqliteRow| {
        speaking.insert(row.try_get(0)?);
        Ok(())
    };
    SPEAKING.fetch(connection, &wanted, bind, take).await?;
    Ok(speaking)
}

/// Hears what was said, and tells what is new by it.
fn listen(
    there: &mut Vec<Question>,
    saying: Saying<'_>,
    failed: &FailedLook,
    scan: ScanId,
    relatives: &Relatives,
    numbers: &mut Numbers,
) {
    let look = saying.look;
    let moment = Moment { at: look.at, scan };
    let chosen = saying.answer.as_ref().filter(|_| look.asked_for.is_none());
    let choice = chosen.map(|(key_type, _)| Choice {
        key_type: *key_type,
        look: failed,
    });
    hear(there, saying, failed, moment, relatives, numbers);
    succession::tell(there, choice, moment, relatives);
}

fn hear(
    there: &mut Vec<Question>,
    saying: Saying<'_>,
    failed: &FailedLook,
    moment: Moment,
    relatives: &Relatives,
    numbers: &mut Numbers,
) {
    let look = saying.look;
    let Some((key_type, answer)) = saying.answer else {
        let asked = |of: &Question| look.asked_for.is_none_or(|only| only == of.key_type);
        for question in there.iter_mut().filter(|question| asked(question)) {
            let history = &mut question.history;
            history.unanswered(look.outcome.kind(), failed, moment);
        }
        return;
    };
    if let Some(asked) = look.asked_for.filter(|asked| *asked != key_type)
        && let Some(question) = question_of(there, asked)
    {
        let outcome = OutcomeKind::NoCertificate;
        question.history.unanswered(outcome, failed, moment);
    }
    if look.asked_for.is_none() {
        // Another of the servers behind a balancer may have answered.
        let outshining = failed.outshining(&answer.session);
        let is_awaited =
            |of: &&mut Question| of.key_type != key_type && !of.key_type.can_be_asked_for();
        for question in there.iter_mut().filter(is_awaited) {
            let outcome = OutcomeKind::NoCertificate;
            question.history.unanswered(outcome, &outshining, moment);
        }
    }
    let mut interval_ids = || {
        numbers.interval += 1;
        numbers.interval - 1
    };
    if let Some(question) = question_of(there, key_type) {
        let history = &mut question.history;
        history.answered(answer, failed, moment, relatives, &mut interval_ids);
        return;
    }
    let question = Question {
        id: numbers.question,
        endpoint: saying.endpoint.id,
        server_name: name_sent(look).to_owned(),
        key_type,
        is_new: true,
        history: History::begin(answer, moment, &mut interval_ids),
    };
    there.push(question);
    numbers.question += 1;
}

fn question_of(there: &mut [Question], key_type: KeyType) -> Option<&mut Question> {
    there.iter_mut().find(|it| it.key_type == key_type)
}

/// The name that was sent; empty where none was.
fn name_sent(look: &Observation) -> &str {
    look.server_name.as_ref().map_or("", ServerName::as_str)
}

impl<'a> Wordings<'a> {
    fn words(&mut self, session: &'a Session, declined: String) -> Arc<SessionWords> {
        let spoken = (
            session.version,
            session.cipher_suite,
            session.key_exchange,
            session.alpn.as_deref(),
            session.client_auth,
            session.acceptable_issuers.as_slice(),
            declined,
        );
        if let Some(words) = self.0.get(&spoken) {
            return Arc::clone(words);
        }
        let words = Arc::new(SessionWords {
            declined: Some(spoken.6.clone()),
            ..words_of(session)
        });
        self.0.insert(spoken, Arc::clone(&words));
        words
    }
}

/// The answer of a look that presented a certificate.
pub(super) fn answer<'a>(
    look: &Observation,
    presented: &'a Presented,
    certificate: i64,
    chain: i64,
    wordings: &mut Wordings<'a>,
) -> Answer {
    Answer {
        certificate,
        chain,
        session: wordings.words(&presented.session, declined(look)),
        truncated: presented.truncated.map(|refusal| refusal.to_string()),
        ocsp_staple: presented.session.ocsp_staple.as_deref().map(cut),
        offered: look.offered().map(|offered| offered.to_string()),
    }
}

/// What is kept of a staple, in octets: no responder's is near it, and it is
/// read again at each look.
const LONGEST_STAPLE: usize = 64 * 1024;

fn cut(staple: &[u8]) -> Vec<u8> {
    staple.get(..LONGEST_STAPLE).unwrap_or(staple).to_vec()
}

/// What was stapled, by what is kept of it.
pub(super) fn staple(kept: &[u8]) -> Staple {
    if kept.len() == LONGEST_STAPLE {
        return Staple::beginning(kept);
    }
    Staple::of(kept)
}

fn words_of(session: &Session) -> SessionWords {
    SessionWords {
        tls_version: session.version.to_string(),
        cipher_suite: session.cipher_suite.to_string(),
        key_exchange: session.key_exchange.map(|exchange| exchange.to_string()),
        alpn: session.alpn_text(),
        client_auth: session.client_auth.map(|auth| auth.as_str().to_owned()),
        client_auth_issuers: (!session.acceptable_issuers.is_empty())
            .then(|| json(&x509::name_texts(&session.acceptable_issuers))),
        declined: None,
    }
}

/// The versions that a look offered and was refused.
fn declined(look: &Observation) -> String {
    let attempts = look.attempts.iter();
    let refused = attempts.filter(|it| it.outcome == OutcomeKind::TlsRefused);
    let versions = refused.flat_map(|it| it.offered.versions());
    let versions: BTreeSet<_> = versions.map(|version| version.to_string()).collect();
    Vec::from_iter(versions).join(" ")
}

async fn find(
    connection: &mut SqliteConnection,
    sayings: &[Saying<'_>],
) -> Result<Questions, StoreError> {
    let wanted: BTreeSet<_> = sayings
        .iter()
        .filter(|saying| !saying.endpoint.is_new)
        .map(|saying| (saying.endpoint.id, name_sent(saying.look)))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut questions = Questions::new();
    for question in histories::find_asked(connection, &wanted).await? {
        let asked = (question.endpoint, question.server_name.clone());
        questions.entry(asked).or_default().push(question);
    }
    Ok(questions)
}

/// The certificates whose relations matter: wherever one came that was not
/// the latest answer, it and all that it may take the place of, those of other
/// key types included; and where one came earlier in this scan, since by what is
/// said now it may have renewed another.
fn strangers(questions: &Questions, sayings: &[Saying<'_>], scan: ScanId) -> BTreeSet<i64> {
    let mut answers: BTreeMap<(i64, &str, KeyType), BTreeSet<i64>> = BTreeMap::new();
    for saying in sayings {
        if let Some((key_type, answer)) = &saying.answer {
            let question = (saying.endpoint.id, name_sent(saying.look), *key_type);
            let certificates = answers.entry(question).or_default();
            certificates.insert(answer.certificate);
        }
    }
    let mut strangers = BTreeSet::new();
    for saying in sayings {
        let there = questions.get(&(saying.endpoint.id, name_sent(saying.look).to_owned()));
        let several = there.filter(|there| there.len() > 1);
        let is_news = |it: &&Vec<Question>| it.iter().any(|it| it.history.has_news_of(scan));
        let latest = several.filter(is_news).into_iter().flatten();
        strangers.extend(latest.filter_map(|it| it.history.latest_certificate()));
    }
    for ((endpoint, server_name, key_type), certificates) in answers {
        let there = questions.get(&(endpoint, server_name.to_owned()));
        let known = there.and_then(|there| there.iter().find(|it| it.key_type == key_type));
        let latest = known.and_then(|it| it.history.latest_certificate());
        let only = certificates.first().filter(|_| certificates.len() == 1);
        if only.is_some() && (there.is_none() || only.copied() == latest) {
            continue;
        }
        let others = there.into_iter().flatten();
        let others = others.filter(|it| it.key_type != key_type);
        strangers.extend(others.filter_map(|it| it.history.latest_certificate()));
        strangers.extend(certificates);
        strangers.extend(known.iter().flat_map(|it| it.history.certificates()));
    }
    strangers
}

impl Numbers {
    async fn free(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let operation = "numbering questions";
        let highest = "select max(id) from questions";
        let question = next_id(connection, operation, highest).await?;
        let highest = "select max(id) from (select max(id) as id from installations \
            union all select installation_id from pruned)";
        let interval = next_id(connection, operation, highest).await?;
        Ok(Self { question, interval })
    }
}
