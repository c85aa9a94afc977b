//! What the kernel says of itself below `/proc` and `/sys`, as numbers.

mod neighbours;

use std::fs;
use std::path::PathBuf;

pub(in crate::cli) use neighbours::{Family, MOST_BY_DEFAULT};

/// The kernel's files, at `/proc` and `/sys` or, in a test, elsewhere. What is
/// not there, or not to be read, is `None`: containers and network namespaces
/// hide much.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Kernel {
    proc: PathBuf,
    sys: PathBuf,
}

/// Entries of a table: how many there are, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Table {
    pub(in crate::cli) used: u64,
    pub(in crate::cli) most: u64,
}

impl Kernel {
    /// This machine's.
    pub(in crate::cli) fn system() -> Self {
        Self::at("/proc", "/sys")
    }

    pub(in crate::cli) fn at(proc: impl Into<PathBuf>, sys: impl Into<PathBuf>) -> Self {
        Self {
            proc: proc.into(),
            sys: sys.into(),
        }
    }

    /// The local ports that connections may come from (ip(7),
    /// `ip_local_port_range`): how many.
    pub(in crate::cli) fn ephemeral_ports(&self) -> Option<u64> {
        let range = self.read("sys/net/ipv4/ip_local_port_range")?;
        let mut ends = range.split_whitespace().map(str::parse::<u64>);
        let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
        Some(last.checked_sub(first)? + 1)
    }

    /// The connections that its firewall tracks.
    pub(in crate::cli) fn tracked_connections(&self) -> Option<Table> {
        Some(Table {
            used: self.number("sys/net/netfilter/nf_conntrack_count")?,
            most: self.number("sys/net/netfilter/nf_conntrack_max")?,
        })
    }

    /// How long the firewall tracks a SYN that nobody answers, in seconds.
    pub(in crate::cli) fn unanswered_tracked_for(&self) -> Option<u64> {
        self.number("sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent")
    }

    /// What is in a folder below `/proc`.
    fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.proc.join(folder)).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.collect()
    }

    fn number(&self, file: &str) -> Option<u64> {
        self.read(file)?.trim().parse().ok()
    }

    /// A file below `/proc`.
    pub(super) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.proc.join(file)).ok()
    }

    /// A place below `/sys`.
    pub(super) fn below_sys(&self, place: &str) -> PathBuf {
        self.sys.join(place)
    }
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use std::path::Path;

    use super::*;

    pub(super) fn kernel(root: &Path, files: &[(&str, &str)]) -> Kernel {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Kernel::at(root, root)
    }

    #[test]
    fn numbers_are_read_where_they_are() {
        let root = tempfile::tempdir().unwrap();
        let kernel = kernel(
            root.path(),
            &[
                ("sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
                ("sys/net/ipv4/neigh/default/gc_thresh3", "1024\n"),
                ("sys/net/netfilter/nf_conntrack_count", "7\n"),
                ("sys/net/netfilter/nf_conntrack_max", "262144\n"),
            ],
        );
        assert_eq!(kernel.ephemeral_ports(), Some(28_232));
        assert_eq!(kernel.most_neighbours(Family::V4), Some(1024));
        let tracked = Table {
            used: 7,
            most: 262_144,
        };
        assert_eq!(kernel.tracked_connections(), Some(tracked));
        assert_eq!(kernel.unanswered_tracked_for(), None);
    }

    #[test]
    fn what_is_hidden_or_odd_is_not_known() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("sys/net/ipv4/ip_local_port_range", "9 3"),
            ("sys/net/ipv4/neigh/default/gc_thresh3", "many"),
            ("net/route", "Iface\nnonsense\n"),
        ];
        let kernel = kernel(root.path(), &files);
        assert_eq!(kernel.ephemeral_ports(), None);
        assert_eq!(kernel.most_neighbours(Family::V4), None);
        assert_eq!(kernel.largest_attached(), None);
        assert_eq!(kernel.tracked_connections(), None);
    }
}
