//! A network of 4096 addresses whose every answer is known: what the program
//! says of it is the truth, and what it does to it is what it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use crate::program::{Inventory, Row, outcomes};
use crate::servers::{
    Authority, Capture, Identity, Key, Listen, Listener, Network, PythonTls, Tap,
};

const PORTS: [u16; 2] = [443, 8443];

/// TLS servers stand on both ports of this many addresses.
const HOSTS: u8 = 24;

/// Columns that tell when something was looked at, not what was seen.
const LOOKS: [&str; 4] = ["last_seen", "last_checked", "scan_id", "days_left"];

/// In seconds: the longest window in which a rate must hold. Shorter than a
/// second by what the system may hold a packet up between the program's
/// decision and the wire, when the machine is busy.
const WINDOW: f64 = 0.95;

/// A TLS server of the network, which speaks this version alone.
struct Live {
    address: SocketAddr,
    identity: Identity,
    version: &'static str,
}

#[test]
fn a_sweep_finds_every_certificate_and_accounts_for_every_address() {
    let network = Network::new();
    let authority = Authority::new();
    let live = live_servers(&authority);
    let forbidden = authority.identity("forbidden.sweep.test", Key::Ecdsa);
    let mut listeners = listeners(&live);
    listeners.push((at(2, 66, 443), Listener::Tls(&forbidden, "1.2")));
    listeners.push((
        at(6, 6, 443),
        Listener::Greeting("SSH-2.0-OpenSSH_9.2p1\r\n"),
    ));
    listeners.push((at(6, 7, 443), Listener::Greeting("")));
    let _servers = PythonTls::start_with(network.on_server("python3"), &listeners);

    let inventory = Inventory::in_namespace(&network.client);
    let exclusions = inventory.file(
        "exclusions.txt",
        "# kept out\n10.77.12.0/24\n10.77.5.100-10.77.5.103\n",
    );
    let words = format!(
        "10.77.0.0/20 -p 443,8443 -x 10.77.2.64/28 --exclude-file {} \
         --connect-timeout 900ms --handshake-timeout 2s",
        exclusions.display()
    );
    let words: Vec<_> = words.split(' ').collect();
    let sweep = || {
        let tap = Tap::start(&network);
        inventory.sweep(&words);
        tap.finish()
    };

    let first_capture = sweep();
    let first_rows = inventory.installations();
    assert_eq!(inventory.latest_outcomes(), expected_outcomes());
    assert_eq!(found(&first_rows), truth(&live));
    assert_nothing_sent_to_excluded(&first_capture);
    assert_closed_by_reset(&first_capture, &live);
    assert_eq!(
        network.client_sockets("time-wait"),
        0,
        "sockets left in TIME_WAIT"
    );
    let first_counts = count_rows(&inventory);

    let second_capture = sweep();
    assert_eq!(inventory.latest_outcomes(), expected_outcomes());
    assert_eq!(
        without_looks(inventory.installations()),
        without_looks(first_rows)
    );
    assert_nothing_sent_to_excluded(&second_capture);
    let [certificates, installations, scans] = first_counts;
    assert_eq!(
        count_rows(&inventory),
        [certificates, installations, scans + 1],
        "rows of certificates, installations and scans: only change takes room"
    );
}

#[test]
fn rates_hold_in_every_window_of_a_second() {
    let network = Network::new();
    let authority = Authority::new();
    let live = live_servers(&authority);
    let _servers = PythonTls::start_with(network.on_server("python3"), &listeners(&live));

    // Eight networks that together feel the overall rate, one that feels its
    // own, and one host that feels its own.
    let mut targets: Vec<_> = (0..8)
        .map(|third| format!("10.77.{third}.0-10.77.{third}.127:443"))
        .collect();
    targets.push("10.77.9.0/24:443".to_owned());
    targets.push("10.77.7.200:8000-8029".to_owned());
    let count = 8 * 128 + 256 + 30;
    let inventory = Inventory::in_namespace(&network.client);
    let tap = Tap::start(&network);
    let limits = "--rate 200 --rate-per-host 5 --rate-per-network 50 \
                  --no-ptr --retries 0 --connect-timeout 900ms";
    let words = targets.iter().map(String::as_str).chain(limits.split(' '));
    let run = inventory.run("scan", &words.collect::<Vec<_>>()).exits(0);
    let capture = tap.finish();

    assert_eq!(inventory.latest_outcomes().values().sum::<u64>(), count);
    let starts = starts(&capture);
    assert!(
        starts.len() as u64 >= count,
        "{} connections for {count} targets, of\n{run}",
        starts.len()
    );
    assert_rate_held("overall", 200, starts.iter().map(|(_, time)| *time));
    for (host, times) in grouped(&starts, |address| address) {
        assert_rate_held(&format!("at {host}"), 5, times);
    }
    for (network, times) in grouped(&starts, |address| address & Ipv4Addr::new(255, 255, 255, 0)) {
        assert_rate_held(&format!("in {network}/24"), 50, times);
    }
}

/// An address and port of the network under test.
fn at(third: u8, fourth: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 77, third, fourth], port))
}

/// Every TLS server: half of them speak TLS 1.2 alone, half 1.3 alone, and
/// every third has an RSA key.
fn live_servers(authority: &Authority) -> Vec<Live> {
    let hosts = (0..HOSTS).map(|host| (host % 8, 10 + host * 4));
    let addresses = hosts.flat_map(|(third, fourth)| PORTS.map(|port| at(third, fourth, port)));
    let server = |(index, address): (usize, SocketAddr)| {
        let key = if index % 3 == 0 { Key::Rsa } else { Key::Ecdsa };
        let name = format!("live-{index}.sweep.test");
        Live {
            address,
            identity: authority.identity(&name, key),
            version: if index % 4 < 2 { "1.2" } else { "1.3" },
        }
    };
    addresses.enumerate().map(server).collect()
}

fn listeners(live: &[Live]) -> Vec<Listen<'_>> {
    live.iter()
        .map(|server| {
            let tls = Listener::Tls(&server.identity, server.version);
            (server.address, tls)
        })
        .collect()
}

fn expected_outcomes() -> BTreeMap<String, u64> {
    // A /28, a range of four and a /24, on two ports each.
    let excluded = 2 * (16 + 4 + 256);
    let certificates = 2 * u64::from(HOSTS);
    // The upper half is dark; a /24 of it is excluded.
    let filtered = 2 * (2048 - 256);
    outcomes([
        ("certificate", certificates),
        ("not-tls", 1),
        ("silent", 1),
        ("filtered", filtered),
        ("excluded", excluded),
        ("refused", 8192 - certificates - 2 - filtered - excluded),
    ])
}

/// Address and port → fingerprint and version, as they are.
fn truth(live: &[Live]) -> BTreeSet<[String; 3]> {
    let known = |server: &Live| {
        let Live {
            address,
            identity,
            version,
        } = server;
        [
            address.to_string(),
            identity.sha256.clone(),
            format!("TLSv{version}"),
        ]
    };
    live.iter().map(known).collect()
}

/// Address and port → fingerprint and version, as the report has them.
#[track_caller]
fn found(rows: &[Row]) -> BTreeSet<[String; 3]> {
    let reported = |row: &Row| {
        let address = format!("{}:{}", row["ip"], row["port"]);
        [address, row["sha256"].clone(), row["tls_version"].clone()]
    };
    let found: BTreeSet<_> = rows.iter().map(reported).collect();
    assert_eq!(found.len(), rows.len(), "rows that say the same: {rows:#?}");
    found
}

fn without_looks(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        row.retain(|column, _| !LOOKS.contains(&column.as_str()));
    }
    rows
}

#[track_caller]
fn assert_nothing_sent_to_excluded(capture: &Capture) {
    let excluded = |address: &&Ipv4Addr| {
        let [_, _, third, fourth] = address.octets();
        matches!((third, fourth), (2, 64..=79) | (5, 100..=103) | (12, _))
    };
    let touched: Vec<_> = capture.addresses.iter().filter(excluded).collect();
    assert_eq!(
        touched,
        Vec::<&Ipv4Addr>::new(),
        "excluded addresses were sent packets"
    );
}

/// Every connection that was made ended by a reset, and none by a FIN.
#[track_caller]
fn assert_closed_by_reset(capture: &Capture, live: &[Live]) {
    let spoke: Vec<_> = capture
        .connections
        .iter()
        .filter(|connection| connection.data)
        .collect();
    for connection in &spoke {
        assert!(connection.resets > 0, "not reset: {connection:?}");
    }
    for connection in &capture.connections {
        assert_eq!(connection.fins, 0, "closed by a FIN: {connection:?}");
    }
    for Live { address, .. } in live {
        let asked = spoke
            .iter()
            .any(|made| SocketAddr::from((made.address, made.port)) == *address);
        assert!(asked, "no hello was seen by {address}");
    }
}

/// Rows of certificates, installations and scans.
fn count_rows(inventory: &Inventory) -> [u64; 3] {
    let script = "import json, sqlite3, sys\n\
        inventory = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)\n\
        tables = ['certificates', 'installations', 'scans']\n\
        count = lambda table: inventory.execute(f'select count(*) from {table}').fetchone()[0]\n\
        print(json.dumps([count(table) for table in tables]))";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(inventory.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Where and when each connection began, in order; a SYN that was sent again
/// counts again.
fn starts(capture: &Capture) -> Vec<(Ipv4Addr, f64)> {
    let mut starts: Vec<_> = capture
        .connections
        .iter()
        .flat_map(|connection| {
            connection
                .syns
                .iter()
                .map(|time| (connection.address, *time))
        })
        .collect();
    starts.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    starts
}

fn grouped(
    starts: &[(Ipv4Addr, f64)],
    group: impl Fn(Ipv4Addr) -> Ipv4Addr,
) -> BTreeMap<Ipv4Addr, Vec<f64>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (address, time) in starts {
        groups.entry(group(*address)).or_default().push(*time);
    }
    groups
}

/// Fails on `rate` + 1 connections within one window.
#[track_caller]
fn assert_rate_held(what: &str, rate: usize, times: impl IntoIterator<Item = f64>) {
    let times: Vec<f64> = times.into_iter().collect();
    for crowd in times.windows(rate + 1) {
        let span = crowd[rate] - crowd[0];
        assert!(
            span >= WINDOW,
            "{what}: {} connections in {span:.3} s, rate {rate}",
            rate + 1
        );
    }
}
