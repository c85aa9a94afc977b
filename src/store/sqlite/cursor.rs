//! Rows read where they lie in memory.
//!
//! The driver of everything else hands each row over to another thread, value
//! by value copied. Of a million rows that takes as long as finding them. Here
//! the thread that asks is the one that reads.

use std::error::Error;
use std::fmt::Write;
use std::mem;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, Statement, params_from_iter};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::super::PAGE;
use super::address::AddressKey;
use super::file::BUSY_TIMEOUT;
use super::query::Query;
use super::reading::Reading;
use crate::domain::{Fingerprint, Port, Timestamp};

/// Pages of the file that are kept in memory, in KiB: what reports read in the
/// order of addresses lies in that of scans, which ask a block of a plan in no
/// order. Where a tenth of a block answers, and staples nothing, all of it fits.
const CACHE_KIBIBYTES: i32 = 32 << 10;

/// A connection on which everything is of one moment, that of the first row.
///
/// It blocks its thread.
#[derive(Debug)]
pub(super) struct Cursor(Connection);

/// The columns of a row, one after another.
#[derive(Clone, Copy)]
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Cursor {
    /// Opens the file in one of the ways to read it.
    pub(super) fn open(reading: &Reading, path: &Path) -> rusqlite::Result<Self> {
        let path = match reading {
            Reading::Tidy | Reading::Guest => path.to_owned(),
            Reading::Alone(_) => immutable(path),
        };
        let access = match reading {
            Reading::Tidy => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Reading::Guest | Reading::Alone(_) => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let how = OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, access | how)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)?;
        connection.execute_batch("begin")?;
        Ok(Self(connection))
    }

    /// A statement to be run many times.
    pub(super) fn prepare(&self, text: &'static str) -> rusqlite::Result<Statement<'_>> {
        self.0.prepare(text)
    }

    /// Hands the rows of a query to `take`, until it takes no more.
    pub(super) fn each(
        &self,
        query: &Query,
        mut take: impl FnMut(Columns<'_>) -> rusqlite::Result<ControlFlow<()>>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let mut statement = self.0.prepare(query.text())?;
        let mut rows = statement.query(params_from_iter(query.values()))?;
        while let Some(row) = rows.next()? {
            if take(Columns { row, next: 0 })?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands the rows of a query on in pages of [`PAGE`], each read by `read`,
    /// until nobody takes any more.
    pub(super) fn pages<T>(
        &self,
        query: &Query,
        mut read: impl FnMut(Columns<'_>) -> rusqlite::Result<T>,
        pages: &mpsc::Sender<Vec<T>>,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let mut page = Vec::with_capacity(PAGE);
        let flow = self.each(query, |columns| {
            page.push(read(columns)?);
            if page.len() < PAGE {
                return Ok(ControlFlow::Continue(()));
            }
            let full = mem::replace(&mut page, Vec::with_capacity(PAGE));
            Ok(hand_on(full, pages))
        })?;
        match flow {
            ControlFlow::Continue(()) => Ok(hand_on(page, pages)),
            ControlFlow::Break(()) => Ok(flow),
        }
    }
}

/// Waits until somebody takes a page; breaks when nobody does any more.
pub(super) fn hand_on<T>(page: Vec<T>, pages: &mpsc::Sender<Vec<T>>) -> ControlFlow<()> {
    match pages.blocking_send(page) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// What `read` makes of it on a thread where it may wait.
pub(super) async fn on_thread<T: Send + 'static>(
    read: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> rusqlite::Result<T> {
    let read = spawn_blocking(read).await;
    // Nothing ends it early but its own panic.
    read.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))
}

impl Columns<'_> {
    /// The value of the next column.
    pub(super) fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.read(T::column_result)
    }

    /// A word that reads as `T`.
    pub(super) fn word<T>(&mut self) -> rusqlite::Result<T>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.read(|value| value.as_str()?.parse().map_err(FromSqlError::other))
    }

    /// An address by its sorted bytes.
    pub(super) fn address(&mut self) -> rusqlite::Result<IpAddr> {
        self.read(|value| {
            let key = AddressKey::from_blob(value.as_blob()?);
            Ok(key.ok_or_else(|| impossible("not an address"))?.address())
        })
    }

    /// A port.
    pub(super) fn port(&mut self) -> rusqlite::Result<Port> {
        self.read(|value| {
            let port = Port::new(u16::column_result(value)?);
            port.ok_or_else(|| impossible("port 0"))
        })
    }

    /// A time.
    pub(super) fn time(&mut self) -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_micros(self.next()?))
    }

    /// A time that may be missing.
    pub(super) fn optional_time(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        let micros: Option<i64> = self.next()?;
        Ok(micros.map(Timestamp::from_micros))
    }

    /// A SHA-256 that may be missing.
    pub(super) fn optional_fingerprint(&mut self) -> rusqlite::Result<Option<Fingerprint>> {
        let bytes: Option<[u8; 32]> = self.next()?;
        Ok(bytes.map(Fingerprint::from_bytes))
    }

    /// How many.
    pub(super) fn count(&mut self) -> rusqlite::Result<u64> {
        self.read(|value| u64::try_from(value.as_i64()?).map_err(FromSqlError::other))
    }

    /// A list of texts, JSON; none where it is null.
    pub(super) fn texts(&mut self) -> rusqlite::Result<Option<Vec<String>>> {
        self.read(|value| {
            let texts = value.as_str_or_null()?.map(serde_json::from_str);
            texts.transpose().map_err(FromSqlError::other)
        })
    }

    /// The next column, as `read` understands it.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(ValueRef<'_>) -> FromSqlResult<T>,
    ) -> rusqlite::Result<T> {
        let column = self.next;
        self.next += 1;
        let value = self.row.get_ref(column)?;
        read(value).map_err(|error| {
            let error = Box::new(error);
            rusqlite::Error::FromSqlConversionFailure(column, value.data_type(), error)
        })
    }
}

/// A value that no program of ours wrote.
pub(super) fn impossible(what: &'static str) -> FromSqlError {
    FromSqlError::Other(what.into())
}

/// The file as one that nobody changes (sqlite.org/uri.html).
fn immutable(path: &Path) -> PathBuf {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        // Writing to a String can't fail.
        let _ = write!(uri, "%{byte:02x}");
    }
    uri.push_str("?immutable=1");
    uri.into()
}
