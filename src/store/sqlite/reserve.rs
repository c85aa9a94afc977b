//! Room on the disk for the end of a scan, set aside as long as it runs: a disk
//! that fills up meanwhile still takes the word that it did.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tempfile::tempfile_in;

use super::super::StoreError;

/// The row of a scan and the pages above it, as SQLite writes them to its log
/// and from there into their places, many times over.
const ROOM: u32 = 1 << 18;

/// The room, given back when dropped: a file without a name, of which nothing
/// is left either when the process is killed.
#[derive(Debug)]
pub(super) struct Reserve {
    _file: Option<File>,
}

impl Reserve {
    /// Sets room aside beside the inventory at `path`. Where the disk is full
    /// already that fails; where nothing can be set aside, there is none.
    pub(super) fn set_aside(path: &Path) -> Result<Self, StoreError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let file = tempfile_in(directory).and_then(fill);
        let file = file.map_err(|error| StoreError::file("setting room aside", path, error));
        match file {
            Ok(file) => Ok(Self { _file: Some(file) }),
            Err(full @ StoreError::DiskFull { .. }) => Err(full),
            Err(_) => Ok(Self { _file: None }),
        }
    }
}

fn fill(mut file: File) -> io::Result<File> {
    match fallocate(&file, FallocateFlags::empty(), 0, ROOM.into()) {
        // Not every file system can promise room without bytes.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = [0; 1 << 12];
            (0..ROOM >> 12).try_for_each(|_| file.write_all(&zeros))?;
            file.sync_data()?;
        }
        allocated => allocated?,
    }
    Ok(file)
}
