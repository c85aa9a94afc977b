//! Who else has locked an inventory, as far as the system tells.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::StoreError;
use super::lock::beside;

/// Says in an error about a lock who holds it.
pub(super) fn named(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Busy { operation, .. } => StoreError::Busy {
            operation,
            holders: of(path),
        },
        error => error,
    }
}

/// The processes that hold a lock against others on the database or its index:
/// `process 4711 (sqlite3)`. Linux lists those of one's own PID namespace.
fn of(path: &Path) -> Vec<String> {
    let files = ["", "-shm"].map(|suffix| fs::metadata(beside(path, suffix)));
    let files: Vec<_> = files
        .into_iter()
        .flatten()
        .map(|it| identity(&it))
        .collect();
    let inodes: Vec<_> = files.iter().map(|(_, inode)| *inode).collect();
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut processes: Vec<_> = locks
        .lines()
        .filter_map(|lock| holder(lock, &inodes))
        .filter(|process| *process != std::process::id() && may_have(*process, &files))
        .collect();
    processes.sort_unstable();
    processes.dedup();
    processes.into_iter().map(described).collect()
}

/// The process that holds a lock for writing on one of the files, by a line of
/// `/proc/locks` (proc(5)): number, class, kind, access, process,
/// device:inode, first and last byte.
///
/// The device is not compared: overlays and subvolumes have one there and
/// another in the file's status. So it may be another file's.
fn holder(lock: &str, inodes: &[u64]) -> Option<u32> {
    let mut columns = lock.split_whitespace().skip(1);
    let (class, _, access) = (columns.next()?, columns.next()?, columns.next()?);
    let process = columns.next()?.parse().ok()?;
    let inode = columns.next()?.rsplit(':').next()?.parse().ok()?;
    let excludes = matches!(class, "POSIX" | "OFDLCK") && access == "WRITE";
    (excludes && inodes.contains(&inode)).then_some(process)
}

/// Whether a process has one of the files open; true where that is hidden.
fn may_have(process: u32, files: &[(u64, u64)]) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return true;
    };
    open.filter_map(|descriptor| fs::metadata(descriptor.ok()?.path()).ok())
        .any(|file| files.contains(&identity(&file)))
}

/// Device and inode.
fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn described(process: u32) -> String {
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("process {process} ({})", name.trim_end()),
        Err(_) => format!("process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_another_file_open_holds_no_lock_on_this_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("open");
        let open = fs::File::create(&path).unwrap();
        let here = identity(&open.metadata().unwrap());
        let me = std::process::id();
        assert!(may_have(me, &[here]));
        drop(open);
        assert!(!may_have(me, &[here]));
        assert!(may_have(u32::MAX, &[here]), "nobody can say");
    }

    #[test]
    fn whoever_locks_for_writing_is_found_by_the_inode() {
        let lock = |line: &str| holder(line, &[123_456, 99]);
        let line = "1: POSIX  ADVISORY  WRITE 4711 08:01:123456 120 120";
        assert_eq!(lock(line), Some(4711));
        for other in [
            "1: POSIX  ADVISORY  READ 4711 08:01:123456 1073741826 1073742335",
            "2: FLOCK  ADVISORY  WRITE 4711 08:01:123456 0 EOF",
            "3: POSIX  ADVISORY  WRITE 4711 08:01:7 0 EOF",
            "3: -> POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF",
            "",
            "nonsense",
        ] {
            assert_eq!(lock(other), None, "{other}");
        }
    }
}
