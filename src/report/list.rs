//! Rows → lists for a terminal: a line a row, the columns that fit.
//!
//! Whatever comes from the network goes through [`printable`]: the result
//! holds no control character but LF.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::Value;

use super::row::{CertificateRow, CertificateUse, EndpointRow, ScanRow};
use super::table::days_left;
use crate::domain::{OutcomeKind, Severity, Timestamp, counted, printable};

/// Certificates, each with its number of installations.
///
/// `width` is the terminal's, in columns; without one nothing is wrapped.
#[must_use]
pub fn certificates<'a>(
    rows: impl IntoIterator<Item = &'a CertificateUse>,
    now: Timestamp,
    width: Option<u16>,
) -> String {
    let header = [
        "SHA-256", "SUBJECT", "ISSUER", "ENDS", "DAYS", "KEY", "AT", "WORST",
    ];
    let mut table = table(&header, width);
    align_right(&mut table, &[4, 6]);
    for CertificateUse {
        certificate: row,
        installations,
        severity,
    } in rows
    {
        let days = days_left(row, now).map(|days| days.to_string());
        table.add_row([
            short_fingerprint(row),
            short(subject(row), 40),
            short(issuer(row), 24),
            row.not_after.map(date).unwrap_or_default(),
            days.unwrap_or_default(),
            key(row),
            installations.to_string(),
            worst(*severity),
        ]);
    }
    lines(&table)
}

/// Endpoints, with their latest outcome.
///
/// `width` is the terminal's, in columns; without one nothing is wrapped.
#[must_use]
pub fn endpoints<'a>(
    rows: impl IntoIterator<Item = &'a EndpointRow>,
    width: Option<u16>,
) -> String {
    let header = [
        "ZONE",
        "ENDPOINT",
        "DIALECT",
        "OUTCOME",
        "DETAIL",
        "LOOKED AT",
        "WORST",
    ];
    let mut table = table(&header, width);
    for row in rows {
        let detail = match &row.banner {
            Some(banner) => said(&row.detail, banner),
            None if row.certificates > 0 => counted(row.certificates, "certificate"),
            None => short(&row.detail, 40),
        };
        table.add_row([
            row.zone.to_string(),
            endpoint(row),
            short(&row.dialect, 16),
            row.outcome.to_string(),
            detail,
            minute(row.last_checked),
            worst(row.severity),
        ]);
    }
    lines(&table)
}

/// The first line of what a server said, after what is to be said of it.
fn said(detail: &str, banner: &str) -> String {
    let line = banner.lines().next().unwrap_or_default();
    if detail.is_empty() {
        short(line, 40)
    } else {
        short(&format!("{detail}: {line}"), 60)
    }
}

/// Scans, oldest first as they are given.
///
/// `width` is the terminal's, in columns; without one nothing is wrapped.
#[must_use]
pub fn scans<'a>(rows: impl IntoIterator<Item = &'a ScanRow>, width: Option<u16>) -> String {
    let header = [
        "ID",
        "STARTED",
        "FINISHED",
        "STATE",
        "WHY",
        "TARGETS",
        "CERTIFICATES",
        "INCIDENTS",
        "BY",
        "WITH",
        "NOTE",
    ];
    let mut table = table(&header, width);
    align_right(&mut table, &[0, 5, 6, 7]);
    for row in rows {
        table.add_row([
            row.id.to_string(),
            minute(row.started_at),
            row.finished_at.map(minute).unwrap_or_default(),
            row.state.to_string(),
            row.why().map(|why| short(why, 40)).unwrap_or_default(),
            row.targets.to_string(),
            row.outcomes.count(OutcomeKind::Certificate).to_string(),
            row.incidents.len().to_string(),
            row.operator
                .as_deref()
                .map(|operator| short(operator, 40))
                .unwrap_or_default(),
            short(&with(&row.settings), 60),
            row.note
                .as_deref()
                .map(|note| short(note, 40))
                .unwrap_or_default(),
        ]);
    }
    lines(&table)
}

/// The settings by which people tell scans apart: `standard rate 1000
/// 10.0.0.0/24`. The JSON has them all.
fn with(settings: &str) -> String {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    let limits = [
        text("profile").map(str::to_owned),
        text("rate").map(|rate| format!("rate {rate}")),
    ];
    let targets = settings.get("targets").and_then(Value::as_array);
    let targets = targets.into_iter().flatten().filter_map(Value::as_str);
    let mut parts: Vec<_> = limits.into_iter().flatten().collect();
    parts.extend(targets.map(str::to_owned));
    parts.join(" ")
}

fn worst(severity: Option<Severity>) -> String {
    severity.map_or_else(String::new, |severity| severity.to_string())
}

fn table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn lines(table: &Table) -> String {
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// A text made safe, and cut to `most` characters.
pub(super) fn short(text: &str, most: usize) -> String {
    // Cut first: 64 KiB would be escaped for nothing.
    let mut characters = text.chars();
    let begin: String = characters.by_ref().take(most).collect();
    let mut shown = printable(&begin);
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The host and port of an endpoint, as a URL writes them.
pub(super) fn endpoint(row: &EndpointRow) -> String {
    std::net::SocketAddr::new(row.ip, row.port.number()).to_string()
}

fn short_fingerprint(row: &CertificateRow) -> String {
    row.sha256.to_string().chars().take(12).collect()
}

fn subject(row: &CertificateRow) -> &str {
    match row.parse_fault {
        Some(_) => "unparsed",
        None => row.name().unwrap_or_default(),
    }
}

fn issuer(row: &CertificateRow) -> &str {
    if row.self_signed == Some(true) {
        return "self-signed";
    }
    let name = row.issuer_cn.as_deref();
    name.or(row.issuer_dn.as_deref()).unwrap_or_default()
}

/// The key's family and size: `rsa 2048`.
pub(super) fn key(row: &CertificateRow) -> String {
    let family = row
        .key_type
        .as_deref()
        .map_or_else(String::new, |name| short(name, 16));
    match row.key_bits {
        Some(bits) => format!("{family} {bits}"),
        None => family,
    }
}

/// `2026-11-21`, of an RFC 3339 time.
pub(super) fn date(time: Timestamp) -> String {
    let time = time.to_string();
    time.split('T').next().unwrap_or_default().to_owned()
}

/// `2026-11-21 08:00`, of an RFC 3339 time.
pub(super) fn minute(time: Timestamp) -> String {
    let time = time.to_string().replace('T', " ");
    time.strip_suffix('Z')
        .and_then(|time| time.rsplit_once(':'))
        .map_or_else(|| time.clone(), |(minute, _)| minute.to_owned())
}
