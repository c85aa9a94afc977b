//! Examinations → one JSON object.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::examination::{Examination, Look};
use super::page::{acceptance_word, hybrid_word};
use crate::domain::{ClientAuth, KeyType, Outcome, Session, Survey, Timestamp};
use crate::judge::{Finding, Judgement};
use crate::probe::{ClientCertificate, Handshaken, Verdict};
use crate::report::{CERTIFICATES, CertificateRow, CertificateUse, Format, Head, Report};
use crate::x509::{self, Certificate};

/// The fields that a certificate in a list of its own has, and one in the
/// middle of a document has not.
const OF_A_LINE: [&str; 5] = ["installations", "schema", "type", "tool", "now"];

/// The version of the fields.
const SCHEMA: u32 = 1;

/// Everything about one target; `outcome` is what it came to.
pub(super) fn document(
    target: &str,
    outcome: &Outcome,
    examinations: &[Examination],
    now: Timestamp,
) -> Value {
    let head = Head::at(now);
    let endpoints = examinations
        .iter()
        .map(|examination| endpoint(examination, &head));
    json!({
        "target": target,
        "outcome": outcome.kind().as_str(),
        "detail": outcome.detail(),
        "endpoints": endpoints.collect::<Vec<_>>(),
        "schema": SCHEMA,
        "type": "probe",
        "tool": head.tool,
        "now": now.to_string(),
    })
}

fn endpoint(examination: &Examination, head: &Head) -> Value {
    let endpoint = &examination.endpoint;
    let questions = examination.looks.iter().map(|look| question(look, head));
    let survey = examination.survey.as_ref();
    json!({
        "zone": endpoint.zone.as_str(),
        "ip": endpoint.address.to_string(),
        "port": endpoint.port.number(),
        "starttls": endpoint.dialect.starttls(),
        "ptr": examination.pointer.name(),
        "questions": questions.collect::<Vec<_>>(),
        "versions": survey.map(versions),
        "hybrid_group": survey.and_then(|survey| survey.hybrid_group).map(hybrid_word),
        "handshakes": examination.handshakes.iter().map(handshake).collect::<Vec<_>>(),
    })
}

fn question(look: &Look, head: &Head) -> Value {
    let seen = &look.observation;
    let (negotiated, banner) = match &seen.outcome {
        Outcome::Certificate(presented) => (Some(&presented.session), None),
        Outcome::NoCertificate(_, session) => (session.as_deref(), None),
        Outcome::NotTls(_, said) => (None, Some(String::from_utf8_lossy(said))),
        Outcome::TlsRefused(_)
        | Outcome::Silent(_)
        | Outcome::Broken(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => (None, None),
    };
    let certificates = look.chain.iter().map(|one| certificate(one, head));
    let attempts = seen.attempts.iter().map(ToString::to_string);
    let mut fields = json!({
        "sni": seen.server_name.as_ref().map(ToString::to_string),
        "starttls": look.dialect().starttls(),
        "asked_for": seen.asked_for.map(KeyType::as_str),
        "outcome": seen.outcome.kind().as_str(),
        "detail": seen.outcome.detail(),
        "banner": banner,
        "attempts": attempts.collect::<Vec<_>>(),
        "certificates": certificates.collect::<Vec<_>>(),
    });
    add(&mut fields, session(negotiated));
    add(&mut fields, judged(look.judgement.as_ref()));
    fields
}

fn judged(judgement: Option<&Judgement>) -> Value {
    let finding = |it: &Finding| {
        json!({
            "finding": it.rule,
            "severity": it.severity.as_str(),
            "detail": it.detail,
            "certificate": it.certificate.map(|it| it.to_string()),
        })
    };
    let findings = judgement.map(|it| it.findings.iter().map(finding).collect::<Value>());
    let accepted = |it: &Judgement| it.accepted.iter().map(|it| finding(&it.finding)).collect();
    json!({
        "trust": judgement.map(|it| it.trust.as_str()),
        "trust_reason": judgement.map(|it| &it.trust_reason),
        "trusted_by": judgement.map(|it| &it.trusted_by),
        "root_dn": judgement.and_then(|it| it.root.as_ref()),
        "findings": findings,
        "accepted": judgement.map::<Value, _>(accepted),
    })
}

fn session(session: Option<&Session>) -> Value {
    let staple = session.and_then(|session| session.ocsp_staple.as_ref());
    let exchange = session.and_then(|session| session.key_exchange);
    let client_auth = session.and_then(|session| session.client_auth);
    json!({
        "tls_version": session.map(|session| session.version.to_string()),
        "cipher_suite": session.map(|session| session.cipher_suite.to_string()),
        "key_exchange": exchange.map(|exchange| exchange.to_string()),
        "alpn": session.and_then(Session::alpn_text),
        "client_auth": client_auth.map(ClientAuth::as_str),
        "acceptable_issuers": session.map(|session| x509::name_texts(&session.acceptable_issuers)),
        "ocsp_staple_bytes": staple.map(Vec::len),
    })
}

fn versions(survey: &Survey) -> Value {
    let versions = survey.versions.iter().map(|(version, acceptance)| {
        let word = acceptance_word(*acceptance);
        (version.to_string(), Value::from(word))
    });
    Value::Object(versions.collect())
}

fn handshake(handshaken: &Handshaken) -> Value {
    let verdict = &handshaken.verdict;
    let hint = match verdict {
        Verdict::TlsError(fault) => fault.hint(),
        Verdict::Accepted(_) | Verdict::Rejected(_) | Verdict::Unreachable(_) => None,
    };
    let verified = handshaken.verified.as_ref();
    let mut fields = session(handshaken.session.as_ref());
    add(
        &mut fields,
        json!({
            "verdict": verdict.as_str(),
            "detail": verdict.detail(),
            "hint": hint,
            "client_certificate": match handshaken.client_certificate {
                ClientCertificate::NotAsked => "not-asked",
                ClientCertificate::NotSent => "not-sent",
                ClientCertificate::Sent => "sent",
            },
            "client_auth": handshaken.client_auth().map(ClientAuth::as_str),
            "verified": verified.map(Result::is_ok),
            "verification_error": verified.and_then(|verified| verified.as_ref().err()),
        }),
    );
    fields
}

/// A certificate with the fields and the words of the reports.
fn certificate(certificate: &Certificate, head: &Head) -> Value {
    let row = CertificateUse {
        certificate: Arc::new(CertificateRow {
            der: Some(certificate.der.clone()),
            ..CertificateRow::of(certificate)
        }),
        installations: 0,
        severity: None,
    };
    let mut line = Vec::new();
    let written = Report::begin(&mut line, Format::JsonLines, &CERTIFICATES, head.clone())
        .and_then(|mut report| {
            report.row(&row)?;
            report.end()
        });
    // Writing to a Vec can't fail, and what a report writes can be read.
    let read = written
        .ok()
        .and_then(|()| serde_json::from_slice(&line).ok());
    let mut fields: Map<String, Value> = read.unwrap_or_default();
    fields.retain(|name, _| !OF_A_LINE.contains(&name.as_str()));
    Value::Object(fields)
}

/// Adds the fields of one object to another.
fn add(fields: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (fields, more) {
        fields.extend(more);
    }
}
