//! Rows of the views ↔ rows of the reports: certificates and where they are
//! installed. Which columns are read, and what they become.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::super::Detail;
use super::look::is_ephemeral;
use super::row;
use crate::domain::{Der, Dialect, Fingerprint, Timestamp};
use crate::report::{CertificateRow, CertificateUse, Installation, InstallationState, Source};

/// What [`certificate`] reads, the DER after it.
macro_rules! certificate_columns {
    () => {
        "sha256, sha1, spki_sha256, subject_cn, subject_dn, issuer_cn, issuer_dn, serial, \
         not_before, not_after, san, key_type, key_bits, signature_algorithm, key_usage, eku, \
         self_signed, is_ca, parse_fault"
    };
}
pub(super) use certificate_columns;

/// Where the columns go on after the certificate's and its DER.
pub(super) const AFTER_CERTIFICATE: usize = 20;

/// What [`installation`] and [`Line`] read. The view reckons with several
/// answers and surveys of an endpoint, and several intervals of a certificate;
/// where there is but one, and no more to be said, it is not asked.
const INSTALLATION_COLUMNS: &str = "r.zone, r.address, r.port, r.dialect, r.server_name, r.ptr, \
    r.tls_version, \
    iif(r.is_latest_answer \
        and not exists (select 1 from surveys s where s.endpoint_id = r.endpoint_id) \
        and not exists (select 1 from questions other \
                         where other.endpoint_id = r.endpoint_id and other.id <> r.question_id), \
        json_array(r.tls_version), r.protocols), \
    r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, r.state, r.previous_sha256, \
    iif(exists (select 1 from installations other \
                 where other.question_id = r.question_id \
                   and other.certificate_id = r.certificate_id and other.id <> r.id), \
        r.first_seen, r.began_at), \
    r.last_seen, r.last_checked, r.scan_id, r.client_auth_issuers, r.hybrid_group, \
    r.id, r.certificate_id, r.chain_id, \
    (select case when l.ocsp_staple is not null then 1 when l.truncated is null then 0 end \
       from looks l where l.question_id = r.question_id and r.is_latest_answer), \
    (select l.restless from looks l where l.question_id = r.question_id), \
    exists (select 1 from installations earlier \
             where earlier.question_id = r.question_id and earlier.id < r.id), \
    exists (select 1 from endpoints other \
             where other.zone = r.zone and other.address = r.address \
               and other.id <> r.endpoint_id)";

/// Whether the session that a row tells of was known, and what it tells of its
/// endpoint: the two columns after [`INSTALLATION_COLUMNS`]. Now all of it is;
/// of an earlier moment, see `past`.
#[derive(Clone, Copy, Debug)]
struct Known {
    session: bool,
    endpoint: bool,
}

/// What the row of an installation says beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The number of the installation; `None` for an import.
    pub(super) id: Option<i64>,
    /// The number of its certificate.
    pub(super) certificate: i64,
    /// The number of its chain.
    pub(super) chain: i64,
    /// Whether its latest answer brought an OCSP response; known of the
    /// latest answer alone, and only where the flight reached its end.
    pub(super) stapled: Option<bool>,
    /// Whether its question has another certificate at every look.
    pub(super) is_ephemeral: bool,
    /// Whether its question had an answer before.
    pub(super) has_past: bool,
    /// Whether its address has another endpoint.
    pub(super) has_neighbour: bool,
}

/// What stands above the leaf, and when the first of a chain ends.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownChain {
    pub(super) above: Vec<Fingerprint>,
    pub(super) not_after: Option<Timestamp>,
}

/// The order of [`select_installations`]. The condition holds for every row:
/// it lets SQLite begin with the index that has this order.
pub(super) const INSTALLATION_ORDER: &str = " and r.zone >= '' order by r.zone, r.address, r.port, r.server_name, \
    r.dialect, r.question_key_type, r.id";

/// The order of [`select_imports`].
pub(super) const IMPORT_ORDER: &str = " order by r.not_after, r.sha256";

/// Installations, from `installation_rows r`.
pub(super) fn select_installations() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select ");
    query.push(INSTALLATION_COLUMNS);
    query.push(", 1, 1 from installation_rows r");
    query
}

/// Installations as they were known at a moment, from `then_rows r`.
pub(super) fn push_past_installations(query: &mut QueryBuilder<Sqlite>) {
    query.push("select ").push(INSTALLATION_COLUMNS);
    query.push(", r.session_is_known, r.endpoint_is_known from then_rows r");
}

/// Imports, from `import_rows r`, as they were known at a moment. When one that
/// was imported again later had been last is not known.
pub(super) fn select_imports(known_at: Option<Timestamp>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select r.certificate_id, r.chain_id, r.first_seen, ");
    match known_at {
        None => query.push("r.last_seen"),
        Some(at) => query
            .push("iif(r.last_seen <= ")
            .push_bind(at.micros())
            .push(", r.last_seen, null)"),
    };
    query.push(" from import_rows r");
    query
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

/// A row of installations; its certificate and its chain are told apart.
pub(super) fn installation(
    row: &SqliteRow,
    shown: &CertificateUse,
    chain: &ShownChain,
) -> Result<Installation, sqlx::Error> {
    let ip = row::address(row, 1)?;
    let sni = server_name(row.try_get(4)?);
    let installation = Installation {
        zone: Some(row::word(row, 0)?),
        host: sni.clone().unwrap_or_else(|| ip.to_string()),
        ip: Some(ip),
        port: Some(row::port(row, 2)?),
        sni,
        starttls: starttls(row.try_get(3)?),
        pointer: row.try_get(5)?,
        tls_version: row.try_get(6)?,
        protocols: row::texts(row, 7)?,
        cipher_suite: row.try_get(8)?,
        key_exchange: row.try_get(9)?,
        client_auth: row.try_get(10)?,
        alpn: row.try_get(11)?,
        certificate: shown.certificate.clone(),
        chain: chain.above.clone(),
        chain_not_after: chain.not_after,
        installations: shown.installations,
        state: state(row.try_get(12)?)?,
        previous: row::optional_fingerprint(row, 13)?,
        first_seen: row::time(row, 14)?,
        last_seen: row::optional_time(row, 15)?,
        last_checked: row::optional_time(row, 16)?,
        source: Source::Scan,
        scan: row::optional_scan(row, 17)?,
        client_auth_issuers: row::texts(row, 18)?,
        hybrid_group: row.try_get(19)?,
        judgement: None,
    };
    Ok(Known::read(row)?.limit(installation))
}

/// A row of imports. Where it is installed nobody knows, so its places are
/// empty.
pub(super) fn import(
    row: &SqliteRow,
    shown: &CertificateUse,
    chain: &ShownChain,
) -> Result<Installation, sqlx::Error> {
    let last_seen = row::optional_time(row, 3)?;
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
        certificate: shown.certificate.clone(),
        chain: Vec::new(),
        chain_not_after: chain.not_after,
        installations: shown.installations,
        state: InstallationState::Current,
        previous: None,
        first_seen: row::time(row, 2)?,
        last_seen,
        last_checked: last_seen,
        source: Source::Import,
        scan: None,
        client_auth_issuers: Vec::new(),
        hybrid_group: None,
        judgement: None,
    })
}

impl Known {
    fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            session: row.try_get(27)?,
            endpoint: row.try_get(28)?,
        })
    }

    /// Leaves out what was not known.
    fn limit(self, mut row: Installation) -> Installation {
        if !self.session {
            row.tls_version = None;
            row.cipher_suite = None;
            row.key_exchange = None;
            row.client_auth = None;
            row.client_auth_issuers = Vec::new();
            row.alpn = None;
        }
        if !self.endpoint {
            row.protocols = Vec::new();
            row.hybrid_group = None;
        }
        row
    }
}

impl Line {
    pub(super) fn of_installation(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let stapled: Option<bool> = row.try_get(23)?;
        let known = Known::read(row)?;
        Ok(Self {
            id: Some(row.try_get(20)?),
            certificate: row.try_get(21)?,
            chain: row.try_get(22)?,
            stapled: stapled.filter(|_| known.session),
            is_ephemeral: is_ephemeral(row.try_get(24)?),
            has_past: row.try_get(25)?,
            has_neighbour: row.try_get(26)?,
        })
    }

    pub(super) fn of_import(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: None,
            certificate: row.try_get(0)?,
            chain: row.try_get(1)?,
            stapled: None,
            is_ephemeral: false,
            has_past: false,
            has_neighbour: false,
        })
    }
}

pub(super) fn certificate_use(row: &SqliteRow) -> Result<CertificateUse, sqlx::Error> {
    Ok(CertificateUse {
        certificate: certificate(row)?,
        installations: row::count(row, AFTER_CERTIFICATE)?,
        severity: None,
    })
}

fn push_certificate_columns(query: &mut QueryBuilder<Sqlite>, detail: Detail) {
    query
        .push("select ")
        .push(certificate_columns!())
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
