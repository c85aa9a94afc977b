//! Machines that run short, for real: whatever is lacking, a sweep finds what
//! it finds without want, only later.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use crate::program::{Inventory, Run, outcomes};
use crate::servers::{Authority, Identity, Key, Listener, Network, PythonTls};

/// TLS servers stand on so many addresses.
const HOSTS: u8 = 40;

/// Columns that tell when something was looked at, not what was seen.
const LOOKS: [&str; 5] = [
    "first_seen",
    "last_seen",
    "last_checked",
    "scan_id",
    "days_left",
];

/// Half of the targets answer, four of them are dark.
const SCAN: &str = "10.77.1.0/26:443 10.77.1.0/26:8443 10.77.8.0/30:443 --no-ptr --retries 1 \
    --rate unlimited --rate-per-host unlimited --rate-per-network unlimited \
    --connect-timeout 1s --handshake-timeout 3s";

fn servers<'a>(network: &Network, identities: &'a [Identity]) -> PythonTls {
    let versions = ["1.2", "1.3"].into_iter().cycle();
    let hosts = (1..=HOSTS).map(|host| SocketAddr::from(([10, 77, 1, host], 443)));
    let with_name = identities.iter().cycle();
    let listeners: Vec<_> = hosts
        .zip(with_name.zip(versions))
        .map(|(address, (identity, version)): (_, (&'a Identity, _))| {
            (address, Listener::Tls(identity, version))
        })
        .collect();
    PythonTls::start_with(network.on_server("python3"), &listeners)
}

/// Sweeps the network under a limit that the shell sets first.
fn sweep(network: &Network, limit: &str, more: &str) -> (Inventory, BTreeSet<Vec<String>>) {
    let inventory = Inventory::in_namespace(&network.client);
    let scan = inventory.command("scan");
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("{limit}; exec \"$@\""), "sh"]);
    limited.arg(scan.get_program()).args(scan.get_args());
    limited
        .args(SCAN.split_whitespace())
        .args(more.split_whitespace());
    limited.env("CERTSWEEP_CONFIG", "/dev/null");
    Run::of(&mut limited).exits(0);
    let rows = inventory.installations().into_iter();
    let rows = rows.map(|mut row| {
        row.retain(|column, _| !LOOKS.contains(&column.as_str()));
        row.into_values().collect()
    });
    let found = rows.collect();
    (inventory, found)
}

#[test]
fn few_descriptors_few_ports_and_a_bound_source_find_what_plenty_finds() {
    let network = Network::new();
    let authority = Authority::new();
    let identities = [Key::Ecdsa, Key::Rsa].map(|key| authority.identity("short.sweep.test", key));
    let _servers = servers(&network, &identities);
    let (inventory, plenty) = sweep(&network, "true", "");
    let told = inventory.latest_outcomes();
    let hosts = u64::from(HOSTS);
    let expected = outcomes([
        ("certificate", hosts),
        ("refused", 128 - hosts),
        ("filtered", 4),
    ]);
    assert_eq!(told, expected);
    assert_eq!(plenty.len(), usize::from(HOSTS));

    let client = &network.client;
    let few_ports =
        format!("ip netns exec {client} sysctl -qw net.ipv4.ip_local_port_range='40000 40099'");
    let any_port =
        format!("ip netns exec {client} sysctl -qw net.ipv4.ip_local_port_range='32768 60999'");
    for (limit, more) in [
        ("ulimit -n 64", ""),
        (few_ports.as_str(), ""),
        (few_ports.as_str(), "--source 10.76.0.1"),
        (any_port.as_str(), "--source 10.76.0.1"),
    ] {
        let (inventory, found) = sweep(&network, limit, more);
        assert_eq!(inventory.latest_outcomes(), told, "{limit} {more}");
        assert_eq!(found, plenty, "{limit} {more}");
    }
}
