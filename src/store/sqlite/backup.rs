//! An inventory, also while it is written to → a copy of one moment of it.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection};
use tempfile::NamedTempFile;

use super::super::{FileMode, StoreError};
use super::fault::during;
use super::inspection;
use super::reading::Reading;

const OPERATION: &str = "copying the inventory";

/// Copies the inventory at `from`, as it stands at one moment, to `to`, where
/// there is nothing yet, and returns the absolute path of the copy.
///
/// A writer goes on meanwhile; a scan that is under way is `running` in the
/// copy, until somebody writes to it. The copy is made beside its place and
/// appears there complete, or not at all; what is at `to` is never replaced.
/// An inventory of an older version is copied as it is.
///
/// # Errors
/// When `from` is no inventory that this program can read, `to` is taken, or
/// the system refuses one of the two.
pub async fn copy_inventory(from: &Path, to: &Path, mode: FileMode) -> Result<PathBuf, StoreError> {
    let from = inspection::locate(from)?;
    inspection::inspect(&from).await?;
    let place = vacant(to)?;
    let copy = beside(&place, mode).map_err(|error| failed(&place, error))?;
    vacuum_into(&from, copy.path()).await?;
    publish(copy, &place)?;
    Ok(place)
}

/// The absolute path at which the copy is to appear. A link that is there
/// takes the place, wherever it leads.
fn vacant(to: &Path) -> Result<PathBuf, StoreError> {
    if to.symlink_metadata().is_ok() {
        let path = to.to_owned();
        return Err(StoreError::Taken { path });
    }
    let name = to
        .file_name()
        .ok_or_else(|| failed(to, ErrorKind::InvalidFilename.into()))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    Ok(folder.map_err(|error| failed(to, error))?.join(name))
}

/// An empty file with a name of its own in the folder of `place`: SQLite
/// copies into none that holds anything.
fn beside(place: &Path, mode: FileMode) -> io::Result<NamedTempFile> {
    let permissions = Permissions::from_mode(mode.bits());
    let folder = place.parent().unwrap_or(place);
    let file = tempfile::Builder::new()
        .prefix(".certsweep-backup-")
        .tempfile_in(folder)?;
    // Whatever the umask.
    file.as_file().set_permissions(permissions)?;
    Ok(file)
}

/// Copies what one read transaction sees (sqlite.org/lang_vacuum.html, "VACUUM
/// with an INTO clause"), its log included.
async fn vacuum_into(from: &Path, copy: &Path) -> Result<(), StoreError> {
    let name = copy.to_str().ok_or_else(|| {
        let reason = io::Error::new(ErrorKind::InvalidFilename, "the path is not UTF-8");
        failed(copy, reason)
    })?;
    let reading = Reading::of(from)?;
    let mut connection = reading.connect(from, OPERATION).await?;
    let copied = write_copy(&mut connection, name).await;
    reading.judge(copied)?;
    connection.close().await.map_err(during(OPERATION))
}

async fn write_copy(connection: &mut SqliteConnection, name: &str) -> Result<(), StoreError> {
    let failed = during(OPERATION);
    // A reader's connection may not write, not even into another file.
    let may_write = sqlx::query("pragma query_only = off").execute(&mut *connection);
    may_write.await.map_err(&failed)?;
    let copied = sqlx::query("vacuum into $1").bind(name).execute(connection);
    copied.await.map(drop).map_err(&failed)
}

/// Durable before it has its name, and never in another's place.
fn publish(copy: NamedTempFile, place: &Path) -> Result<(), StoreError> {
    let file = copy.as_file().sync_all();
    file.map_err(|error| failed(place, error))?;
    copy.persist_noclobber(place)
        .map_err(|refused| match refused.error.kind() {
            ErrorKind::AlreadyExists => StoreError::Taken {
                path: place.to_owned(),
            },
            _ => failed(place, refused.error),
        })?;
    let folder = File::open(place.parent().unwrap_or(place));
    let synced = folder.and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(place, error))
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    StoreError::file("copying the inventory to", path, error)
}
