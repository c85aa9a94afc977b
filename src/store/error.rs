use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::domain::Fingerprint;

/// Why the inventory can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such file.
    #[error("there is no inventory at {path}", path = path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else; it was not touched.
    #[error("{path} is not a certsweep inventory: {reason}", path = path.display())]
    NotAnInventory {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        reason: &'static str,
    },
    /// A newer certsweep wrote the file; it was not touched.
    #[error("{path} has inventory version {found}, this program knows up to {known}", path = path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// An older certsweep wrote the file, and a reader may not change it.
    #[error("{path} has inventory version {found}, reading needs {known}", path = path.display())]
    OlderVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version needed.
        known: i64,
    },
    /// The file has several names, and each would have a lock and a log of its
    /// own; it was not touched.
    #[error("{path} is one file with {links} names (hard links): not safe to write", path = path.display())]
    HardLinked {
        /// One of the names.
        path: PathBuf,
        /// How many there are.
        links: u64,
    },
    /// Another process writes to this inventory.
    #[error("another writer holds {path} ({holder})", path = path.display())]
    Locked {
        /// The inventory.
        path: PathBuf,
        /// What the other process wrote down about itself.
        holder: String,
    },
    /// A writer was killed, or the file was copied while one was at work, and
    /// we may not write there what reading it takes.
    #[error("{path} was not closed in order, and its directory may not be written to put it right", path = path.display())]
    NotClosed {
        /// The inventory.
        path: PathBuf,
    },
    /// A writer came while the file was read without locks, for want of the
    /// right to write; what was read may be neither old nor new.
    #[error("{path} was changed while it was read", path = path.display())]
    ChangedWhileRead {
        /// The inventory.
        path: PathBuf,
    },
    /// Something is where a new file was to be; it was not touched.
    #[error("{path} is there already", path = path.display())]
    Taken {
        /// The place.
        path: PathBuf,
    },
    /// What should be a file of ours, beside an inventory, is something else
    /// or has other names: writing to it would write elsewhere.
    #[error("{path} is {what}: not safe to write", path = path.display())]
    Disguised {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The disk, or a quota, is full.
    #[error("{operation}: no space left on the disk")]
    DiskFull {
        /// What was being done.
        operation: &'static str,
    },
    /// The file or its file system takes no changes.
    #[error("{operation}: the inventory is read-only")]
    ReadOnly {
        /// What was being done.
        operation: &'static str,
    },
    /// Another program kept the database locked.
    #[error("{operation}: the database is locked by another program{}", listed(.holders))]
    Busy {
        /// What was being done.
        operation: &'static str,
        /// The processes that hold the lock, as far as the system tells.
        holders: Vec<String>,
    },
    /// What the file holds can't be.
    #[error("{operation}: the inventory is damaged: {what}")]
    Corrupted {
        /// What was being done.
        operation: &'static str,
        /// What was found.
        what: String,
    },
    /// A file operation failed.
    #[error("{operation} {path}: {source}", path = path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// How it failed.
        source: io::Error,
    },
    /// The database failed in another way.
    #[error("{operation}: {source}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// How it failed.
        source: DatabaseFault,
    },
    /// A batch shows a certificate that is neither stored nor parsed in it:
    /// our own fault.
    #[error("batch without the certificate {0} that it shows")]
    MissingCertificate(Fingerprint),
    /// A run of addresses that ends before it begins, mixes families or is
    /// longer than a ledger can hold: our own fault.
    #[error("not a run of addresses: {first} to {last}")]
    InvalidRun {
        /// Its first address.
        first: IpAddr,
        /// Its last address.
        last: IpAddr,
    },
}

/// What the database said, in its own words.
#[derive(Debug)]
pub struct DatabaseFault(pub(super) Box<dyn std::error::Error + Send + Sync>);

/// In brackets, where there are any.
fn listed(holders: &[String]) -> String {
    match holders {
        [] => String::new(),
        holders => format!(" ({})", holders.join(", ")),
    }
}

impl StoreError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => {
                Some("`certsweep scan` creates an inventory; --db or CERTSWEEP_DB names another")
            }
            Self::NotAnInventory { .. } => Some("--db or CERTSWEEP_DB names another file"),
            Self::NewerVersion { .. } => Some("use the certsweep that wrote it, or a newer one"),
            Self::OlderVersion { .. } => Some("the next `certsweep scan` brings it up to date"),
            Self::HardLinked { .. } => Some("remove its other names, or copy it and use the copy"),
            Self::Locked { .. } => Some("wait until it is done, or use another --db"),
            Self::NotClosed { .. } => {
                Some("let a user who may write there run `certsweep certs` once, or copy it")
            }
            Self::ChangedWhileRead { .. } => Some("read it again"),
            Self::Taken { .. } => Some("name a new file: nothing is replaced"),
            Self::Disguised { .. } => Some("see who put it there, and remove it"),
            Self::DiskFull { .. } => {
                Some("what was stored before is safe; free some space, then run it again")
            }
            Self::ReadOnly { .. } => Some("check the owner and mode of the file and its directory"),
            Self::Busy { .. } => Some(
                "close the other program that has the file open; `fuser -v FILE` or `lsof FILE` \
                 names it",
            ),
            Self::Corrupted { .. } => Some("restore a backup, or scan into a new --db"),
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    Some("check the owner and mode of the file and its directory")
                }
                io::ErrorKind::NotFound => Some("create the directory first"),
                _ => None,
            },
            Self::Database { .. } | Self::MissingCertificate(_) | Self::InvalidRun { .. } => None,
        }
    }

    /// A file operation that failed.
    pub(super) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { operation }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { operation },
            _ => Self::File {
                operation,
                path: path.to_owned(),
                source,
            },
        }
    }
}

impl fmt::Display for DatabaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DatabaseFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
