//! The kernel's counters of what it lost → what was lost while a scan ran.

use std::collections::BTreeMap;
use std::fs;

use super::kernel::Kernel;
use crate::scan::{Loss, LossMeter};

/// Files of two lines each, one of names and one of numbers, which begin with
/// the same word; and the counters that concern one who connects: what leaves
/// the machine, and what a connection of its own can't take in.
const NAMED: [(&str, &str, &[&str]); 2] = [
    ("net/snmp", "Ip", &["OutDiscards", "OutNoRoutes"]),
    (
        "net/netstat",
        "TcpExt",
        &[
            "TCPBacklogDrop",
            "TCPRcvQDrop",
            "RcvPruned",
            "OfoPruned",
            "TCPAbortOnMemory",
            "PFMemallocDrop",
        ],
    ),
];

/// Tables in hexadecimal: a line of names, then one a processor.
const TABLES: [(&str, &str, &str); 3] = [
    (
        "net/stat/arp_cache",
        "table_fulls",
        "table_fulls of the neighbour table",
    ),
    (
        "net/stat/ndisc_cache",
        "table_fulls",
        "table_fulls of the neighbour table of IPv6",
    ),
    ("net/stat/nf_conntrack", "drop", "drop of conntrack"),
];

/// The place of what a processor had no time to take in, in a file of the same
/// form without names (`softnet_seq_show` in Linux's net/core/net-procfs.c).
const SOFTNET_DROPPED: usize = 1;

impl Kernel {
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

    /// The counters of packets that this machine lost, by what they are called.
    fn losses(&self) -> BTreeMap<String, u64> {
        let mut losses = self.dropped_by_interfaces();
        for (file, section, counters) in NAMED {
            let text = self.read(file).unwrap_or_default();
            for counter in counters {
                if let Some(packets) = named(&text, section, counter) {
                    losses.insert(format!("{section}{counter}"), packets);
                }
            }
        }
        let snmp6 = self.read("net/snmp6").unwrap_or_default();
        for counter in ["Ip6OutDiscards", "Ip6OutNoRoutes"] {
            losses.extend(alone(&snmp6, counter).map(|packets| (counter.to_owned(), packets)));
        }
        for (file, column, name) in TABLES {
            losses.extend(self.sum(file, column).map(|sum| (name.to_owned(), sum)));
        }
        if let Some(softnet) = self.read("net/softnet_stat") {
            let dropped = sum(softnet.lines(), SOFTNET_DROPPED);
            losses.insert("dropped of softnet_stat".to_owned(), dropped);
        }
        losses
    }

    fn dropped_by_interfaces(&self) -> BTreeMap<String, u64> {
        let interfaces = fs::read_dir(self.below_sys("class/net"));
        let dropped = interfaces
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|interface| {
                let counter = interface.path().join("statistics/tx_dropped");
                let dropped = fs::read_to_string(counter).ok()?.trim().parse().ok()?;
                let name = interface.file_name();
                Some((format!("tx_dropped of {}", name.display()), dropped))
            });
        dropped.collect()
    }

    /// A column of a table over all processors.
    fn sum(&self, file: &str, column: &str) -> Option<u64> {
        let table = self.read(file)?;
        let mut lines = table.lines();
        let mut columns = lines.next()?.split_whitespace();
        let place = columns.position(|name| name == column)?;
        Some(sum(lines, place))
    }
}

/// A counter of a section: a line of names, then one of numbers.
fn named(text: &str, section: &str, counter: &str) -> Option<u64> {
    let of_section = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(name, _)| name == section)
    };
    let mut lines = text.lines().filter(of_section);
    let mut names = lines.next()?.split_whitespace();
    let place = names.position(|name| name == counter)?;
    lines.next()?.split_whitespace().nth(place)?.parse().ok()
}

/// A counter that has a line of its own.
fn alone(text: &str, counter: &str) -> Option<u64> {
    let lines = text.lines().map(str::split_whitespace);
    let mut found = lines.filter_map(|mut words| (words.next()? == counter).then_some(words));
    found.next()?.next()?.parse().ok()
}

fn sum<'a>(lines: impl Iterator<Item = &'a str>, place: usize) -> u64 {
    let counts = lines.filter_map(|line| line.split_whitespace().nth(place));
    counts
        .filter_map(|count| u64::from_str_radix(count, 16).ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lost_is_counted_by_name() {
        let root = tempfile::tempdir().unwrap();
        let kernel = Kernel::at(root.path(), root.path());
        assert!(kernel.losses().is_empty(), "nothing to be seen");
        let table = "entries  allocs table_fulls drop\n\
            0000000a 00000000 0000000f 00000001\n0000000a 00000000 00000001 00000002\n";
        for (name, content) in [
            ("class/net/eth0/statistics/tx_dropped", "12\n"),
            ("net/stat/arp_cache", table),
            ("net/stat/ndisc_cache", table),
            ("net/stat/nf_conntrack", table),
            (
                "net/softnet_stat",
                "0280e06a 000000a1 0\n01e6bdf7 00000001 0\n",
            ),
            (
                "net/snmp",
                "Ip: Forwarding OutDiscards OutNoRoutes\nIp: 1 3 4\nTcp: OutDiscards\nTcp: 9\n",
            ),
            ("net/snmp6", "Ip6InReceives 7\nIp6OutDiscards \t5\n"),
            (
                "net/netstat",
                "TcpExt: SyncookiesSent ListenDrops TCPBacklogDrop RcvPruned\n\
                 TcpExt: 1 2 6 8\nIpExt: TCPBacklogDrop\nIpExt: 9\n",
            ),
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let losses = kernel.losses();
        let losses: Vec<_> = losses
            .iter()
            .map(|(name, count)| (&**name, *count))
            .collect();
        let expected = [
            ("Ip6OutDiscards", 5),
            ("IpOutDiscards", 3),
            ("IpOutNoRoutes", 4),
            ("TcpExtRcvPruned", 8),
            ("TcpExtTCPBacklogDrop", 6),
            ("drop of conntrack", 3),
            ("dropped of softnet_stat", 0xa2),
            ("table_fulls of the neighbour table", 16),
            ("table_fulls of the neighbour table of IPv6", 16),
            ("tx_dropped of eth0", 12),
        ];
        assert_eq!(losses, expected);
    }
}
