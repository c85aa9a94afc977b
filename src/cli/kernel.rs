//! What the kernel says of itself below `/proc` and `/sys`, as numbers.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use crate::scan::{Loss, LossMeter};
use crate::target::AddressRange;

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

/// In `/proc/net/route`, a route to what the interface itself is attached to
/// has neither gateway (RTF_GATEWAY) nor is it down (RTF_UP).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;

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

    /// The most neighbours it remembers (arp(7), `gc_thresh3`).
    pub(in crate::cli) fn most_neighbours(&self) -> Option<u64> {
        self.number("sys/net/ipv4/neigh/default/gc_thresh3")
    }

    /// The addresses of the largest network that this machine is attached to.
    pub(in crate::cli) fn largest_attached(&self) -> Option<u64> {
        let sizes = self.attached().into_iter().map(|range| range.size());
        sizes.max().and_then(|size| u64::try_from(size).ok())
    }

    /// The IPv4 networks that this machine is attached to.
    pub(in crate::cli) fn attached(&self) -> Vec<AddressRange> {
        let routes = self.read("net/route").unwrap_or_default();
        routes.lines().skip(1).filter_map(attached).collect()
    }

    /// Tells what the machine loses from now on.
    pub(in crate::cli) fn losses_from_now(self) -> LossMeter {
        let before = self.losses();
        LossMeter::new(move || {
            let now = self.losses().into_iter();
            let losses = now.filter_map(|(counter, now)| {
                let packets = now.saturating_sub(*before.get(&counter)?);
                (packets > 0).then_some(Loss { counter, packets })
            });
            losses.collect()
        })
    }

    /// The counters of packets that this machine lost before they left it, by
    /// what they are called.
    pub(in crate::cli) fn losses(&self) -> BTreeMap<String, u64> {
        let mut losses = BTreeMap::new();
        let interfaces = fs::read_dir(self.sys.join("class/net"));
        for interface in interfaces.into_iter().flatten().flatten() {
            let counter = interface.path().join("statistics/tx_dropped");
            let dropped = fs::read_to_string(counter).ok();
            if let Some(dropped) = dropped.and_then(|it| it.trim().parse().ok()) {
                let name = interface.file_name();
                losses.insert(format!("tx_dropped of {}", name.display()), dropped);
            }
        }
        if let Some(full) = self.full_neighbour_tables() {
            losses.insert("table_fulls of the neighbour table".to_owned(), full);
        }
        let snmp = self.read("net/snmp").unwrap_or_default();
        for counter in ["OutDiscards", "OutNoRoutes"] {
            if let Some(packets) = of_ip(&snmp, counter) {
                losses.insert(format!("Ip{counter}"), packets);
            }
        }
        losses
    }

    /// How often the neighbour table was full, over all processors: a column of
    /// a table in hexadecimal.
    fn full_neighbour_tables(&self) -> Option<u64> {
        let table = self.read("net/stat/arp_cache")?;
        let mut lines = table.lines();
        let mut columns = lines.next()?.split_whitespace();
        let column = columns.position(|name| name == "table_fulls")?;
        let of_processor = |line: &str| {
            let count = line.split_whitespace().nth(column)?;
            u64::from_str_radix(count, 16).ok()
        };
        Some(lines.filter_map(of_processor).sum())
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

    fn number(&self, file: &str) -> Option<u64> {
        self.read(file)?.trim().parse().ok()
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.proc.join(file)).ok()
    }
}

/// The network of a line of `/proc/net/route`, if it is an attached one:
/// interface, destination, gateway, flags, three more, mask.
fn attached(line: &str) -> Option<AddressRange> {
    let mut columns = line.split_whitespace().skip(1);
    let mut number = |place| u32::from_str_radix(columns.nth(place)?, 16).ok();
    let (destination, flags, mask) = (number(0)?, number(1)?, number(3)?);
    if flags & UP == 0 || flags & GATEWAY != 0 {
        return None;
    }
    // Printed as the machine has it in memory: in network order.
    let [first, mask] = [destination, mask].map(|it| Ipv4Addr::from(it.to_ne_bytes()));
    let last = Ipv4Addr::from_bits(first.to_bits() | !mask.to_bits());
    AddressRange::new(first.into(), last.into()).ok()
}

/// A counter of `/proc/net/snmp`: a line of names, then one of numbers.
fn of_ip(snmp: &str, counter: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Ip:"));
    let mut names = lines.next()?.split_whitespace();
    let place = names.position(|name| name == counter)?;
    lines.next()?.split_whitespace().nth(place)?.parse().ok()
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
    fn what_the_machine_lost_is_counted_by_name() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("class/net/eth0/statistics/tx_dropped", "12\n"),
            (
                "net/stat/arp_cache",
                "entries  allocs table_fulls\n0000000a 00000000 0000000f\n0000000a 00000000 00000001\n",
            ),
            (
                "net/snmp",
                "Ip: Forwarding OutDiscards OutNoRoutes\nIp: 1 3 4\nTcp: OutDiscards\nTcp: 9\n",
            ),
        ];
        let losses = kernel(root.path(), &files).losses();
        let losses: Vec<_> = losses
            .iter()
            .map(|(name, count)| (&**name, *count))
            .collect();
        let expected = [
            ("IpOutDiscards", 3),
            ("IpOutNoRoutes", 4),
            ("table_fulls of the neighbour table", 16),
            ("tx_dropped of eth0", 12),
        ];
        assert_eq!(losses, expected);
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
        assert!(kernel.losses().is_empty());
    }
}
