//! The file of the inventory: what it is, how it comes to be, how it opens.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::super::{DatabaseFault, StoreError};
use super::fault::{corrupted, during};
use super::lock::beside;
use super::reading::{Reading, has_log};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// `application_id` of an inventory, `CSWP`, as 0001_inventory.sql sets it.
const APPLICATION_ID: u32 = 0x4353_5750;
/// How long another program may keep the database locked before we give up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// As many as Linux follows (path_resolution(7)).
const MAX_SYMBOLIC_LINKS: usize = 40;
/// Statements kept prepared; those over many rows are not among them.
const STATEMENT_CACHE: usize = 32;
/// The writer's page cache, 32 MiB as SQLite writes it: a batch that does not
/// fit spills into the log early, and its checksums are computed twice.
const WRITER_CACHE: &str = "-32768";

/// The newest inventory version this program knows.
pub(super) fn known_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

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
    let metadata = fs::metadata(&path).map_err(|error| {
        let operation = "opening";
        StoreError::file(operation, &path, error)
    })?;
    if metadata.is_file() && metadata.nlink() > 1 {
        let links = metadata.nlink();
        return Err(StoreError::HardLinked { path, links });
    }
    inspect(&path).await?;
    Ok(path)
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

/// What all readers connect with. `trusted_schema`: what somebody put into
/// the schema of a file must not run functions with side effects.
pub(super) fn reader_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENT_CACHE)
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
        .statement_cache_capacity(STATEMENT_CACHE)
        .pragma("cache_size", WRITER_CACHE)
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
            source: DatabaseFault(sqlx::Error::Migrate(Box::new(error))),
        }),
    }
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
            Err(Errno::INVAL | Errno::NOSYS) if !target.exists() => fs::rename(&self.path, target),
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
