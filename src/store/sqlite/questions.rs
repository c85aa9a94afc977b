//! Observations → what becomes of their questions.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;

use super::super::StoreError;
use super::absence::FailedLook;
use super::certificates::json;
use super::changes;
use super::endpoints::Known;
use super::histories::{self, Question};
use super::history::History;
use super::interval::{Answer, SessionWords};
use super::moment::Moment;
use super::relatives::Relatives;
use super::statement::next_id;
use crate::domain::{KeyType, Observation, OutcomeKind, Presented, ScanId, Session, Timestamp};
use crate::x509;

/// What one observation says of the questions at its endpoint and name.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    pub(super) endpoint: Known,
    /// Empty where none was sent.
    pub(super) server_name: String,
    /// The key type that it was restricted to.
    pub(super) asked_for: Option<KeyType>,
    pub(super) at: Timestamp,
    pub(super) outcome: OutcomeKind,
    /// What it says of the certificates that it did not bring.
    pub(super) failed: FailedLook,
    /// The key type of the certificate that came, and the answer it is.
    pub(super) answer: Option<(KeyType, Answer)>,
}

/// An endpoint's row and a name, and the questions there.
type Asked = (i64, String);
type Questions = BTreeMap<Asked, BTreeMap<KeyType, Question>>;

/// The next free numbers of rows.
struct Numbers {
    question: i64,
    interval: i64,
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
    let strangers = strangers(&questions, &sayings);
    let relatives = Relatives::find(connection, &strangers).await?;
    let mut numbers = Numbers::free(connection).await?;
    for saying in sayings {
        let there = questions
            .entry((saying.endpoint.id, saying.server_name.clone()))
            .or_default();
        listen(there, saying, scan, &relatives, &mut numbers);
    }
    changes::store(connection, questions.values().flat_map(BTreeMap::values)).await
}

fn listen(
    there: &mut BTreeMap<KeyType, Question>,
    saying: Saying,
    scan: ScanId,
    relatives: &Relatives,
    numbers: &mut Numbers,
) {
    let moment = Moment {
        at: saying.at,
        scan,
    };
    let Some((key_type, answer)) = saying.answer else {
        for (key_type, question) in there {
            if saying.asked_for.is_none_or(|only| only == *key_type) {
                let history = &mut question.history;
                history.unanswered(saying.outcome, &saying.failed, moment);
            }
        }
        return;
    };
    if let Some(asked) = saying.asked_for.filter(|asked| *asked != key_type)
        && let Some(question) = there.get_mut(&asked)
    {
        let outcome = OutcomeKind::NoCertificate;
        question.history.unanswered(outcome, &saying.failed, moment);
    }
    let mut interval_ids = || {
        numbers.interval += 1;
        numbers.interval - 1
    };
    if let Some(question) = there.get_mut(&key_type) {
        let history = &mut question.history;
        history.answered(answer, &saying.failed, moment, relatives, &mut interval_ids);
        return;
    }
    let question = Question {
        id: numbers.question,
        endpoint: saying.endpoint.id,
        server_name: saying.server_name,
        key_type,
        is_new: true,
        history: History::begin(answer, moment, &mut interval_ids),
    };
    there.insert(key_type, question);
    numbers.question += 1;
}

/// The answer of a look that presented a certificate.
pub(super) fn answer(
    look: &Observation,
    presented: &Presented,
    certificate: i64,
    chain: i64,
) -> Answer {
    Answer {
        certificate,
        chain,
        session: SessionWords {
            declined: Some(declined(look)),
            ..words(&presented.session)
        },
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
    sayings: &[Saying],
) -> Result<Questions, StoreError> {
    let wanted: BTreeSet<_> = sayings
        .iter()
        .filter(|saying| !saying.endpoint.is_new)
        .map(|saying| (saying.endpoint.id, saying.server_name.as_str()))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut questions = Questions::new();
    for question in histories::find_asked(connection, &wanted).await? {
        let asked = (question.endpoint, question.server_name.clone());
        let there = questions.entry(asked).or_default();
        there.insert(question.key_type, question);
    }
    Ok(questions)
}

/// The certificates whose relations matter: wherever one came that was not
/// the latest answer, it and all that it may take the place of.
fn strangers(questions: &Questions, sayings: &[Saying]) -> BTreeSet<i64> {
    let mut answers: BTreeMap<(i64, &str, KeyType), BTreeSet<i64>> = BTreeMap::new();
    for saying in sayings {
        if let Some((key_type, answer)) = &saying.answer {
            let question = (saying.endpoint.id, saying.server_name.as_str(), *key_type);
            let certificates = answers.entry(question).or_default();
            certificates.insert(answer.certificate);
        }
    }
    let mut strangers = BTreeSet::new();
    for ((endpoint, server_name, key_type), certificates) in answers {
        let there = questions.get(&(endpoint, server_name.to_owned()));
        let known = there.and_then(|there| there.get(&key_type));
        let latest = known.and_then(|it| it.history.latest_certificate());
        let only = certificates.first().filter(|_| certificates.len() == 1);
        if only.is_some() && (known.is_none() || only.copied() == latest) {
            continue;
        }
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
