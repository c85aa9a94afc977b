//! Columns of SQL rows → the words of the domain.

use std::net::IpAddr;
use std::str::FromStr;

use data_encoding::HEXUPPER;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::address::AddressKey;
use super::moment::Moment;
use crate::domain::{Fingerprint, OutcomeKind, Port, ScanId, Timestamp};

/// A word that reads as `T`.
pub(super) fn word<T>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(impossible)
}

/// An outcome's word.
pub(super) fn outcome(row: &SqliteRow, column: usize) -> Result<OutcomeKind, sqlx::Error> {
    word(row, column)
}

/// A time.
pub(super) fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

/// A time that may be missing.
pub(super) fn optional_time(
    row: &SqliteRow,
    column: usize,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.map(Timestamp::from_micros))
}

/// The number of a scan.
pub(super) fn scan(row: &SqliteRow, column: usize) -> Result<ScanId, sqlx::Error> {
    Ok(ScanId::new(row.try_get(column)?))
}

/// The number of a scan that may be missing.
pub(super) fn optional_scan(row: &SqliteRow, column: usize) -> Result<Option<ScanId>, sqlx::Error> {
    let number: Option<i64> = row.try_get(column)?;
    Ok(number.map(ScanId::new))
}

/// A time and the scan of it.
pub(super) fn moment(row: &SqliteRow, at: usize, scan: usize) -> Result<Moment, sqlx::Error> {
    Ok(Moment {
        at: time(row, at)?,
        scan: self::scan(row, scan)?,
    })
}

/// A word that may be missing.
pub(super) fn optional_word<T>(row: &SqliteRow, column: usize) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(impossible))
        .transpose()
}

/// An address by its sorted bytes.
pub(super) fn address_key(row: &SqliteRow, column: usize) -> Result<AddressKey, sqlx::Error> {
    let blob: &[u8] = row.try_get(column)?;
    AddressKey::from_blob(blob).ok_or_else(|| impossible("not an address"))
}

/// An address.
pub(super) fn address(row: &SqliteRow, column: usize) -> Result<IpAddr, sqlx::Error> {
    Ok(address_key(row, column)?.address())
}

/// A port.
pub(super) fn port(row: &SqliteRow, column: usize) -> Result<Port, sqlx::Error> {
    let number: u16 = row.try_get(column)?;
    Port::new(number).ok_or_else(|| impossible("port 0"))
}

/// A count, never negative.
pub(super) fn count(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    let count: i64 = row.try_get(column)?;
    u64::try_from(count).map_err(impossible)
}

/// A SHA-256.
pub(super) fn fingerprint(row: &SqliteRow, column: usize) -> Result<Fingerprint, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    fingerprint_of(bytes)
}

/// A SHA-256 that may be missing.
pub(super) fn optional_fingerprint(
    row: &SqliteRow,
    column: usize,
) -> Result<Option<Fingerprint>, sqlx::Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(fingerprint_of).transpose()
}

/// A list of texts, JSON; none where it is null.
pub(super) fn texts(row: &SqliteRow, column: usize) -> Result<Vec<String>, sqlx::Error> {
    let json: Option<&str> = row.try_get(column)?;
    json.map_or_else(
        || Ok(Vec::new()),
        |json| serde_json::from_str(json).map_err(impossible),
    )
}

/// Octets that a query wrote in hexadecimal digits, upper case.
pub(super) fn octets(digits: &str) -> Result<Vec<u8>, sqlx::Error> {
    HEXUPPER.decode(digits.as_bytes()).map_err(impossible)
}

/// A value that no program of ours wrote.
pub(super) fn impossible(
    what: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

fn fingerprint_of(bytes: &[u8]) -> Result<Fingerprint, sqlx::Error> {
    bytes
        .try_into()
        .map(Fingerprint::from_bytes)
        .map_err(impossible)
}
