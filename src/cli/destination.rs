use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::failure::Failure;
use crate::store::FileMode;

/// Where a report goes: a file that is replaced when the new one is whole, or
/// something else with a name (a pipe, a device) that is written as it comes.
pub(super) struct Destination {
    path: PathBuf,
    out: Out,
}

enum Out {
    Replacing(Draft),
    Streaming(File),
}

impl Destination {
    /// Opens `path`; only its owner may read a file that is made here. The
    /// inventory at `db` and the files beside it are refused.
    pub(super) fn open(path: &Path, db: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| cant_write(path, &error);
        // A link is followed: what it leads to is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(failed(error)),
        };
        if is_of_inventory(&path, db) {
            return Err(is_the_inventory(&path));
        }
        let existing = fs::metadata(&path);
        let out = match existing {
            Ok(existing) if !existing.is_file() => {
                let file = OpenOptions::new().write(true).open(&path);
                Out::Streaming(file.map_err(failed)?)
            }
            Ok(_) | Err(_) => Out::Replacing(beside(&path).map_err(failed)?),
        };
        Ok(Self { path, out })
    }

    /// Opens a file in a directory under a name of ours. A link there is
    /// replaced and never followed: whoever else may write there could have
    /// foreseen the name.
    pub(super) fn within(folder: &Path, name: &str, db: &Path) -> Result<Self, Failure> {
        let folder = fs::canonicalize(folder).map_err(|error| cant_write(folder, &error))?;
        let path = folder.join(name);
        if is_of_inventory(&path, db) {
            return Err(is_the_inventory(&path));
        }
        let file = Draft::within(&folder).map_err(|error| cant_write(&path, &error))?;
        Ok(Self {
            path,
            out: Out::Replacing(file),
        })
    }

    /// Lets those in whom `mode` says, and nobody else; a pipe or a device
    /// stays as it is.
    pub(super) fn share(self, mode: FileMode) -> Result<Self, Failure> {
        if let Out::Replacing(file) = &self.out {
            let permissions = Permissions::from_mode(mode.bits());
            file.share(permissions)
                .map_err(|error| cant_write(&self.path, &error))?;
        }
        Ok(self)
    }

    /// Takes its name where no file has it yet; one that has it stays.
    pub(super) fn finish_unless_taken(self) -> Result<(), Failure> {
        let Self { path, out } = self;
        match out {
            Out::Streaming(_) => Ok(()),
            Out::Replacing(file) => match file.publish(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(cant_write(&path, &error))
                }
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    /// Takes the place of the file before it, if there was one.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { path, out } = self;
        match out {
            Out::Streaming(_) => Ok(()),
            Out::Replacing(file) => {
                let replaced = file.replace(&path);
                replaced.map_err(|error| cant_write(&path, &error))
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Replacing(file) => file.write(bytes),
            Out::Streaming(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Replacing(file) => file.flush(),
            Out::Streaming(file) => file.flush(),
        }
    }
}

/// Whether it is the inventory's file, or one that belongs to it.
pub(super) fn is_of_inventory(path: &Path, db: &Path) -> bool {
    let (path, db) = (settled(path), settled(db));
    ["", "-wal", "-shm", ".lock"].iter().any(|suffix| {
        let mut name = db.clone().into_os_string();
        name.push(suffix);
        path == Path::new(&name)
    })
}

/// A path without links, also where nothing has its name yet.
pub(super) fn settled(path: &Path) -> PathBuf {
    let parent = || {
        let folder = fs::canonicalize(folder_of(path)).ok()?;
        Some(folder.join(path.file_name()?))
    };
    let found = fs::canonicalize(path).ok().or_else(parent);
    found.unwrap_or_else(|| path.to_owned())
}

fn is_the_inventory(path: &Path) -> Failure {
    Failure::usage(format_args!("{} is the inventory itself", path.display()))
        .hint(Some("-o names what to write the report to"))
}

fn beside(path: &Path) -> io::Result<Draft> {
    let folder = folder_of(path);
    // The error of `tempfile` would name a file that nobody asked for.
    fs::metadata(folder)?;
    Draft::within(folder)
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn cant_write(path: &Path, error: &io::Error) -> Failure {
    let problem = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(problem).hint(Some("create the directory first")),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            Failure::usage(problem).hint(Some("-o names a file here"))
        }
        _ => Failure::failed(problem),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cli::exit::Exit;

    fn write(path: &Path, db: &Path) -> Result<(), Failure> {
        let mut destination = Destination::open(path, db)?;
        destination.write_all(b"report").unwrap();
        destination.finish()
    }

    #[test]
    fn a_report_replaces_the_one_before_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (
            directory.path().join("a.csv"),
            directory.path().join("link"),
        );
        fs::write(&path, "an older and longer report").unwrap();
        symlink(&path, &link).unwrap();
        write(&link, &directory.path().join("i.db")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"report");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    }

    #[test]
    fn a_name_of_ours_in_a_directory_replaces_a_link_and_not_what_it_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("out");
        fs::create_dir(&folder).unwrap();
        let victim = directory.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        symlink(&victim, folder.join("web.csv")).unwrap();
        let db = directory.path().join("i.db");
        let mut destination = Destination::within(&folder, "web.csv", &db).unwrap();
        destination.write_all(b"report").unwrap();
        destination.finish().unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"untouched");
        let written = fs::symlink_metadata(folder.join("web.csv")).unwrap();
        assert!(written.is_file());
        assert_eq!(written.permissions().mode() & 0o777, 0o600);
        assert!(Destination::within(directory.path(), "i.db-wal", &db).is_err());
    }

    #[test]
    fn the_inventory_is_never_replaced_by_its_report() {
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("i.db");
        fs::write(&db, "inventory").unwrap();
        let link = directory.path().join("link.csv");
        symlink(&db, &link).unwrap();
        let folder = directory.path().join("out");
        fs::create_dir(&folder).unwrap();
        let beside = directory.path().join("i.db-wal");
        let another_way = folder.join("../i.db-shm");
        for path in [&db, &link, &beside, &another_way] {
            assert!(write(path, &db).is_err(), "{}", path.display());
        }
        assert_eq!(fs::read(&db).unwrap(), b"inventory");
    }

    #[test]
    fn a_report_is_shared_with_whom_the_mode_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let destination = Destination::open(&path, Path::new("i.db")).unwrap();
        let shared = destination.share(FileMode::GROUP_READS).unwrap();
        shared.finish().unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[test]
    fn what_can_not_be_a_file_is_wrong_usage_and_names_no_file_of_ours() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing").join("a.csv");
        for (path, hint) in [
            (missing.as_path(), "create the directory first"),
            (directory.path(), "-o names a file here"),
        ] {
            let failure = write(path, Path::new("i.db")).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert_eq!(failure.hint.as_deref(), Some(hint));
            let told = failure.message.strip_prefix(path.to_str().unwrap());
            assert!(told.is_some_and(|why| !why.contains(".tmp")), "{failure:?}");
        }
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let null = Path::new("/dev/null");
        write(null, Path::new("i.db")).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }
}
