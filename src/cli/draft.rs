//! A file under way → a file with a name, whole or not at all.
//!
//! Where the system can (O_TMPFILE, open(2)) it has no name until then, and
//! nothing is left of it however the program ends: no signal has to be caught.
//! Elsewhere it has a name of no meaning, and a signal leaves that behind.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::NamedTempFile;

/// A file that only its owner may read until somebody else is let in.
pub(super) struct Draft(Kind);

enum Kind {
    /// In a folder, without a name there.
    Nameless {
        file: File,
        folder: PathBuf,
    },
    Named(NamedTempFile),
}

impl Draft {
    /// Begins a file in a folder.
    pub(super) fn within(folder: &Path) -> io::Result<Self> {
        Ok(Self(match nameless(folder) {
            Some(file) => Kind::Nameless {
                file,
                folder: folder.to_owned(),
            },
            None => Kind::Named(NamedTempFile::new_in(folder)?),
        }))
    }

    /// Says who may open it.
    pub(super) fn share(&self, permissions: Permissions) -> io::Result<()> {
        match &self.0 {
            Kind::Nameless { file, .. } => file.set_permissions(permissions),
            Kind::Named(file) => file.as_file().set_permissions(permissions),
        }
    }

    /// Takes the place of what has this name, which is in its folder.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        match self.0 {
            Kind::Named(file) => {
                file.persist(path)?;
            }
            Kind::Nameless { file, folder } => match link(&file, path) {
                // A link never replaces, a renaming does; between the two is
                // the one moment at which it has a name that might be left.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let named = tempfile::Builder::new();
                    let named = named.make_in(folder, |name| link(&file, name))?;
                    named.persist(path)?;
                }
                linked => return linked,
            },
        }
        Ok(())
    }

    /// Takes a name that nothing has yet; [`io::ErrorKind::AlreadyExists`] if
    /// something does.
    pub(super) fn publish(self, path: &Path) -> io::Result<()> {
        match self.0 {
            Kind::Named(file) => {
                file.persist_noclobber(path)?;
                Ok(())
            }
            Kind::Nameless { file, .. } => link(&file, path),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Nameless { file, .. } => file.write(bytes),
            Kind::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Nameless { file, .. } => file.flush(),
            Kind::Named(file) => file.flush(),
        }
    }
}

/// A file without a name; `None` where there is no such thing, or no way to
/// name it later.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let file = File::from(file);
    own_path(&file).exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

/// Gives a file without a name one: proc(5) has the way to it, and whoever
/// has opened it may go there.
#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_FOLLOW;
    Ok(rustix::fs::linkat(CWD, own_path(file), CWD, name, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn own_path(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
        names.collect()
    }

    fn draft(folder: &Path, text: &str) -> Draft {
        let mut draft = Draft::within(folder).unwrap();
        draft.write_all(text.as_bytes()).unwrap();
        draft
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_has_a_name_until_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let under_way = draft(folder.path(), "new");
        assert_eq!(names(folder.path()), [""; 0]);
        under_way.replace(&path).unwrap();
        assert_eq!(names(folder.path()), ["a.csv"]);
        draft(folder.path(), "newer").replace(&path).unwrap();
        assert_eq!(names(folder.path()), ["a.csv"]);
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_draft_with_a_name_ends_as_one_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let named = |text: &str| {
            let file = NamedTempFile::new_in(&folder).unwrap();
            let mut draft = Draft(Kind::Named(file));
            draft.write_all(text.as_bytes()).unwrap();
            draft
        };
        named("old").publish(&path).unwrap();
        for draft in [named("new"), draft(folder.path(), "new")] {
            let error = draft.publish(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
        named("new").replace(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }
}
