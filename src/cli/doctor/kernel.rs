//! What the kernel says of itself below `/proc`, as numbers.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// The kernel's files, at `/proc` or, in a test, elsewhere. What is not there,
/// or not to be read, is `None`: containers and network namespaces hide much.
pub(super) struct Kernel {
    root: PathBuf,
}

/// Entries of a table: how many there are, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) used: u64,
    pub(super) most: u64,
}

/// In `/proc/net/route`, a route to what the interface itself is attached to
/// has neither gateway (RTF_GATEWAY) nor is it down (RTF_UP).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;

impl Kernel {
    pub(super) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The local ports that connections may come from (ip(7),
    /// `ip_local_port_range`): how many.
    pub(super) fn ephemeral_ports(&self) -> Option<u64> {
        let range = self.read("sys/net/ipv4/ip_local_port_range")?;
        let mut ends = range.split_whitespace().map(str::parse::<u64>);
        let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
        Some(last.checked_sub(first)? + 1)
    }

    /// The most neighbours it remembers (arp(7), `gc_thresh3`).
    pub(super) fn most_neighbours(&self) -> Option<u64> {
        self.number("sys/net/ipv4/neigh/default/gc_thresh3")
    }

    /// The addresses of the largest network that this machine is attached to.
    pub(super) fn largest_attached(&self) -> Option<u64> {
        let routes = self.read("net/route")?;
        routes.lines().skip(1).filter_map(attached).max()
    }

    /// The connections that its firewall tracks.
    pub(super) fn tracked_connections(&self) -> Option<Table> {
        Some(Table {
            used: self.number("sys/net/netfilter/nf_conntrack_count")?,
            most: self.number("sys/net/netfilter/nf_conntrack_max")?,
        })
    }

    /// How long the firewall tracks a SYN that nobody answers, in seconds.
    pub(super) fn unanswered_tracked_for(&self) -> Option<u64> {
        self.number("sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent")
    }

    fn number(&self, file: &str) -> Option<u64> {
        self.read(file)?.trim().parse().ok()
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.root.join(file)).ok()
    }
}

/// The addresses behind a line of `/proc/net/route`, if it is an attached
/// network: interface, destination, gateway, flags, three more, mask.
fn attached(line: &str) -> Option<u64> {
    let mut columns = line.split_whitespace();
    let flags = u32::from_str_radix(columns.nth(3)?, 16).ok()?;
    let mask = u32::from_str_radix(columns.nth(3)?, 16).ok()?;
    if flags & UP == 0 || flags & GATEWAY != 0 {
        return None;
    }
    // Printed as the machine has it in memory: in network order.
    let mask = Ipv4Addr::from(mask.to_ne_bytes());
    Some(1 << mask.to_bits().count_zeros())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn kernel(root: &Path, files: &[(&str, &str)]) -> Kernel {
        for (name, content) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Kernel::at(root)
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
        assert_eq!(kernel.most_neighbours(), Some(1024));
        let tracked = Table {
            used: 7,
            most: 262_144,
        };
        assert_eq!(kernel.tracked_connections(), Some(tracked));
        assert_eq!(kernel.unanswered_tracked_for(), None);
    }

    #[test]
    fn the_largest_attached_network_is_found_among_routes() {
        let root = tempfile::tempdir().unwrap();
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n\
            eth1\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n\
            eth2\t0000000B\t00000000\t0000\t0\t0\t0\t000000FF\t0\n";
        let kernel = kernel(root.path(), &[("net/route", routes)]);
        assert_eq!(kernel.largest_attached(), Some(1 << 16));
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
        assert_eq!(kernel.most_neighbours(), None);
        assert_eq!(kernel.largest_attached(), None);
        assert_eq!(kernel.tracked_connections(), None);
    }
}
