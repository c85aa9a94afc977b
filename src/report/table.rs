//! The columns of a report: one definition, from which the header, the
//! cells and the JSON fields derive.

use std::fmt::Write;

use data_encoding::HEXLOWER;

use crate::domain::{Der, OutcomeKind, Port, ScanId, Severity, Tally, Timestamp};

use super::column::{Column, Of, Shared, column};
use super::row::{CertificateRow, CertificateUse, Coverage, EndpointRow, ScanRow};
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

pub(super) fn severity<'a>(severity: Option<Severity>) -> Value<'a> {
    severity.map(|it| Value::text(it.as_str())).into()
}

pub(super) fn scan<'a>(scan: ScanId) -> Value<'a> {
    Value::Number(scan.number())
}

pub(super) fn serial<'a>(octets: &[u8]) -> Value<'a> {
    Value::made(colons(octets))
}

/// Whole days from `now` to the end of validity, rounded down: -1 for all of
/// the day after it.
pub(super) fn days_left(certificate: &CertificateRow, now: Timestamp) -> Option<i64> {
    Some(now.days_until(certificate.not_after?))
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
