//! What the system lets a reader do → how it opens the file.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, access};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::super::StoreError;
use super::fault::during;
use super::file::reader_options;
use super::lock::beside;

/// How a reader opens the file (sqlite.org/wal.html, "Read-Only Databases").
/// None of them changes what the inventory holds.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// As SQLite means it: with its log and index beside the file, which the
    /// last to close takes away.
    Tidy,
    /// With the log and index that are there, and nothing new beside them.
    Guest,
    /// The file alone.
    Alone(Unlocked),
}

/// A file read without locks: it has to stay as it is.
#[derive(Clone, Debug)]
pub(super) struct Unlocked {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
}

impl Reading {
    /// Finds the way for the inventory at an absolute path.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = metadata(path)?;
        if metadata.nlink() == 1 && may_write(path) {
            return Ok(Self::Tidy);
        }
        let log = beside(path, "-wal");
        let index = beside(path, "-shm");
        let readable = File::open(&log).and(File::open(&index));
        match (readable, has_log(path)) {
            (Ok(_), _) => Ok(Self::Guest),
            (Err(_), false) => Ok(Self::Alone(Unlocked {
                path: path.to_owned(),
                size: metadata.len(),
                modified: modified(path, &metadata)?,
            })),
            (Err(error), true) => Err(unreadable(path, &log, &index, error)),
        }
    }

    /// How to connect in this way.
    pub(super) fn options(&self, path: &Path) -> SqliteConnectOptions {
        let options = reader_options(path);
        match self {
            Self::Tidy => options.read_only(false).pragma("query_only", "on"),
            Self::Guest => options,
            Self::Alone(_) => options.immutable(true),
        }
    }

    /// Connects in this way, once.
    pub(super) async fn connect(
        &self,
        path: &Path,
        operation: &'static str,
    ) -> Result<SqliteConnection, StoreError> {
        let connected = self.options(path).connect().await;
        connected.map_err(during(operation))
    }

    /// What became of reading. A writer that nothing kept out may have pulled
    /// the file from under it: then neither rows nor errors mean anything.
    pub(super) fn judge<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        match self {
            Self::Tidy | Self::Guest => read,
            Self::Alone(unlocked) => {
                unlocked.unchanged()?;
                read
            }
        }
    }
}

impl Unlocked {
    fn unchanged(&self) -> Result<(), StoreError> {
        let path = &self.path;
        let now = metadata(path)?;
        if now.len() == self.size && modified(path, &now)? == self.modified {
            return Ok(());
        }
        let path = path.clone();
        Err(StoreError::ChangedWhileRead { path })
    }
}

/// Whether a log lies beside the file whose pages are not in it yet.
pub(super) fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

fn may_write(path: &Path) -> bool {
    let directory = path.parent().unwrap_or(path);
    access(path, Access::WRITE_OK).is_ok()
        && access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

fn unreadable(path: &Path, log: &Path, index: &Path, error: io::Error) -> StoreError {
    if error.kind() == ErrorKind::NotFound {
        let path = path.to_owned();
        return StoreError::NotClosed { path };
    }
    let culprit = if File::open(log).is_err() { log } else { index };
    StoreError::file("opening", culprit, error)
}

fn metadata(path: &Path) -> Result<Metadata, StoreError> {
    fs::metadata(path).map_err(|error| StoreError::file("opening", path, error))
}

fn modified(path: &Path, metadata: &Metadata) -> Result<SystemTime, StoreError> {
    let modified = metadata.modified();
    modified.map_err(|error| StoreError::file("opening", path, error))
}
