//! Events ↔ rows of the reports.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::{Filter, ScanSpan};
use super::query::Query;
use super::{report, row, select};
use crate::domain::{Fingerprint, ScanId};
use crate::report::EventRow;

/// Kind by kind in the order of `EventKind::ALL`, then as installations are
/// sorted.
const BY_KIND: &str = " order by instr('new renewed replaced changed moved alternating missing \
    gone returned', r.kind), r.zone, r.address, r.port, r.server_name, r.dialect, \
    r.installation_id";

/// `seen`: the scans whose events may be in a span, and the moments between
/// which those of each are. A scan that was gone on with ran before others and
/// after them: what was known when one of these last began is the earlier part
/// of it. Runs never overlap, since there is one writer.
const SEEN: &str = "seen (scan_id, since, until) as (\
    select s.id, iif(s.resumed_at is null, null, a.at), iif(s.run <= u.run, null, u.at) \
      from scans s cross join until u left join after a on true \
     where s.run > coalesce(a.run, 0) and (s.run <= u.run or s.resumed_at is not null)) ";

/// The events of a span of scans.
pub(super) fn select_span(span: ScanSpan, filter: &Filter) -> Query {
    let mut query = Query::new("with ");
    for (name, scan) in [("after", span.after), ("until", Some(span.until))] {
        query
            .push(name)
            .push(" (run, at) as (select run, coalesce(resumed_at, started_at) from scans")
            .push(" where id = ")
            .push_bind(scan.map(ScanId::number))
            .push("), ");
    }
    query.push(SEEN).push(COLUMNS);
    query.push(
        " join seen s on s.scan_id = r.scan_id \
         and r.at >= coalesce(s.since, r.at) and r.at < coalesce(s.until, r.at + 1)",
    );
    select::events(&mut query, filter);
    // Only these have any; the indexes know them.
    let mut separator = " and r.installation_id in (";
    for scan in ["first_scan", "missing_scan", "ended_scan"] {
        query
            .push(separator)
            .push("select id from installations where ")
            .push(scan)
            .push(" in (select scan_id from seen)");
        separator = " union ";
    }
    query.push(")").push(BY_KIND);
    query
}

/// The events that a certificate had a part in, the latest first: those of its
/// intervals, and the beginning of what took its place.
pub(super) fn select_life(certificate: Fingerprint, most: u32) -> Query {
    let sha256 = certificate.as_bytes().to_vec();
    let mut query = Query::new("with it (id) as (select id from certificates");
    query
        .push(" where sha256 = ")
        .push_bind(sha256.clone())
        .push("), own (id, question_id) as (select i.id, i.question_id from it")
        .push(" cross join installations i on i.certificate_id = it.id) ")
        .push(COLUMNS)
        .push(" where r.installation_id in (select id from own");
    for place in ["question_id", "moved_from"] {
        query
            .push(" union select i.id from it cross join own cross join installations i on i.")
            .push(place)
            .push(" = own.question_id and i.previous_id = it.id");
    }
    query
        .push(") and (r.sha256 = ")
        .push_bind(sha256.clone())
        .push(" or r.previous_sha256 = ")
        .push_bind(sha256)
        .push(") order by r.at desc, r.scan_id desc, r.installation_id desc limit ")
        .push_bind(most);
    query
}

/// What [`event`] reads, from `event_rows r`.
const COLUMNS: &str = "select r.event_id, r.kind, r.at, r.scan_id, r.zone, r.address, r.port, \
    r.server_name, r.dialect, r.sha256, r.subject, r.issuer_dn, r.not_after, \
    r.previous_sha256, r.moved_from, \
    (select coalesce(nullif(p.subject_cn, ''), nullif(json_extract(p.san, '$[0]'), ''), \
            nullif(p.subject_dn, '')) \
       from certificates p where p.sha256 = r.previous_sha256) from event_rows r";

pub(super) fn event(row: &SqliteRow) -> Result<EventRow, sqlx::Error> {
    let ip = row::address(row, 5)?;
    let sni = report::server_name(row.try_get(7)?);
    Ok(EventRow {
        id: row.try_get(0)?,
        kind: row::word(row, 1)?,
        at: row::time(row, 2)?,
        scan: row::scan(row, 3)?,
        zone: row::word(row, 4)?,
        host: sni.clone().unwrap_or_else(|| ip.to_string()),
        ip,
        port: row::port(row, 6)?,
        sni,
        starttls: report::starttls(row.try_get(8)?),
        sha256: row::fingerprint(row, 9)?,
        subject: row.try_get(10)?,
        issuer_dn: row.try_get(11)?,
        not_after: row::optional_time(row, 12)?,
        previous: row::optional_fingerprint(row, 13)?,
        moved_from: row::optional_word(row, 14)?,
        previous_subject: row.try_get(15)?,
    })
}
