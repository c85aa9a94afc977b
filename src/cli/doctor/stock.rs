//! The inventory, the disk that it lies on, and the roots to judge by →
//! checks.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::check::Check;
use crate::config::{SystemRoots, TrustStoreError, trust_stores};
use crate::store::{FileMode, StoreError, damages};

/// Less space than this, and a scan of a large network may not end.
const ENOUGH: u64 = 1 << 30;
/// Less than this, and the next batch may not fit with SQLite's log.
const TOO_LITTLE: u64 = 1 << 26;

/// Whether the inventory is whole, and who may open it.
pub(super) async fn inventory(db: &Path, mode: Option<FileMode>) -> Vec<Check> {
    let name = "inventory";
    let shown = db.display();
    match damages(db).await {
        Ok(found) if found.is_empty() => {
            let size = mebibytes(size(db));
            let whole = Check::ok(name, format!("{shown} is whole ({size})"));
            vec![whole, permissions(db, mode)]
        }
        Ok(found) => {
            let found = format!("{shown} is damaged: {}", found.join("; "));
            let advice = Some("restore a backup, or scan into a new --db");
            vec![Check::fail(name, found, advice)]
        }
        Err(StoreError::NotFound { .. }) => vec![absent(db)],
        Err(error) => vec![Check::fail(name, error.to_string(), error.hint())],
    }
}

/// Whether there is space left beside the inventory, for one of this size.
pub(super) fn disk(db: &Path) -> Check {
    let name = "disk";
    let folder = folder(db);
    let shown = folder.display();
    let space = match statvfs(folder) {
        Ok(space) => space.f_bavail.saturating_mul(space.f_frsize),
        Err(error) => {
            let advice = Some("create the directory, or name another --db");
            return Check::fail(name, format!("{shown}: {error}"), advice);
        }
    };
    let found = format!("{} free in {shown}", mebibytes(space));
    let advice = "free some space, or move the inventory (--db)";
    if space < TOO_LITTLE {
        return Check::fail(name, found, Some(advice));
    }
    if space < ENOUGH.max(size(db)) {
        return Check::warn(name, found, advice);
    }
    Check::ok(name, found)
}

/// Whether the roots that chains are judged by can be read.
pub(super) fn roots(system: SystemRoots, files: &[PathBuf]) -> Check {
    let name = "trust stores";
    let found = match trust_stores(system, files) {
        Ok(found) => found,
        Err(error) => {
            let why = match &error {
                TrustStoreError::Read { source, .. } => format!("{error}: {source}"),
                TrustStoreError::Invalid { .. } => error.to_string(),
            };
            return Check::fail(name, why, error.hint());
        }
    };
    let stores = found.stores.iter();
    let counted: Vec<_> = stores
        .map(|store| format!("{} {}", store.roots.len(), store.name))
        .collect();
    let counted = format!("roots: {}", counted.join(", "));
    let has_system = found.stores.iter().all(|store| !store.roots.is_empty());
    if found.warnings.is_empty() && has_system {
        return Check::ok(name, counted);
    }
    let warned = [vec![counted], found.warnings].concat().join("; ");
    let advice = "install ca-certificates, or set no_system_roots = true";
    Check::warn(name, warned, advice)
}

fn absent(db: &Path) -> Check {
    let name = "inventory";
    let found = format!("none yet at {}", db.display());
    if access(folder(db), Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return Check::ok(name, found);
    }
    let found = format!("{found}, and its folder may not be written to");
    let advice = Some("let this user write there, or name another --db");
    Check::fail(name, found, advice)
}

fn permissions(db: &Path, mode: Option<FileMode>) -> Check {
    let name = "permissions";
    let mode = mode.unwrap_or_default();
    match mode.is_exceeded_by(db) {
        Ok(false) => Check::ok(name, format!("nobody is let in beyond {mode}")),
        Ok(true) => Check::warn(
            name,
            format!("{} lets in more people than {mode}", db.display()),
            format!("chmod {mode} {}, or say file_mode", db.display()),
        ),
        Err(error) => Check::fail(name, error.to_string(), None::<String>),
    }
}

fn folder(db: &Path) -> &Path {
    let parent = db.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn size(db: &Path) -> u64 {
    fs::metadata(db).map_or(0, |metadata| metadata.len())
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
