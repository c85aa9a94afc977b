//! Installations → their certificates, each once, as files or as one stream.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::draft::Draft;
use super::failure::Failure;
use crate::domain::{Der, Fingerprint};
use crate::report::{Installation, pem};
use crate::store::{FileMode, FingerprintPrefix, Inventory, SqliteInventory};

/// How a certificate is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// RFC 7468.
    Pem,
    /// The bytes as received.
    Der,
}

/// Which certificates of an installation are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The server's own.
    Leaf,
    /// All that it sent.
    Chain,
}

/// Where certificates go.
pub(super) enum Place<Out: Write> {
    /// One PEM after the other.
    Stream(BufWriter<Out>),
    /// A file each.
    Folder(Folder),
}

/// A directory, how certificates are written there, and for whom.
pub(super) struct Folder {
    path: PathBuf,
    encoding: Encoding,
    mode: FileMode,
}

/// Certificates on their way out. What it remembers grows by 32 bytes a
/// certificate.
pub(super) struct CertificateFiles<Out: Write> {
    place: Place<Out>,
    depth: Depth,
    written: HashSet<Fingerprint>,
    /// Members of chains whose bytes are still to be read.
    wanted: BTreeSet<Fingerprint>,
    failed: Result<(), Failure>,
}

impl<Out: Write> CertificateFiles<Out> {
    pub(super) fn new(place: Place<Out>, depth: Depth) -> Self {
        Self {
            place,
            depth,
            written: HashSet::new(),
            wanted: BTreeSet::new(),
            failed: Ok(()),
        }
    }

    /// Writes the certificate of an installation that was read with its DER,
    /// unless it is written already.
    pub(super) fn row(&mut self, row: &Installation) -> ControlFlow<()> {
        if self.depth == Depth::Chain {
            self.wanted.extend(&*row.chain);
        }
        if let Some(der) = &row.certificate.der {
            self.failed = self.certificate(row.certificate.sha256, der);
        }
        match self.failed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Writes the members of chains, after all rows, and what is still
    /// buffered.
    pub(super) async fn finish(mut self, inventory: &SqliteInventory) -> Result<(), Failure> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        for member in std::mem::take(&mut self.wanted) {
            if self.written.contains(&member) {
                continue;
            }
            let prefix = FingerprintPrefix::whole(member);
            for found in inventory.certificate(&prefix).await? {
                if let Some(der) = &found.certificate.der {
                    self.certificate(member, der)?;
                }
            }
        }
        match &mut self.place {
            Place::Stream(out) => out.flush().map_err(|error| Failure::output(&error)),
            Place::Folder(_) => Ok(()),
        }
    }

    fn certificate(&mut self, sha256: Fingerprint, der: &Der) -> Result<(), Failure> {
        if !self.written.insert(sha256) {
            return Ok(());
        }
        match &mut self.place {
            Place::Stream(out) => {
                let written = out.write_all(pem(der).as_bytes());
                written.map_err(|error| Failure::output(&error))
            }
            Place::Folder(folder) => folder.write(sha256, der),
        }
    }
}

impl Folder {
    /// The directory at `path`, made where it is not there for those whom
    /// `mode` lets read the files.
    pub(super) fn open(path: &Path, encoding: Encoding, mode: FileMode) -> Result<Self, Failure> {
        Self::make(path, mode)?;
        // What replaces the name later must not lead elsewhere.
        let path = fs::canonicalize(path)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))?;
        Ok(Self {
            path,
            encoding,
            mode,
        })
    }

    /// Makes the directory at `path`, where it is not there, for those whom
    /// `mode` lets read the files.
    pub(super) fn make(path: &Path, mode: FileMode) -> Result<(), Failure> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {
                // What the mask of the process takes away is given back.
                let permissions = Permissions::from_mode(mode.folder_bits());
                fs::set_permissions(path, permissions)
                    .map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Err(error) => Err(Failure::usage(format_args!("{}: {error}", path.display()))
                .hint(Some("-o names the directory to write the files into"))),
        }
    }

    /// Writes `<sha256>.pem` or `.der`, whole or not at all. A file of this
    /// name stays as it is; if it holds anything else, that is an error.
    fn write(&self, sha256: Fingerprint, der: &Der) -> Result<(), Failure> {
        let (name, contents) = match self.encoding {
            Encoding::Pem => (format!("{sha256}.pem"), pem(der).into_bytes()),
            Encoding::Der => (format!("{sha256}.der"), der.as_bytes().to_vec()),
        };
        let path = self.path.join(name);
        let failed =
            |error: &io::Error| Failure::failed(format_args!("{}: {error}", path.display()));
        match holds(&path, &contents) {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(occupied(&path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&error)),
        }
        let mut file = Draft::within(&self.path).map_err(|error| failed(&error))?;
        file.write_all(&contents).map_err(|error| failed(&error))?;
        let permissions = Permissions::from_mode(self.mode.bits());
        file.share(permissions).map_err(|error| failed(&error))?;
        match file.publish(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                match holds(&path, &contents) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(occupied(&path)),
                    Err(error) => Err(failed(&error)),
                }
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Whether a file, and not what a link leads to, holds just this.
fn holds(path: &Path, contents: &[u8]) -> io::Result<bool> {
    // A pipe would keep whoever opens it waiting.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file: File = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != contents.len() as u64 {
        return Ok(false);
    }
    let mut found = Vec::new();
    file.take(metadata.len()).read_to_end(&mut found)?;
    Ok(found == contents)
}

fn occupied(path: &Path) -> Failure {
    Failure::failed(format_args!("{} holds something else", path.display()))
        .hint(Some("nothing is replaced; name an empty directory"))
}
