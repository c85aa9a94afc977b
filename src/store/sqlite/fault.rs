//! What SQLite and its driver say → the errors of the inventory.

use std::error::Error;
use std::io;

use super::super::{DatabaseFault, StoreError};

/// The low byte of an extended result code is the primary one
/// (sqlite.org/rescode.html).
const PRIMARY: i32 = 0xff;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const NOT_A_DATABASE: i32 = 26;
/// `SQLITE_IOERR_SHMSIZE`: who reads shares an index of the log with the writer,
/// and there is no room for it. For all other files SQLite itself says [`FULL`].
const NO_ROOM_FOR_INDEX: i32 = 4874;

/// Names the operation in which the database failed.
pub(super) fn during(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| classify(operation, error)
}

/// A value in the file that no program of ours wrote.
pub(super) fn corrupted(operation: &'static str, what: &dyn ToString) -> StoreError {
    StoreError::Corrupted {
        operation,
        what: what.to_string(),
    }
}

/// The same for rows that are read where they lie.
pub(super) fn failed_in(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match &error {
        rusqlite::Error::SqliteFailure(fault, _) => {
            by_code(operation, fault.extended_code, &error.to_string())
                .unwrap_or_else(|| other(operation, error))
        }
        rusqlite::Error::FromSqlConversionFailure(..) => corrupted(operation, &error),
        _ => other(operation, error),
    }
}

fn classify(operation: &'static str, error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(fault) => {
            let code = fault.code().and_then(|code| code.parse().ok());
            code.and_then(|code| by_code(operation, code, &fault.to_string()))
                .unwrap_or_else(|| other(operation, error))
        }
        sqlx::Error::Io(fault) if fault.kind() == io::ErrorKind::StorageFull => {
            StoreError::DiskFull { operation }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => corrupted(operation, &error),
        _ => other(operation, error),
    }
}

fn by_code(operation: &'static str, code: i32, said: &str) -> Option<StoreError> {
    if code == NO_ROOM_FOR_INDEX {
        return Some(StoreError::DiskFull { operation });
    }
    match code & PRIMARY {
        BUSY | LOCKED => Some(StoreError::Busy {
            operation,
            holders: Vec::new(),
        }),
        READ_ONLY => Some(StoreError::ReadOnly { operation }),
        FULL => Some(StoreError::DiskFull { operation }),
        CORRUPT | NOT_A_DATABASE => Some(corrupted(operation, &said)),
        _ => None,
    }
}

fn other(operation: &'static str, error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Database {
        operation,
        source: DatabaseFault(error.into()),
    }
}
