//! Rows of the views ↔ rows of the reports: which columns are read, and what
//! they become.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::super::{AddressLook, Detail, Filter, NameRow};
use super::look::is_ephemeral;
use super::{row, select, tally};
use crate::domain::{Der, Dialect, Fingerprint, OutcomeKind, ScanState, Tally, Timestamp};
use crate::report::{
    CertificateRow, CertificateUse, Coverage, EndpointRow, Installation, InstallationState,
    QuestionRow, ScanRow, Source,
};

/// What [`certificate`] reads, the DER after it.
const CERTIFICATE_COLUMNS: &str = "sha256, sha1, spki_sha256, subject_cn, subject_dn, issuer_cn, \
    issuer_dn, serial, not_before, not_after, san, key_type, key_bits, signature_algorithm, \
    key_usage, eku, self_signed, is_ca, parse_fault";
/// Where the columns go on after the certificate's and its DER.
const AFTER_CERTIFICATE: usize = 20;
/// The column of an installation's number.
pub(super) const INSTALLATION_ID: usize = AFTER_CERTIFICATE + 23;

/// The order of [`push_installations`].
pub(super) const INSTALLATION_ORDER: &str = " order by r.zone, r.address, r.port, r.server_name, \
    r.dialect, r.question_key_type, r.id";

/// The order of [`push_imports`].
pub(super) const IMPORT_ORDER: &str = " order by r.not_after, r.sha256";

/// The order of [`select_endpoints`].
pub(super) const ENDPOINT_ORDER: &str = " order by e.zone, e.address, e.port, e.transport, \
    e.dialect";

pub(super) const SELECT_SCANS: &str = "select id, started_at, finished_at, state, targets, \
    outcomes, note, settings, ended_by, operator from scans order by id";

/// The ledger's runs zone by zone: its key begins with the zone, and there
/// are few of them.
pub(super) const SELECT_ADDRESS_LOOKS: &str = "with recursive zones (zone) as (\
    select min(zone) from coverage union all \
    select (select min(c.zone) from coverage c where c.zone > z.zone) from zones z \
    where z.zone is not null) \
    select c.zone, c.port, c.outcome, c.detail, c.scan_id, c.at \
    from zones z cross join coverage c on c.zone = z.zone";

/// The ledger of names; 0003_statistics.sql lets SQLite skip from zone to zone.
pub(super) const SELECT_NAMES: &str = "select c.zone, c.port, c.outcome, c.detail, c.scan_id, \
    c.at from name_coverage c";

/// What tells how things are at a moment.
#[derive(Clone, Copy)]
pub(super) struct View {
    /// A view like `installation_rows`.
    pub(super) rows: &'static str,
    /// A view like `certificate_uses`.
    pub(super) uses: &'static str,
    /// Of imports the latest moment that it knows of.
    pub(super) until: Timestamp,
}

/// How things are now.
pub(super) const NOW: View = View {
    rows: "installation_rows",
    uses: "certificate_uses",
    until: Timestamp::from_micros(i64::MAX),
};

/// Installations as `r`.
pub(super) fn push_installations(query: &mut QueryBuilder<Sqlite>, detail: Detail, view: View) {
    push_certificate_columns(query, detail);
    query.push(
        ", r.zone, r.address, r.port, r.dialect, r.server_name, r.ptr, r.tls_version, \
         r.protocols, r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, r.chain_sha256, \
         r.chain_not_after, coalesce(u.installations, 0) \
         + exists (select 1 from imports m \
                    where m.certificate_id = r.certificate_id and m.first_seen <= ",
    );
    query.push_bind(view.until.micros());
    query.push(
        "), r.state, r.previous_sha256, r.first_seen, r.last_seen, r.last_checked, r.scan_id, r.client_auth_issuers, \
         r.hybrid_group, r.id from ",
    );
    query.push(view.rows).push(" r left join ").push(view.uses);
    query.push(" u on u.certificate_id = r.certificate_id");
}

/// Imports, from `import_rows r`. That one was imported again later is not
/// known earlier.
pub(super) fn push_imports(query: &mut QueryBuilder<Sqlite>, detail: Detail, view: View) {
    push_certificate_columns(query, detail);
    query
        .push(", r.chain_not_after, coalesce(u.installations, 0) + 1, r.first_seen, ")
        .push("iif(r.last_seen <= ")
        .push_bind(view.until.micros())
        .push(", r.last_seen, r.first_seen) from import_rows r left join ")
        .push(view.uses)
        .push(" u on u.certificate_id = r.certificate_id");
}

/// Certificates with their number of installations, from `certificates c`.
pub(super) fn select_certificates(detail: Detail) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("");
    push_certificate_columns(&mut query, detail);
    query.push(
        ", (select count(distinct i.question_id) from installations i \
            where i.certificate_id = c.id and i.state = 'current') \
         + exists (select 1 from imports m where m.certificate_id = c.id) \
         from certificates c",
    );
    query
}

/// Endpoints, from `endpoint_rows e`.
pub(super) fn select_endpoints() -> QueryBuilder<Sqlite> {
    QueryBuilder::new(
        "select e.zone, e.address, e.port, e.dialect, e.outcome, e.detail, e.banner, e.attempts, \
         e.ptr, \
         (select count(*) from (select distinct q.id, i.certificate_id from questions q \
            join installations i on i.question_id = q.id and i.watched = 1 \
           where q.endpoint_id = e.id and i.state = 'current')), \
         e.first_seen, e.checked_at, e.scan_id, e.protocols, e.protocols_refused, \
         e.hybrid_group \
         from endpoint_rows e",
    )
}

/// Questions at an endpoint, from `endpoints e`.
pub(super) fn select_questions() -> QueryBuilder<Sqlite> {
    QueryBuilder::new(
        "select q.server_name, q.key_type, l.outcome, l.asked_at, l.answered_at, l.restless \
         from endpoints e \
         join questions q on q.endpoint_id = e.id \
         join looks l on l.question_id = q.id",
    )
}

/// Parts of the ledger, those of one place next to each other.
pub(super) fn select_coverage(filter: &Filter) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "select c.zone, c.network, c.port, c.addresses, c.outcome, c.detail, c.at, \
         0 as is_name, null as name, c.network_address, c.first_address from coverage c",
    );
    select::coverage(&mut query, filter);
    query.push(
        " union all \
         select c.zone, c.name, c.port, 1, c.outcome, c.detail, c.at, 1, c.name, null, null \
         from name_coverage c",
    );
    select::name_coverage(&mut query, filter);
    query.push(" order by zone, is_name, network_address, name, port, first_address");
    query
}

pub(super) fn installation(row: &SqliteRow) -> Result<Installation, sqlx::Error> {
    let at = AFTER_CERTIFICATE;
    let ip = row::address(row, at + 1)?;
    let sni = server_name(row.try_get(at + 4)?);
    Ok(Installation {
        zone: Some(row::word(row, at)?),
        host: sni.clone().unwrap_or_else(|| ip.to_string()),
        ip: Some(ip),
        port: Some(row::port(row, at + 2)?),
        sni,
        starttls: starttls(row.try_get(at + 3)?),
        pointer: row.try_get(at + 5)?,
        tls_version: row.try_get(at + 6)?,
        protocols: row::texts(row, at + 7)?,
        cipher_suite: row.try_get(at + 8)?,
        key_exchange: row.try_get(at + 9)?,
        client_auth: row.try_get(at + 10)?,
        alpn: row.try_get(at + 11)?,
        certificate: certificate(row)?,
        chain: fingerprints(row, at + 12)?,
        chain_not_after: row::optional_time(row, at + 13)?,
        installations: row::count(row, at + 14)?,
        state: state(row.try_get(at + 15)?)?,
        previous: row::optional_fingerprint(row, at + 16)?,
        first_seen: row::time(row, at + 17)?,
        last_seen: row::time(row, at + 18)?,
        last_checked: row::time(row, at + 19)?,
        source: Source::Scan,
        scan: row::optional_scan(row, at + 20)?,
        client_auth_issuers: row::texts(row, at + 21)?,
        hybrid_group: row.try_get(at + 22)?,
        judgement: None,
    })
}

/// Where it is installed nobody knows, so its places are empty.
pub(super) fn import(row: &SqliteRow) -> Result<Installation, sqlx::Error> {
    let at = AFTER_CERTIFICATE;
    let last_seen = row::time(row, at + 3)?;
    Ok(Installation {
        zone: None,
        host: String::new(),
        ip: None,
        port: None,
        sni: None,
        starttls: None,
        pointer: None,
        tls_version: None,
        protocols: Vec::new(),
        cipher_suite: None,
        key_exchange: None,
        client_auth: None,
        alpn: None,
        certificate: certificate(row)?,
        chain: Vec::new(),
        chain_not_after: row::optional_time(row, at)?,
        installations: row::count(row, at + 1)?,
        state: InstallationState::Current,
        previous: None,
        first_seen: row::time(row, at + 2)?,
        last_seen,
        last_checked: last_seen,
        source: Source::Import,
        scan: None,
        client_auth_issuers: Vec::new(),
        hybrid_group: None,
        judgement: None,
    })
}

pub(super) fn certificate_use(row: &SqliteRow) -> Result<CertificateUse, sqlx::Error> {
    Ok(CertificateUse {
        certificate: certificate(row)?,
        installations: row::count(row, AFTER_CERTIFICATE)?,
        severity: None,
    })
}

pub(super) fn endpoint(row: &SqliteRow) -> Result<EndpointRow, sqlx::Error> {
    let banner: Option<&[u8]> = row.try_get(6)?;
    Ok(EndpointRow {
        zone: row::word(row, 0)?,
        ip: row::address(row, 1)?,
        port: row::port(row, 2)?,
        dialect: row.try_get(3)?,
        outcome: row::outcome(row, 4)?,
        detail: row.try_get(5)?,
        banner: banner.map(|said| String::from_utf8_lossy(said).into_owned()),
        attempts: row::texts(row, 7)?,
        pointer: row.try_get(8)?,
        certificates: row::count(row, 9)?,
        first_seen: row::time(row, 10)?,
        last_checked: row::time(row, 11)?,
        scan: row::scan(row, 12)?,
        protocols: row::texts(row, 13)?,
        protocols_refused: row::texts(row, 14)?,
        hybrid_group: row.try_get(15)?,
        severity: None,
    })
}

pub(super) fn question(row: &SqliteRow) -> Result<QuestionRow, sqlx::Error> {
    Ok(QuestionRow {
        sni: server_name(row.try_get(0)?),
        key_type: row.try_get(1)?,
        outcome: row::outcome(row, 2)?,
        asked_at: row::time(row, 3)?,
        answered_at: row::time(row, 4)?,
        is_ephemeral: is_ephemeral(row.try_get(5)?),
    })
}

pub(super) fn coverage_part(row: &SqliteRow) -> Result<Coverage, sqlx::Error> {
    let outcome = row::outcome(row, 4)?;
    let detail: String = row.try_get(5)?;
    let mut outcomes = Tally::default();
    outcomes.add_many(outcome, row::count(row, 3)?);
    let at = row::time(row, 6)?;
    let excluded = outcome == OutcomeKind::Excluded && !detail.is_empty();
    Ok(Coverage {
        zone: row::word(row, 0)?,
        network: row.try_get(1)?,
        port: row::port(row, 2)?,
        outcomes,
        exclusions: excluded.then_some(detail).into_iter().collect(),
        oldest_look: at,
        latest_look: at,
    })
}

/// Whether two parts of the ledger belong into one row.
pub(super) fn is_same_place(one: &Coverage, other: &Coverage) -> bool {
    one.zone == other.zone && one.network == other.network && one.port == other.port
}

/// Adds a part of the ledger to the row it belongs into.
pub(super) fn merge(whole: &mut Coverage, part: Coverage) {
    for (outcome, count) in part.outcomes.iter() {
        whole.outcomes.add_many(outcome, count);
    }
    for reason in part.exclusions {
        if !whole.exclusions.contains(&reason) {
            whole.exclusions.push(reason);
        }
    }
    whole.oldest_look = whole.oldest_look.min(part.oldest_look);
    whole.latest_look = whole.latest_look.max(part.latest_look);
}

pub(super) fn scan(row: &SqliteRow) -> Result<ScanRow, sqlx::Error> {
    Ok(ScanRow {
        id: row::scan(row, 0)?,
        started_at: row::time(row, 1)?,
        finished_at: row::optional_time(row, 2)?,
        state: row::word::<ScanState>(row, 3)?,
        targets: row::count(row, 4)?,
        outcomes: tally::read(row, 5)?,
        note: row.try_get(6)?,
        settings: row.try_get(7)?,
        ended_by: row.try_get(8)?,
        operator: row.try_get(9)?,
    })
}

pub(super) fn address_look(row: &SqliteRow) -> Result<AddressLook, sqlx::Error> {
    Ok(AddressLook {
        zone: row::word(row, 0)?,
        port: row::port(row, 1)?,
        outcome: row::outcome(row, 2)?,
        detail: row.try_get(3)?,
        scan: row::scan(row, 4)?,
        at: row::time(row, 5)?,
    })
}

pub(super) fn name(row: &SqliteRow) -> Result<NameRow, sqlx::Error> {
    Ok(NameRow {
        zone: row::word(row, 0)?,
        port: row::port(row, 1)?,
        outcome: row::outcome(row, 2)?,
        detail: row.try_get(3)?,
        scan: row::scan(row, 4)?,
        at: row::time(row, 5)?,
    })
}

fn push_certificate_columns(query: &mut QueryBuilder<Sqlite>, detail: Detail) {
    query
        .push("select ")
        .push(CERTIFICATE_COLUMNS)
        .push(match detail {
            Detail::Facts => ", null",
            Detail::FactsAndDer => ", der",
        });
}

fn certificate(row: &SqliteRow) -> Result<CertificateRow, sqlx::Error> {
    let sha1: &[u8] = row.try_get(1)?;
    let parse_fault: Option<String> = row.try_get(18)?;
    let is_ca: Option<bool> = row.try_get(17)?;
    let der: Option<Vec<u8>> = row.try_get(19)?;
    Ok(CertificateRow {
        sha256: row::fingerprint(row, 0)?,
        sha1: sha1.try_into().map_err(row::impossible)?,
        spki_sha256: row::optional_fingerprint(row, 2)?,
        subject_cn: row.try_get(3)?,
        subject_dn: row.try_get(4)?,
        issuer_cn: row.try_get(5)?,
        issuer_dn: row.try_get(6)?,
        serial: row.try_get(7)?,
        not_before: row::optional_time(row, 8)?,
        not_after: row::optional_time(row, 9)?,
        alternative_names: row::texts(row, 10)?,
        key_type: row.try_get(11)?,
        key_bits: row.try_get(12)?,
        signature_algorithm: row.try_get(13)?,
        key_usage: row::texts(row, 14)?,
        extended_key_usage: row::texts(row, 15)?,
        self_signed: row.try_get(16)?,
        is_ca: parse_fault.is_none().then_some(is_ca.unwrap_or_default()),
        parse_fault,
        der: der.map(Der::from),
    })
}

fn fingerprints(row: &SqliteRow, column: usize) -> Result<Vec<Fingerprint>, sqlx::Error> {
    let texts = row::texts(row, column)?;
    let parsed = texts
        .iter()
        .map(|text| text.parse().map_err(row::impossible));
    parsed.collect()
}

fn state(word: &str) -> Result<InstallationState, sqlx::Error> {
    [
        InstallationState::Current,
        InstallationState::Missing,
        InstallationState::Gone,
    ]
    .into_iter()
    .find(|state| state.as_str() == word)
    .ok_or_else(|| row::impossible(format!("`{word}` is not a state")))
}

/// `None` where none was sent.
pub(super) fn server_name(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

/// `None` for direct TLS.
pub(super) fn starttls(dialect: String) -> Option<String> {
    Some(dialect).filter(|dialect| dialect != Dialect::Tls.as_str())
}
