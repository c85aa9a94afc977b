//! Rows of the views ↔ rows of the reports: certificates and where they are
//! installed. Which columns are read, and what they become.

use std::sync::Arc;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::query::Query;
use super::{row, sessions, told};
use crate::domain::{Der, Dialect, Fingerprint, Timestamp};
use crate::report::{CertificateRow, CertificateUse};

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

/// What stands above the leaf, when the first of a chain ends, and how much it
/// is.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownChain {
    pub(super) above: Arc<[Fingerprint]>,
    pub(super) not_after: Option<Timestamp>,
    /// How long all its certificates are, the leaf's included.
    pub(super) der_bytes: u64,
}

/// The order of [`select_installations`], as far as an index has it: the rows
/// of one port come in any. The condition holds for every row, and lets SQLite
/// begin with that index.
pub(super) const INSTALLATION_ORDER: &str = " and r.zone >= '' order by r.zone, r.address, r.port";

/// The order of [`select_imports`].
pub(super) const IMPORT_ORDER: &str = " order by r.not_after, r.sha256";

/// Installations, from `installation_rows r`.
pub(super) fn select_installations() -> Query {
    let mut query = Query::new("select 1, 1, ");
    query.push(told::COLUMNS).push(", ");
    query.push(sessions::COLUMNS);
    query.push(" from installation_rows r");
    query
}

/// Installations as they were known at a moment, from `then_rows r`.
pub(super) fn push_past_installations(query: &mut Query) {
    query.push("select r.session_is_known, r.endpoint_is_known, ");
    query.push(told::COLUMNS).push(", ");
    query.push(sessions::COLUMNS).push(" from then_rows r");
}

/// Imports, from `import_rows r`, as they were known at a moment. When one that
/// was imported again later had been last is not known.
pub(super) fn select_imports(known_at: Option<Timestamp>) -> Query {
    let mut query = Query::new("select r.certificate_id, r.chain_id, r.first_seen, ");
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

/// Certificates with their bytes and their number of installations, from
/// `certificates c`.
pub(super) fn select_certificates() -> Query {
    Query::new(concat!(
        "select ",
        certificate_columns!(),
        ", der, (select count(distinct i.question_id) from installations i \
            where i.certificate_id = c.id and i.state = 'current') \
         + exists (select 1 from imports m where m.certificate_id = c.id) \
         from certificates c"
    ))
}

pub(super) fn certificate_use(row: &SqliteRow) -> Result<CertificateUse, sqlx::Error> {
    Ok(CertificateUse {
        certificate: certificate(row)?.into(),
        installations: row::count(row, AFTER_CERTIFICATE)?,
        severity: None,
    })
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

/// `None` where none was sent.
pub(super) fn server_name(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

/// `None` for direct TLS.
pub(super) fn starttls(dialect: String) -> Option<String> {
    Some(dialect).filter(|dialect| dialect != Dialect::Tls.as_str())
}
