use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::super::{FileMode, StoreError};
use crate::domain::Timestamp;

/// The right to write to one inventory. The system takes it back when the
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

const OPERATION: &str = "locking the inventory";

/// Longest note of a holder that is read back.
const MAX_NOTE: u64 = 200;

impl WriterLock {
    /// Takes the lock of the inventory at `path`, at once or not at all, and
    /// notes who holds it.
    ///
    /// The lock is a file of its own beside the inventory, `….lock`; it stays
    /// there, since removing it could unlock somebody else's.
    pub(super) fn take(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let lock = beside(path, ".lock");
        let failed = |source| StoreError::file(OPERATION, &lock, source);
        let mut file = open(&lock)?;
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
        file.set_len(0)
            .and_then(|()| writeln!(file, "process {} since {now}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Opens the lock's file, or makes it for the owner alone.
///
/// Who may write to the inventory's folder could have put a link there, to
/// have another file emptied: neither kind of link is followed.
fn open(lock: &Path) -> Result<File, StoreError> {
    let failed = |error: io::Error| StoreError::file(OPERATION, lock, error);
    let disguised = |what| StoreError::Disguised {
        path: lock.to_owned(),
        what,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FileMode::OWNER.bits())
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(lock)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => disguised("a symbolic link"),
            _ => failed(error),
        })?;
    let metadata = file.metadata().map_err(failed)?;
    match (metadata.is_file(), metadata.nlink()) {
        (true, 1) => Ok(file),
        (true, _) => Err(disguised("one file with several names (hard links)")),
        (false, _) => Err(disguised("not a regular file")),
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
