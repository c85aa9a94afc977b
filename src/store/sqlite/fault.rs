//! What SQLite and its driver say → the errors of the inventory.

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

fn classify(operation: &'static str, error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(fault) => {
            let code = fault.code().and_then(|code| code.parse::<i32>().ok());
            match code.map(|code| code & PRIMARY) {
                Some(BUSY | LOCKED) => StoreError::Busy {
                    operation,
                    holders: Vec::new(),
                },
                Some(READ_ONLY) => StoreError::ReadOnly { operation },
                Some(FULL) => StoreError::DiskFull { operation },
                Some(CORRUPT | NOT_A_DATABASE) => corrupted(operation, &fault),
                _ => other(operation, error),
            }
        }
        sqlx::Error::Io(fault) if fault.kind() == io::ErrorKind::StorageFull => {
            StoreError::DiskFull { operation }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => corrupted(operation, &error),
        _ => other(operation, error),
    }
}

fn other(operation: &'static str, error: sqlx::Error) -> StoreError {
    StoreError::Database {
        operation,
        source: DatabaseFault(error),
    }
}
