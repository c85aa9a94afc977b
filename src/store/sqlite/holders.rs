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
    let files = ["", "-shm"].map(|suffix| beside(path, suffix));
    let inodes = files.iter().filter_map(|file| fs::metadata(file).ok());
    let inodes: Vec<_> = inodes.map(|file| file.ino()).collect();
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut processes: Vec<_> = locks
        .lines()
        .filter_map(|lock| holder(lock, &inodes))
        .filter(|process| *process != std::process::id())
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
/// another in the file's status.
fn holder(lock: &str, inodes: &[u64]) -> Option<u32> {
    let mut columns = lock.split_whitespace().skip(1);
    let (class, _, access) = (columns.next()?, columns.next()?, columns.next()?);
    let process = columns.next()?.parse().ok()?;
    let inode = columns.next()?.rsplit(':').next()?.parse().ok()?;
    let excludes = matches!(class, "POSIX" | "OFDLCK") && access == "WRITE";
    (excludes && inodes.contains(&inode)).then_some(process)
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
