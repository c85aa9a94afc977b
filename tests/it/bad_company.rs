//! A thousand servers that waste what they can of a scan, beside a thousand
//! that are as they should be.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};

use crate::program::{Inventory, Run};
use crate::servers::{Behaviour, Hostile, Network, RustlsSetup, Then, Trouble, Words, sha256_of};

/// On the server's own half of the network: 10.77.0.0/21.
const HOSTS: u16 = 2048;

/// How servers of bad company behave.
const TROUBLES: [Trouble; 16] = [
    Trouble::Tarpit,
    Trouble::Drip,
    Trouble::DripBehindCertificate,
    Trouble::EmptyRecords,
    Trouble::EndlessMessage,
    Trouble::Warnings,
    Trouble::HelloRequests,
    Trouble::CipherChanges,
    Trouble::ShortRecord,
    Trouble::LargeCertificate,
    Trouble::LargeChain,
    Trouble::LargeRest,
    Trouble::Garbage,
    Trouble::CloseAtOnce,
    Trouble::ResetAfterHello,
    Trouble::ResetInCertificate,
];

/// Room for what two thousand connections hold at once, and far less than the
/// 20 MB that many servers send on each of theirs.
const MOST_MEMORY_KIB: u64 = 200 << 10;

/// In milliseconds: seven seconds for all first connections, the time of one
/// target, and something for the machine.
const LONGEST: u64 = 60_000;

#[test]
fn a_thousand_hostile_servers_cost_no_certificate_of_a_thousand_good_ones() {
    let network = Network::new();
    let key = KeyPair::generate().unwrap();
    let certificate = |number: u16| {
        let params = CertificateParams::new([format!("host-{number}.sweep.test")]).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let certificates: Vec<_> = (0..HOSTS).map(certificate).collect();
    let serve = |number: u16| {
        let setup = RustlsSetup {
            chain: vec![certificates[usize::from(number)].clone()],
            key: key.serialize_der(),
            version: match number % 4 {
                0 => &rustls::version::TLS12,
                _ => &rustls::version::TLS13,
            },
            groups: Vec::new(),
            longest_record: None,
        };
        Then::Serve(Arc::new(setup.config()))
    };
    // Every other host is good.
    let behaviours: Vec<Behaviour> = (0..HOSTS)
        .map(|number| Behaviour {
            words: Words::Direct,
            then: match trouble_of(number) {
                None => serve(number),
                Some(trouble) => {
                    Then::Trouble(trouble, certificates[usize::from(number)].clone().into())
                }
            },
        })
        .collect();
    let listener = network.open_on_server(|| TcpListener::bind("0.0.0.0:443").unwrap());
    let _servers = Hostile::start(vec![listener], move |address| {
        behaviours[usize::from(number_of(address.ip()))].clone()
    });

    let inventory = Inventory::in_namespace(&network.client);
    let (run, peak_kib) = Run::measured(inventory.command("scan").args([
        "10.77.0.0/21:443",
        "--json",
        "--connect-timeout",
        "3s",
        "--handshake-timeout",
        "4s",
        "--target-timeout",
        "6s",
        // What the servers can take: they share this machine.
        "--rate",
        "300",
        "--rate-per-host",
        "unlimited",
        "--rate-per-network",
        "unlimited",
        "--retries",
        "0",
        "--no-ptr",
    ]));

    let summary = run.json_lines().pop().unwrap();
    let elapsed = summary["elapsed_ms"].as_u64().unwrap();
    println!("{HOSTS} hosts: {elapsed} ms, at most {peak_kib} KiB");
    assert!(elapsed < LONGEST, "{elapsed} ms: {summary}");
    assert!(peak_kib < MOST_MEMORY_KIB, "{peak_kib} KiB: {summary}");

    let shown = |number: &u16| trouble_of(*number).is_none_or(Trouble::shows_first);
    let truth: BTreeMap<String, String> = (0..HOSTS)
        .filter(shown)
        .map(|number| {
            let sha256 = sha256_of(&certificates[usize::from(number)]);
            (address_of(number).to_string(), sha256)
        })
        .collect();
    assert_eq!(
        inventory.latest_outcomes()["certificate"],
        truth.len() as u64
    );
    let rows = inventory.installations();
    let found: BTreeMap<_, _> = rows
        .into_iter()
        .map(|row| (row["ip"].clone(), row["sha256"].clone()))
        .collect();
    assert_eq!(found, truth);
}

/// What a host does; `None` of a good one.
fn trouble_of(number: u16) -> Option<Trouble> {
    (number % 2 == 1).then(|| TROUBLES[usize::from(number / 2) % TROUBLES.len()])
}

fn address_of(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 77, high, low)
}

fn number_of(address: IpAddr) -> u16 {
    let IpAddr::V4(address) = address else {
        panic!("{address}: not of this network")
    };
    let [_, _, high, low] = address.octets();
    u16::from_be_bytes([high, low])
}
