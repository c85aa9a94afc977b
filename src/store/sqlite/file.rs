//! The file of the inventory: how it comes to be, how it opens.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::super::{DatabaseFault, PAGE, StoreError};
use super::fault::{corrupted, during};
use super::lock::beside;
use super::statement::MAX_ROWS;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long another program may keep the database locked before we give up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// As many as Linux follows (path_resolution(7)).
const MAX_SYMBOLIC_LINKS: usize = 40;
/// Statements that a reader keeps prepared.
const READER_STATEMENTS: usize = 32;
/// Statements that the writer keeps prepared: nine lengths of each of some
/// thirty over many rows, of which most batches need few.
const WRITER_STATEMENTS: usize = 512;
/// The writer's page cache, 32 MiB as SQLite writes it: a batch that does not
/// fit spills into the log early, and its checksums are computed twice.
const WRITER_CACHE: &str = "-32768";
/// Pages in the log before they are put into their places, 32 MiB: what batch
/// after batch changes is put there once.
const WRITER_CHECKPOINT: &str = "8192";

/// The newest inventory version this program knows.
pub(super) fn known_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// The absolute path at which a file that is not there yet is to be made:
/// where a dangling symbolic link leads, so that the lock lies beside it. The
/// directory must be there.
pub(super) fn place(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::file("creating", path, error);
    let mut place = path.to_owned();
    for _ in 0..MAX_SYMBOLIC_LINKS {
        let name = place
            .file_name()
            .ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?;
        let directory = match place.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        let directory = fs::canonicalize(directory).map_err(failed)?;
        place = directory.join(name);
        match fs::read_link(&place) {
            Ok(target) => place = directory.join(target),
            Err(_) => return Ok(place),
        }
    }
    Err(failed(Errno::LOOP.into()))
}

/// Makes an empty inventory at an absolute path where there is nothing.
///
/// It is built beside its place and appears there complete, or not at all.
pub(super) async fn create(path: &Path) -> Result<(), StoreError> {
    let building = Building::begin(path)?;
    let mut connection = writer_options(&building.path)
        .connect()
        .await
        .map_err(during("creating the inventory"))?;
    migrate(&mut connection).await?;
    connection
        .close()
        .await
        .map_err(during("creating the inventory"))?;
    building.publish(path)
}

/// The writer's connection, with the schema brought up to date.
pub(super) async fn connect_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut connection = writer_options(path)
        .connect()
        .await
        .map_err(during("opening the inventory"))?;
    migrate(&mut connection).await?;
    Ok(connection)
}

/// The writer's connection once more, to the file that it had one to.
pub(super) async fn connect_again(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    writer_options(path).connect().await
}

/// What all readers connect with. `trusted_schema`: what somebody put into
/// the schema of a file must not run functions with side effects.
pub(super) fn reader_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(READER_STATEMENTS)
        .row_buffer_size(PAGE)
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(WRITER_STATEMENTS)
        .row_buffer_size(MAX_ROWS)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", WRITER_CHECKPOINT)
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let operation = "bringing the inventory up to date";
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(()),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(during(operation)(error))
        }
        Err(
            error @ (MigrateError::VersionMissing(_)
            | MigrateError::VersionMismatch(_)
            | MigrateError::Dirty(_)),
        ) => Err(corrupted(operation, &error)),
        Err(error) => Err(StoreError::Database {
            operation,
            source: DatabaseFault(error.into()),
        }),
    }
}

/// An inventory under construction; what is left of it goes when dropped.
struct Building {
    path: PathBuf,
}

impl Building {
    /// The caller holds the writer's lock: what an earlier attempt left
    /// behind is nobody's.
    fn begin(target: &Path) -> Result<Self, StoreError> {
        let building = Self {
            path: beside(target, ".new"),
        };
        building.remove();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&building.path);
        // SQLite gives its other files the mode of this one, whatever the
        // umask.
        file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600)))
            .map_err(|error| StoreError::file("creating", target, error))?;
        Ok(building)
    }

    /// Puts the finished file into its place; never over another one. At no
    /// moment has it two names, which would be refused ever after.
    fn publish(&self, target: &Path) -> Result<(), StoreError> {
        let placed = match renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE) {
            // Not every file system has this; the lock keeps other writers
            // out of the moment between the two calls.
            Err(error) if error != Errno::EXIST && !target.exists() => {
                fs::rename(&self.path, target)
            }
            renamed => renamed.map_err(io::Error::from),
        };
        placed
            .and_then(|()| sync_directory(target))
            .map_err(|error| StoreError::file("creating", target, error))
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // What isn't there need not go; what can't go fails the next step.
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        self.remove();
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| {
        File::open(directory).and_then(|directory| directory.sync_all())
    })
}
