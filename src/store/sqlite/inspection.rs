//! What a file is, found out without changing it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection};

use super::super::StoreError;
use super::fault::during;
use super::file::known_version;
use super::reading::{Reading, has_log};

/// `application_id` of an inventory, `CSWP`, as 0001_inventory.sql sets it.
const APPLICATION_ID: u32 = 0x4353_5750;

/// The absolute path of a file that is there, through any symbolic links.
pub(super) fn locate(path: &Path) -> Result<PathBuf, StoreError> {
    fs::canonicalize(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound {
            path: path.to_owned(),
        },
        _ => StoreError::file("opening", path, error),
    })
}

/// Makes sure that a file is an inventory this program may read, and leaves
/// it as it is; returns its version.
pub(super) async fn inspect(path: &Path) -> Result<i64, StoreError> {
    let in_header = header_version(path)?;
    refuse_newer(path, in_header)?;
    // A writer's newest pages may not have come into the file itself yet.
    if !has_log(path) {
        return Ok(in_header);
    }
    let version = version_in_database(path).await?;
    refuse_newer(path, version)?;
    Ok(version)
}

/// Makes sure that a file is an inventory this program may write, and leaves
/// it as it is; returns its absolute path.
///
/// SQLite's log and our lock lie beside one name of a file. Writers that come
/// by another name see neither, and would destroy it together.
pub(super) async fn inspect_to_write(path: &Path) -> Result<PathBuf, StoreError> {
    let path = locate(path)?;
    let metadata = fs::metadata(&path);
    let metadata = metadata.map_err(|error| StoreError::file("opening", &path, error))?;
    if metadata.is_file() && metadata.nlink() > 1 {
        let links = metadata.nlink();
        return Err(StoreError::HardLinked { path, links });
    }
    inspect(&path).await?;
    Ok(path)
}

/// Reads the first 100 bytes (sqlite.org/fileformat2.html section 1.3): magic,
/// `user_version` at 60, `application_id` at 68.
fn header_version(path: &Path) -> Result<i64, StoreError> {
    let foreign = |reason| StoreError::NotAnInventory {
        path: path.to_owned(),
        reason,
    };
    let failed = |error| StoreError::file("opening", path, error);
    // Before opening: opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(foreign("not a regular file"));
    }
    let mut header = [0; 100];
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return Err(foreign("too short for a database"));
        }
        Err(error) => return Err(failed(error)),
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign("not a SQLite database"));
    }
    let number = |at: usize| {
        header
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    if number(68) != APPLICATION_ID {
        return Err(foreign("a SQLite database of another program"));
    }
    Ok(i64::from(number(60)))
}

async fn version_in_database(path: &Path) -> Result<i64, StoreError> {
    let failed = during("opening the inventory");
    // Not in order: the last to close would write the log into the file.
    let options = Reading::of(path)?.options(path).read_only(true);
    let mut connection = options.connect().await.map_err(&failed)?;
    let version = sqlx::query_scalar("pragma user_version")
        .fetch_one(&mut connection)
        .await
        .map_err(&failed)?;
    connection.close().await.map_err(&failed)?;
    Ok(version)
}

fn refuse_newer(path: &Path, found: i64) -> Result<(), StoreError> {
    let known = known_version();
    if found <= known {
        return Ok(());
    }
    Err(StoreError::NewerVersion {
        path: path.to_owned(),
        found,
        known,
    })
}
