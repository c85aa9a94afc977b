//! The columns of every report: one definition, from which the header, the
//! cells and the JSON fields derive.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use data_encoding::HEXLOWER;

use crate::domain::{
    Der, Fingerprint, OutcomeKind, Port, ScanId, Severity, Tally, Timestamp, Trust,
};
use crate::judge::{Finding, Judgement};

use super::column::{
    Column, Of, Shared, column, of_certificate, of_chain, of_judgement, of_session,
};
use super::row::{
    CertificateRow, CertificateUse, Coverage, EndpointRow, Installation, ScanRow, Source,
};
use super::value::Value;

/// The columns of one kind of row.
#[derive(Debug)]
pub struct Table<Row: 'static> {
    /// The word for a row: `type` in JSON lines.
    pub kind: &'static str,
    /// Its columns, in the order of the report.
    pub columns: &'static [Column<Row>],
    /// The bytes of a row's certificate, where it has them: `pem` in JSON
    /// lines.
    pub(super) certificate: fn(&Row) -> Option<&Der>,
    /// What several rows have in common, where this one has it.
    pub(super) shared: fn(&Row, Of) -> Option<Shared>,
}

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
        of_session("tls_version", |row, _| {
            row.session.tls_version.as_ref().into()
        }),
        of_session("protocols", |row, _| Value::list(&row.session.protocols)),
        of_session("cipher_suite", |row, _| {
            row.session.cipher_suite.as_ref().into()
        }),
        of_session("key_exchange", |row, _| {
            row.session.key_exchange.as_ref().into()
        }),
        of_session("client_auth", |row, _| {
            row.session.client_auth.as_ref().into()
        }),
        of_session("alpn", |row, _| row.session.alpn.as_ref().into()),
        of_certificate("subject_cn", |row, _| {
            row.certificate.subject_cn.as_ref().into()
        }),
        of_certificate("subject_dn", |row, _| {
            row.certificate.subject_dn.as_ref().into()
        }),
        of_certificate("issuer_cn", |row, _| {
            row.certificate.issuer_cn.as_ref().into()
        }),
        of_certificate("issuer_dn", |row, _| {
            row.certificate.issuer_dn.as_ref().into()
        }),
        of_certificate("serial", |row, _| {
            row.certificate.serial.as_deref().map(serial).into()
        }),
        of_certificate("not_before", |row, _| row.certificate.not_before.into()),
        of_certificate("not_after", |row, _| row.certificate.not_after.into()),
        of_certificate("days_left", |row, now| {
            days_left(&row.certificate, now).into()
        }),
        of_certificate("validity_days", |row, _| {
            validity_days(&row.certificate).into()
        }),
        of_judgement("severity", |row, _| {
            judged(row, |it| Some(severity(it.severity())))
        }),
        of_certificate("san", |row, _| {
            Value::list(&row.certificate.alternative_names)
        }),
        of_certificate("key_type", |row, _| {
            row.certificate.key_type.as_ref().into()
        }),
        of_certificate("key_bits", |row, _| row.certificate.key_bits.into()),
        of_certificate("signature_algorithm", |row, _| {
            row.certificate.signature_algorithm.as_ref().into()
        }),
        of_certificate("key_usage", |row, _| {
            Value::list(&row.certificate.key_usage)
        }),
        of_certificate("eku", |row, _| {
            Value::list(&row.certificate.extended_key_usage)
        }),
        of_certificate("self_signed", |row, _| row.certificate.self_signed.into()),
        of_certificate("is_ca", |row, _| row.certificate.is_ca.into()),
        of_judgement("trust", |row, _| {
            let judgement = row.judgement.as_ref();
            let trust = judgement.map_or(Trust::Unchecked, |it| it.trust);
            Value::text(trust.as_str())
        }),
        of_judgement("trusted_by", |row, _| {
            judged(row, |it| Some(Value::list(&it.trusted_by)))
        }),
        of_judgement("root_dn", |row, _| {
            judged(row, |it| it.root.as_ref().map(Value::from))
        }),
        of_judgement("findings", |row, _| {
            judged(row, |it| Some(rules(it.findings.iter())))
        }),
        of_judgement("accepted", |row, _| {
            judged(row, |it| {
                let accepted = it.accepted.iter();
                Some(rules(accepted.map(|one| &one.finding)))
            })
        }),
        of_judgement("owner", |row, _| {
            judged(row, |it| it.owner.as_ref().map(Value::from))
        }),
        of_judgement("tags", |row, _| {
            judged(row, |it| Some(Value::list(&it.tags)))
        }),
        of_certificate("sha256", |row, _| Value::made(row.certificate.sha256)),
        of_certificate("sha1", |row, _| {
            Value::made(hexadecimal(&row.certificate.sha1))
        }),
        of_certificate("spki_sha256", |row, _| {
            row.certificate.spki_sha256.map(Value::made).into()
        }),
        of_chain("chain_sha256", |row, _| fingerprints(&row.chain)),
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
        of_session("client_auth_issuers", |row, _| {
            Value::list(&row.session.client_auth_issuers)
        }),
        of_session("hybrid_group", |row, _| {
            row.session.hybrid_group.as_ref().into()
        }),
        of_judgement("trust_reason", |row, _| {
            judged(row, |it| Some(Value::text(&it.trust_reason)))
        }),
        of_judgement("details", |row, _| {
            judged(row, |it| Some(details(&it.findings)))
        }),
    ],
};

/// What a running scan says of a certificate that it sees.
pub static SIGHTINGS: LazyLock<Table<Installation>> = LazyLock::new(|| live(&INSTALLATIONS));

/// What a running scan says of an endpoint that spoke without a certificate.
pub static SPEAKERS: LazyLock<Table<EndpointRow>> = LazyLock::new(|| live(&ENDPOINTS));

/// The rows of a report without what only the inventory knows. Each has its
/// certificate to itself.
fn live<Row>(report: &'static Table<Row>) -> Table<Row> {
    let columns = report.columns.iter();
    let columns = columns.filter(|column| !KNOWN_BY_INVENTORY.contains(&column.name));
    Table {
        kind: report.kind,
        certificate: report.certificate,
        shared: |_, _| None,
        columns: Vec::leak(columns.copied().collect()),
    }
}

const KNOWN_BY_INVENTORY: [&str; 8] = [
    "certificates",
    "protocols",
    "protocols_refused",
    "installations",
    "state",
    "previous_sha256",
    "first_seen",
    "last_checked",
];

/// Certificates, wherever they are installed.
pub static CERTIFICATES: Table<CertificateUse> = Table {
    kind: "certificate",
    certificate: |row| row.certificate.der.as_ref(),
    shared: |_, _| None,
    columns: &[
        column("sha256", |row, _| Value::made(row.certificate.sha256)),
        column("sha1", |row, _| {
            Value::made(hexadecimal(&row.certificate.sha1))
        }),
        column("spki_sha256", |row, _| {
            row.certificate.spki_sha256.map(Value::made).into()
        }),
        column("subject_dn", |row, _| {
            row.certificate.subject_dn.as_ref().into()
        }),
        column("issuer_dn", |row, _| {
            row.certificate.issuer_dn.as_ref().into()
        }),
        column("serial", |row, _| {
            row.certificate.serial.as_deref().map(serial).into()
        }),
        column("not_before", |row, _| row.certificate.not_before.into()),
        column("not_after", |row, _| row.certificate.not_after.into()),
        column("days_left", |row, now| {
            days_left(&row.certificate, now).into()
        }),
        column("san", |row, _| {
            Value::list(&row.certificate.alternative_names)
        }),
        column("key_type", |row, _| {
            row.certificate.key_type.as_ref().into()
        }),
        column("key_bits", |row, _| row.certificate.key_bits.into()),
        column("self_signed", |row, _| row.certificate.self_signed.into()),
        column("is_ca", |row, _| row.certificate.is_ca.into()),
        column("unparsed", |row, _| {
            row.certificate.parse_fault.as_ref().into()
        }),
        column("installations", |row, _| Value::count(row.installations)),
        column("severity", |row, _| severity(row.severity)),
    ],
};

/// What spoke without a certificate, or was known before.
pub static ENDPOINTS: Table<EndpointRow> = Table {
    kind: "endpoint",
    certificate: |_| None,
    shared: |_, _| None,
    columns: &[
        column("zone", |row, _| Value::made(&row.zone)),
        column("ip", |row, _| Value::made(row.ip)),
        column("port", |row, _| port(row.port)),
        column("dialect", |row, _| Value::text(&row.dialect)),
        column("outcome", |row, _| Value::text(row.outcome.as_str())),
        column("detail", |row, _| Value::text(&row.detail)),
        column("banner", |row, _| row.banner.as_ref().into()),
        column("attempts", |row, _| Value::list(&row.attempts)),
        column("ptr", |row, _| row.pointer.as_ref().into()),
        column("certificates", |row, _| Value::count(row.certificates)),
        column("first_seen", |row, _| row.first_seen.into()),
        column("last_checked", |row, _| row.last_checked.into()),
        column("scan_id", |row, _| scan(row.scan)),
        column("protocols", |row, _| Value::list(&row.protocols)),
        column("protocols_refused", |row, _| {
            Value::list(&row.protocols_refused)
        }),
        column("hybrid_group", |row, _| row.hybrid_group.as_ref().into()),
        column("severity", |row, _| severity(row.severity)),
    ],
};

/// Every target of every scan, by network and port.
pub static COVERAGE: Table<Coverage> = Table {
    kind: "coverage",
    certificate: |_| None,
    shared: |_, _| None,
    columns: &[
        column("zone", |row, _| Value::made(&row.zone)),
        column("network", |row, _| Value::text(&row.network)),
        column("port", |row, _| port(row.port)),
        column("declared", |row, _| Value::count(row.outcomes.total())),
        column("attempted", |row, _| Value::count(attempted(&row.outcomes))),
        column("certificate", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Certificate))
        }),
        column("no_certificate", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::NoCertificate))
        }),
        column("tls_refused", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::TlsRefused))
        }),
        column("not_tls", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::NotTls))
        }),
        column("silent", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Silent))
        }),
        column("broken", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Broken))
        }),
        column("refused", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Refused))
        }),
        column("filtered", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Filtered))
        }),
        column("unreachable", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Unreachable))
        }),
        column("unresolved", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Unresolved))
        }),
        column("excluded", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Excluded))
        }),
        column("fresh", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::Fresh))
        }),
        column("not_attempted", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::NotAttempted))
        }),
        column("local_error", |row, _| {
            Value::count(row.outcomes.count(OutcomeKind::LocalError))
        }),
        column("exclusions", |row, _| Value::list(&row.exclusions)),
        column("oldest_look", |row, _| row.oldest_look.into()),
        column("latest_look", |row, _| row.latest_look.into()),
        column("remarks", |row, _| Value::list(&row.remarks)),
    ],
};

/// The scans.
pub static SCANS: Table<ScanRow> = Table {
    kind: "scan",
    certificate: |_| None,
    shared: |_, _| None,
    columns: &[
        column("id", |row, _| scan(row.id)),
        column("started_at", |row, _| row.started_at.into()),
        column("finished_at", |row, _| row.finished_at.into()),
        column("state", |row, _| Value::text(row.state.as_str())),
        column("targets", |row, _| Value::count(row.targets)),
        column("outcomes", |row, _| Value::Counts(row.outcomes)),
        column("note", |row, _| row.note.as_ref().into()),
        column("settings", |row, _| Value::Json(&row.settings)),
        column("ended_by", |row, _| row.why().map(Value::text).into()),
        column("operator", |row, _| row.operator.as_ref().into()),
        column("incidents", |row, _| Value::list(&row.incidents)),
        column("unlisted", |row, _| Value::count(row.unlisted)),
    ],
};

pub(super) fn port<'a>(port: Port) -> Value<'a> {
    Value::Number(i64::from(port.number()))
}

fn severity<'a>(severity: Option<Severity>) -> Value<'a> {
    severity.map(|it| Value::text(it.as_str())).into()
}

pub(super) fn scan<'a>(scan: ScanId) -> Value<'a> {
    Value::Number(scan.number())
}

fn serial<'a>(octets: &[u8]) -> Value<'a> {
    Value::made(colons(octets))
}

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

/// What each of them says: `expiring: 6 days left`.
fn details(findings: &[Finding]) -> Value<'static> {
    let details = findings.iter();
    let details = details.map(|finding| format!("{}: {}", finding.rule, finding.detail));
    Value::List(details.collect())
}

/// Whole days from `now` to the end of validity, rounded down: -1 for all of
/// the day after it.
pub(super) fn days_left(certificate: &CertificateRow, now: Timestamp) -> Option<i64> {
    Some(now.days_until(certificate.not_after?))
}

/// Whole days from notBefore to notAfter, rounded down. The second that RFC
/// 5280 section 4.1.2.5 adds by counting both ends is left out.
fn validity_days(certificate: &CertificateRow) -> Option<i64> {
    let start = certificate.not_before?;
    Some(start.days_until(certificate.not_after?))
}

/// Targets that the latest scan of them tried, whatever came of it.
fn attempted(outcomes: &Tally) -> u64 {
    let untouched = [
        OutcomeKind::Excluded,
        OutcomeKind::Fresh,
        OutcomeKind::NotAttempted,
    ];
    let untouched: u64 = untouched.map(|kind| outcomes.count(kind)).iter().sum();
    outcomes.total() - untouched
}

/// Octets in lower-case hexadecimal.
pub(super) fn hexadecimal(octets: &[u8]) -> String {
    HEXLOWER.encode(octets)
}

/// Octets in lower-case hexadecimal with colons between.
pub(super) fn colons(octets: &[u8]) -> String {
    joined(octets, ":")
}

fn joined(octets: &[u8], separator: &str) -> String {
    let mut text = String::with_capacity(octets.len() * (2 + separator.len()));
    for (position, octet) in octets.iter().enumerate() {
        if position > 0 {
            text.push_str(separator);
        }
        // Writing to a String can't fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}
