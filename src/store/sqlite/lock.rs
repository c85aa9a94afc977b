use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::super::StoreError;
use crate::domain::Timestamp;

/// The right to write to one inventory. The system takes it back when the
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

/// Longest note of a holder that is read back.
const MAX_NOTE: u64 = 200;

impl WriterLock {
    /// Takes the lock of the inventory at `path`, at once or not at all, and
    /// notes who holds it.
    ///
    /// The lock is a file of its own beside the inventory, `….lock`; it stays
    /// there, since removing it could unlock somebody else's.
    pub(super) fn take(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let operation = "locking the inventory";
        let lock = beside(path, ".lock");
        let failed = |source| StoreError::file(operation, &lock, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: path.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| file.set_len(0))
            .and_then(|()| writeln!(file, "process {} since {now}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// The path with something added to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn holder(file: &mut File) -> String {
    let mut note = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(MAX_NOTE).read_to_string(&mut note));
    match (read, note.trim()) {
        (Ok(_), note) if !note.is_empty() => note.to_owned(),
        _ => "unknown process".to_owned(),
    }
}
