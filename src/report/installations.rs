//! The columns of the main report: all that is known of an installation, row by
//! row.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::{Fingerprint, Trust};
use crate::judge::{Finding, Judgement};

use super::column::{Of, Shared, column};
use super::row::{CertificateRow, Installation, Source};
use super::table::{Table, days_left, hexadecimal, port, scan, serial, severity};
use super::value::Value;

/// The main report, its columns as scripts rely on them: new ones go to the
/// end. Those without a value wait for judgement.
pub static INSTALLATIONS: Table<Installation> = Table {
    kind: "installation",
    certificate: |row| row.certificate.der.as_ref(),
    shared: |row, of| match of {
        Of::Row => None,
        Of::Session if row.source == Source::Import => None,
        Of::Session => Some(Shared::Session(Arc::clone(&row.session))),
        Of::Certificate => Some(Shared::Certificate(Arc::clone(&row.certificate))),
        // Only what is in memory has an address of its own.
        Of::Chain if row.chain.is_empty() => None,
        Of::Chain => Some(Shared::Chain(Arc::clone(&row.chain))),
        Of::Judgement => row.judgement.clone().map(Shared::Judgement),
    },
    columns: &[
        column("zone", |row, _| row.zone.as_ref().map(Value::made).into()),
        column("host", |row, _| Value::text(&row.host)),
        column("ip", |row, _| row.ip.map(Value::made).into()),
        column("port", |row, _| row.port.map(port).into()),
        column("sni", |row, _| row.sni.as_ref().into()),
        column("starttls", |row, _| row.starttls.as_ref().into()),
        column("ptr", |row, _| row.pointer.as_ref().into()),
        Of::Session.column("tls_version", |row, _| {
            row.session.tls_version.as_ref().into()
        }),
        Of::Session.column("protocols", |row, _| Value::list(&row.session.protocols)),
        Of::Session.column("cipher_suite", |row, _| {
            row.session.cipher_suite.as_ref().into()
        }),
        Of::Session.column("key_exchange", |row, _| {
            row.session.key_exchange.as_ref().into()
        }),
        Of::Session.column("client_auth", |row, _| {
            row.session.client_auth.as_ref().into()
        }),
        Of::Session.column("alpn", |row, _| row.session.alpn.as_ref().into()),
        Of::Certificate.column("subject_cn", |row, _| {
            row.certificate.subject_cn.as_ref().into()
        }),
        Of::Certificate.column("subject_dn", |row, _| {
            row.certificate.subject_dn.as_ref().into()
        }),
        Of::Certificate.column("issuer_cn", |row, _| {
            row.certificate.issuer_cn.as_ref().into()
        }),
        Of::Certificate.column("issuer_dn", |row, _| {
            row.certificate.issuer_dn.as_ref().into()
        }),
        Of::Certificate.column("serial", |row, _| {
            row.certificate.serial.as_deref().map(serial).into()
        }),
        Of::Certificate.column("not_before", |row, _| row.certificate.not_before.into()),
        Of::Certificate.column("not_after", |row, _| row.certificate.not_after.into()),
        Of::Certificate.column("days_left", |row, now| {
            days_left(&row.certificate, now).into()
        }),
        Of::Certificate.column("validity_days", |row, _| {
            validity_days(&row.certificate).into()
        }),
        Of::Judgement.column("severity", |row, _| {
            judged(row, |it| Some(severity(it.severity())))
        }),
        Of::Certificate.column("san", |row, _| {
            Value::list(&row.certificate.alternative_names)
        }),
        Of::Certificate.column("key_type", |row, _| {
            row.certificate.key_type.as_ref().into()
        }),
        Of::Certificate.column("key_bits", |row, _| row.certificate.key_bits.into()),
        Of::Certificate.column("signature_algorithm", |row, _| {
            row.certificate.signature_algorithm.as_ref().into()
        }),
        Of::Certificate.column("key_usage", |row, _| {
            Value::list(&row.certificate.key_usage)
        }),
        Of::Certificate.column("eku", |row, _| {
            Value::list(&row.certificate.extended_key_usage)
        }),
        Of::Certificate.column("self_signed", |row, _| row.certificate.self_signed.into()),
        Of::Certificate.column("is_ca", |row, _| row.certificate.is_ca.into()),
        Of::Judgement.column("trust", |row, _| {
            let judgement = row.judgement.as_ref();
            let trust = judgement.map_or(Trust::Unchecked, |it| it.trust);
            Value::text(trust.as_str())
        }),
        Of::Judgement.column("trusted_by", |row, _| {
            judged(row, |it| Some(Value::list(&it.trusted_by)))
        }),
        Of::Judgement.column("root_dn", |row, _| {
            judged(row, |it| it.root.as_ref().map(Value::from))
        }),
        Of::Judgement.column("findings", |row, _| {
            judged(row, |it| Some(rules(it.findings.iter())))
        }),
        Of::Judgement.column("accepted", |row, _| {
            judged(row, |it| {
                let accepted = it.accepted.iter();
                Some(rules(accepted.map(|one| &one.finding)))
            })
        }),
        Of::Judgement.column("owner", |row, _| {
            judged(row, |it| it.owner.as_ref().map(Value::from))
        }),
        Of::Judgement.column("tags", |row, _| {
            judged(row, |it| Some(Value::list(&it.tags)))
        }),
        Of::Certificate.column("sha256", |row, _| Value::made(row.certificate.sha256)),
        Of::Certificate.column("sha1", |row, _| {
            Value::made(hexadecimal(&row.certificate.sha1))
        }),
        Of::Certificate.column("spki_sha256", |row, _| {
            row.certificate.spki_sha256.map(Value::made).into()
        }),
        Of::Chain.column("chain_sha256", |row, _| fingerprints(&row.chain)),
        column("chain_not_after", |row, _| row.chain_not_after.into()),
        column("installations", |row, _| Value::count(row.installations)),
        column("state", |row, _| Value::text(row.state.as_str())),
        column("previous_sha256", |row, _| {
            row.previous.map(Value::made).into()
        }),
        column("first_seen", |row, _| row.first_seen.into()),
        column("last_seen", |row, _| row.last_seen.into()),
        column("last_checked", |row, _| row.last_checked.into()),
        column("source", |row, _| Value::text(row.source.as_str())),
        column("scan_id", |row, _| row.scan.map(scan).into()),
        Of::Session.column("client_auth_issuers", |row, _| {
            Value::list(&row.session.client_auth_issuers)
        }),
        Of::Session.column("hybrid_group", |row, _| {
            row.session.hybrid_group.as_ref().into()
        }),
        Of::Judgement.column("trust_reason", |row, _| {
            judged(row, |it| Some(Value::text(&it.trust_reason)))
        }),
        Of::Judgement.column("details", |row, _| {
            judged(row, |it| Some(details(&it.findings)))
        }),
    ],
};

fn fingerprints<'a>(fingerprints: &[Fingerprint]) -> Value<'a> {
    Value::List(fingerprints.iter().map(Fingerprint::to_string).collect())
}

/// What the judgement says; nothing where nobody judged.
fn judged<'a>(
    row: &'a Installation,
    says: impl FnOnce(&'a Judgement) -> Option<Value<'a>>,
) -> Value<'a> {
    row.judgement.as_deref().and_then(says).into()
}

/// The rules that found something, each once.
fn rules<'a>(findings: impl Iterator<Item = &'a Finding>) -> Value<'static> {
    let mut rules: Vec<String> = Vec::new();
    for finding in findings {
        if !rules.iter().any(|rule| rule == finding.rule) {
            rules.push(finding.rule.to_owned());
        }
    }
    Value::List(Cow::Owned(rules))
}

/// What each of them says: `expiring: ends in 6 days, at ...`.
fn details(findings: &[Finding]) -> Value<'static> {
    let details = findings.iter();
    let details = details.map(|finding| format!("{}: {}", finding.rule, finding.detail));
    Value::List(details.collect())
}

/// Whole days from notBefore to notAfter, rounded down. The second that RFC
/// 5280 section 4.1.2.5 adds by counting both ends is left out.
fn validity_days(certificate: &CertificateRow) -> Option<i64> {
    let start = certificate.not_before?;
    Some(start.days_until(certificate.not_after?))
}
