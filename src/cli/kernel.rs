//! What the kernel says of itself below `/proc` and `/sys`, as numbers.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

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

/// What has a neighbour table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Family {
    V4,
    V6,
}

/// In `/proc/net/route` and `/proc/net/ipv6_route`, a route to what the
/// interface itself is attached to has neither gateway (RTF_GATEWAY) nor is it
/// down (RTF_UP). In the latter stand routes to this machine as well
/// (RTF_LOCAL), and those that lead nowhere (RTF_REJECT).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;
const LOCAL: u32 = 0x8000_0000;

const NO_ARP: u32 = 0x80;

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

    /// The most neighbours it remembers in a family (arp(7), `gc_thresh3`).
    pub(in crate::cli) fn most_neighbours(&self, family: Family) -> Option<u64> {
        self.number(&format!(
            "sys/net/{}/neigh/default/gc_thresh3",
            family.word()
        ))
    }

    /// The addresses of the largest IPv4 network that this machine is attached
    /// to.
    pub(in crate::cli) fn largest_attached(&self) -> Option<u64> {
        let attached = self.attached(Family::V4);
        let sizes = attached.into_iter().map(|range| range.size());
        sizes.max().and_then(|size| u64::try_from(size).ok())
    }

    /// The networks of a family that this machine is attached to.
    pub(in crate::cli) fn attached(&self, family: Family) -> Vec<AddressRange> {
        let (routes, attached): (_, fn(&str) -> Option<_>) = match family {
            Family::V4 => ("net/route", attached_v4),
            Family::V6 => ("net/ipv6_route", attached_v6),
        };
        let routes = self.read(routes).unwrap_or_default();
        let attached = routes.lines().filter_map(attached);
        let attached = attached.filter(|(interface, _)| self.has_neighbours(interface));
        attached.map(|(_, range)| range).collect()
    }

    /// Whether an interface asks for the hardware addresses of its neighbours:
    /// a tunnel has none (netdevice(7), IFF_NOARP).
    fn has_neighbours(&self, interface: &str) -> bool {
        let flags = self.below_sys(&format!("class/net/{interface}/flags"));
        let flags = fs::read_to_string(flags).ok();
        let flags = flags.and_then(|flags| {
            let digits = flags.trim().strip_prefix("0x")?;
            u32::from_str_radix(digits, 16).ok()
        });
        flags.is_none_or(|flags| flags & NO_ARP == 0)
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

    /// A file below `/proc`.
    pub(super) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.proc.join(file)).ok()
    }

    /// A place below `/sys`.
    pub(super) fn below_sys(&self, place: &str) -> PathBuf {
        self.sys.join(place)
    }
}

impl Family {
    /// Both.
    pub(in crate::cli) const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// Its word in the kernel's names.
    pub(in crate::cli) const fn word(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

/// The network of a line of `/proc/net/route`, if it is an attached one:
/// interface, destination, gateway, flags, three more, mask.
fn attached_v4(line: &str) -> Option<(String, AddressRange)> {
    let mut columns = line.split_whitespace();
    let interface = columns.next()?.to_owned();
    let mut number = |place| u32::from_str_radix(columns.nth(place)?, 16).ok();
    let (destination, flags, mask) = (number(0)?, number(1)?, number(3)?);
    if flags & UP == 0 || flags & GATEWAY != 0 {
        return None;
    }
    // Printed as the machine has it in memory: in network order.
    let [first, mask] = [destination, mask].map(|it| Ipv4Addr::from(it.to_ne_bytes()));
    let last = Ipv4Addr::from_bits(first.to_bits() | !mask.to_bits());
    Some((
        interface,
        AddressRange::new(first.into(), last.into()).ok()?,
    ))
}

/// The same of a line of `/proc/net/ipv6_route`: destination, its length, five
/// more, flags, interface. Those for link-local addresses and multicast are of
/// no concern.
fn attached_v6(line: &str) -> Option<(String, AddressRange)> {
    let mut columns = line.split_whitespace();
    let destination = u128::from_str_radix(columns.next()?, 16).ok()?;
    let length = u32::from_str_radix(columns.next()?, 16).ok()?;
    let flags = u32::from_str_radix(columns.nth(6)?, 16).ok()?;
    let first = Ipv6Addr::from_bits(destination);
    let is_foreign = flags & (GATEWAY | REJECT | LOCAL) != 0 || flags & UP == 0;
    if is_foreign || first.is_unicast_link_local() || first.is_multicast() {
        return None;
    }
    let hosts = u128::MAX.checked_shr(length).unwrap_or_default();
    let last = Ipv6Addr::from_bits(destination | hosts);
    let interface = columns.last()?.to_owned();
    Some((
        interface,
        AddressRange::new(first.into(), last.into()).ok()?,
    ))
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
        assert_eq!(kernel.most_neighbours(Family::V4), Some(1024));
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
    fn attached_networks_of_ipv6_are_found_among_routes() {
        let root = tempfile::tempdir().unwrap();
        let zeros = "0".repeat(32);
        let route = |destination: &str, length: &str, flags: &str| {
            format!(
                "{destination:0<32} {length} {zeros} 00 {zeros} 00000100 00000001 00000000 {flags} \
                 eth0\n"
            )
        };
        let routes = [
            route("fd77", "40", "00000001"),
            route("fd76", "40", "00000001").replace("eth0", "wg0"),
            route("fd78", "40", "00000003"),
            route("fd79", "80", "80200001"),
            route("fe80", "40", "00000001"),
            route("ff00", "08", "00000001"),
            route("", "00", "00200200"),
            "nonsense\n".to_owned(),
        ];
        let files = [
            ("net/ipv6_route", &*routes.concat()),
            ("class/net/eth0/flags", "0x1003\n"),
            ("class/net/wg0/flags", "0x10d0\n"),
        ];
        let kernel = kernel(root.path(), &files);
        let attached = kernel.attached(Family::V6);
        let attached: Vec<_> = attached.iter().map(ToString::to_string).collect();
        assert_eq!(attached, ["fd77::/64"]);
        assert_eq!(kernel.attached(Family::V4), []);
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
