//! The tables in which the kernel keeps the hardware addresses of neighbours.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::Kernel;
use crate::target::AddressRange;

/// What has a neighbour table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Family {
    V4,
    V6,
}

/// The most entries that a table has where nobody says otherwise (arp(7)).
/// Network namespaces hide the number; the tables are those of the machine.
pub(in crate::cli) const MOST_BY_DEFAULT: u64 = 1024;

/// `base_reachable_time_ms`, where nobody says otherwise.
const REACHABLE: Duration = Duration::from_secs(30);

/// An entry that changed within these is nobody else's, however full the table
/// is.
const UNTOUCHED: Duration = Duration::from_secs(5);

/// In `/proc/net/route` and `/proc/net/ipv6_route`, a route to what the
/// interface itself is attached to has neither gateway (RTF_GATEWAY) nor is it
/// down (RTF_UP). In the latter stand routes to this machine as well
/// (RTF_LOCAL), and those that lead nowhere (RTF_REJECT).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;
const LOCAL: u32 = 0x8000_0000;

const NO_ARP: u32 = 0x80;

/// In `/proc/net/arp`: the hardware address is known (ATF_COM).
const COMPLETE: u32 = 0x2;

impl Kernel {
    /// The most neighbours it remembers in a family (arp(7), `gc_thresh3`).
    pub(in crate::cli) fn most_neighbours(&self, family: Family) -> Option<u64> {
        self.number(&format!(
            "sys/net/{}/neigh/default/gc_thresh3",
            family.word()
        ))
    }

    /// How long an entry of a host that is there may stay when nobody talks to
    /// it: up to one and a half times `base_reachable_time_ms`, and five
    /// seconds more (arp(7), and `neigh_forced_gc` of Linux). Where that time
    /// is set to less than ten seconds, one may stay longer.
    pub(in crate::cli) fn keeps_neighbours_for(&self, family: Family) -> Duration {
        let table = format!("sys/net/{}/neigh", family.word());
        let interfaces = self.names_in(&table);
        let times = interfaces
            .iter()
            .filter_map(|name| self.number(&format!("{table}/{name}/base_reachable_time_ms")));
        let longest = times.max().map_or(REACHABLE, Duration::from_millis);
        longest * 3 / 2 + UNTOUCHED
    }

    /// The hosts whose hardware addresses it knows; `None` where that can't be
    /// told. Of IPv6 it shows none in a file.
    pub(in crate::cli) fn present_neighbours(&self, family: Family) -> Option<HashSet<IpAddr>> {
        match family {
            Family::V4 => Some(self.read("net/arp")?.lines().filter_map(present).collect()),
            Family::V6 => None,
        }
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

/// The host of a line of `/proc/net/arp` (proc(5)), if it is there: address,
/// hardware type, flags.
fn present(line: &str) -> Option<IpAddr> {
    let mut columns = line.split_whitespace();
    let address = columns.next()?.parse().ok()?;
    let flags = columns.nth(1)?.strip_prefix("0x")?;
    let flags = u32::from_str_radix(flags, 16).ok()?;
    (flags & COMPLETE != 0).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::tests::kernel;
    use super::*;

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
    fn who_is_there_is_read_of_the_table() {
        let root = tempfile::tempdir().unwrap();
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
            10.0.0.1         0x1         0x2         02:fc:00:00:00:05     *        eth0\n\
            10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0\n\
            10.0.0.3         0x1         0x6         02:fc:00:00:00:06     *        eth0\n\
            nonsense\n";
        let kernel = kernel(root.path(), &[("net/arp", table)]);
        let there = ["10.0.0.1", "10.0.0.3"].map(|it| it.parse().unwrap());
        assert_eq!(
            kernel.present_neighbours(Family::V4),
            Some(HashSet::from(there))
        );
        assert_eq!(kernel.present_neighbours(Family::V6), None);
        let nothing = Kernel::at("/nonexistent", "/nonexistent");
        assert_eq!(nothing.present_neighbours(Family::V4), None);
    }

    #[test]
    fn an_entry_is_kept_as_long_as_the_most_patient_interface_says() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            (
                "sys/net/ipv4/neigh/default/base_reachable_time_ms",
                "30000\n",
            ),
            ("sys/net/ipv4/neigh/eth0/base_reachable_time_ms", "60000\n"),
            ("sys/net/ipv4/neigh/eth1/base_reachable_time_ms", "1000\n"),
        ];
        let kernel = kernel(root.path(), &files);
        let keeps = |family| kernel.keeps_neighbours_for(family).as_secs();
        assert_eq!(keeps(Family::V4), 95);
        assert_eq!(keeps(Family::V6), 50);
    }
}
