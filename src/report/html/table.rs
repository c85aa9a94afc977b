use std::io;
use std::net::SocketAddr;

use serde::{Serialize, Serializer};

use super::data::json;
use super::text::shown;
use super::worst::rank;
use crate::domain::{Timestamp, Trust};
use crate::judge::Judgement;
use crate::report::row::{CertificateRow, Installation};
use crate::report::table::days_left;

/// A column of the table that the browser sorts, filters and pages.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    /// `severity`, `list`, `state`, `text`, `number`, or `order` for what
    /// sorts as the rows came.
    pub(super) kind: &'static str,
}

/// In the order of a row's values; after them comes the row's own place.
pub(super) const COLUMNS: [Column; 13] = [
    column("Severity", "severity"),
    column("Findings", "list"),
    column("Host", "text"),
    column("Address", "order"),
    column("Subject", "text"),
    column("Expires", "text"),
    column("Days", "number"),
    column("Issuer", "text"),
    column("Key", "text"),
    column("Trust", "text"),
    column("Owner", "text"),
    column("State", "state"),
    column("SHA-256", "text"),
];

/// How many hexadecimal digits of a fingerprint `certsweep show` is given.
const DIGITS: usize = 16;

const fn column(title: &'static str, kind: &'static str) -> Column {
    Column { title, kind }
}

/// A row's values as JSON; `place` is its place among all that passed.
pub(super) fn row(row: &Installation, place: u64, now: Timestamp) -> io::Result<String> {
    json(&Values { row, place, now })
}

struct Values<'a> {
    row: &'a Installation,
    place: u64,
    now: Timestamp,
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { row, place, now } = self;
        let certificate = &row.certificate;
        let judgement = row.judgement.as_deref();
        let trust = judgement.map_or(Trust::Unchecked, |it| it.trust);
        let owner = judgement.and_then(|it| it.owner.as_deref());
        let end = certificate.not_after.map(|end| end.to_string());
        let end = end.as_deref().and_then(|end| end.split('T').next());
        let fingerprint: String = certificate
            .sha256
            .to_string()
            .chars()
            .take(DIGITS)
            .collect();
        (
            rank(judgement.and_then(Judgement::severity)),
            judgement.map(rules).unwrap_or_default(),
            shown(&row.host),
            address(row),
            shown(certificate.name().unwrap_or_default()),
            end.unwrap_or_default(),
            days_left(certificate, *now),
            shown(issuer(certificate)),
            key(certificate),
            trust.as_str(),
            owner.map(shown).unwrap_or_default(),
            row.state.as_str(),
            fingerprint,
            place,
        )
            .serialize(serializer)
    }
}

/// `plant-1 10.0.0.1:25 smtp`: the zone where it has a name of its own, the
/// dialect where there is one.
fn address(row: &Installation) -> String {
    let (Some(ip), Some(port)) = (row.ip, row.port) else {
        return row.source.as_str().to_owned();
    };
    let mut address = SocketAddr::new(ip, port.number()).to_string();
    if let Some(zone) = row.zone.as_ref().filter(|zone| zone.as_str() != "default") {
        address = format!("{zone} {address}");
    }
    if let Some(dialect) = &row.starttls {
        address.push(' ');
        address.push_str(dialect);
    }
    shown(&address)
}

fn issuer(certificate: &CertificateRow) -> &str {
    if certificate.self_signed == Some(true) {
        return "self-signed";
    }
    let name = certificate.issuer_cn.as_ref();
    name.or(certificate.issuer_dn.as_ref())
        .map_or("", String::as_str)
}

fn key(certificate: &CertificateRow) -> String {
    let family = certificate.key_type.as_deref().unwrap_or_default();
    match certificate.key_bits {
        Some(bits) => shown(&format!("{family} {bits}")),
        None => shown(family),
    }
}

/// The rules that found something, each once.
fn rules(judgement: &Judgement) -> Vec<&'static str> {
    let mut rules = Vec::new();
    for finding in &judgement.findings {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    rules
}
