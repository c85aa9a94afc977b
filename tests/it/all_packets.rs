//! Every packet of a full run: questions to the given DNS server, TCP to the
//! targets, and nothing else, whatever names, certificates and servers say.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::program::Inventory;
use crate::servers::{Authority, Dns, Listener, Network, PythonTls, Tap};

const DNS_SERVER: [u8; 4] = [10, 76, 0, 2];

const TCP: u8 = 6;
const UDP: u8 = 17;

/// By which the system itself finds its neighbours: extension headers of
/// IPv6 (for MLD) and ICMPv6.
const NEIGHBOURS: [u8; 2] = [0, 58];

/// Where everything points that must not be followed.
const ELSEWHERE: &str = "https://10.77.3.3/";

/// Names that lead into what is excluded, each in another way.
const ASTRAY: [(&str, &str); 9] = [
    ("listed.sweep.test", "10.77.2.1"),
    ("mapped.sweep.test", "::ffff:10.77.2.2"),
    ("nat64.sweep.test", "64:ff9b::10.77.2.3"),
    ("local.sweep.test", "64:ff9b:1::10.77.2.4"),
    ("short.sweep.test", "64:ff9b:1:a4d:2:500::"),
    ("relayed.sweep.test", "2002:a4d:206::1"),
    ("metadata.sweep.test", "169.254.169.254"),
    ("cloud.sweep.test", "fd00:ec2::254"),
    ("broadcast.sweep.test", "10.76.0.3"),
];

#[test]
fn a_full_run_sends_dns_questions_and_tcp_to_its_targets_and_nothing_else() {
    let network = Network::new();
    network.lead_everything_over_the_wire();
    let authority = Authority::new();
    let linking = authority.linking("linking.sweep.test", ELSEWHERE);
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://10.77.3.3/\r\n\r\n";
    let server = |last| SocketAddr::from(([10, 77, 0, last], 443));
    let listeners = [
        (server(10), Listener::Tls(&linking, "1.2")),
        (server(11), Listener::Greeting(moved)),
    ];
    let _servers = PythonTls::start_with(network.on_server("python3"), &listeners);
    let _dns = network.open_on_server(|| {
        let socket = UdpSocket::bind((IpAddr::from(DNS_SERVER), 53)).unwrap();
        Dns::answering(socket, answers())
    });

    let inventory = Inventory::in_namespace(&network.client);
    let mut words: Vec<_> = ASTRAY.iter().map(|(name, _)| *name).collect();
    words.extend(["linking.sweep.test", "turning.sweep.test", "10.77.0.10-11"]);
    words.extend(["10.77.0.12:500-520", "-x", "10.77.2.0/24"]);
    words.extend(["--profile", "thorough", "--resolver", "10.76.0.2"]);
    words.extend(["--connect-timeout", "900ms", "--retries", "1"]);
    words.extend(["--rate-per-host", "50"]);
    let tap = Tap::start(&network);
    inventory.run("scan", &words).exits(0);
    let capture = tap.finish();

    let sent: BTreeSet<_> = capture
        .destinations
        .into_iter()
        .filter(|(_, protocol, _)| !NEIGHBOURS.contains(protocol))
        .collect();
    assert_eq!(sent, allowed());
    let outcomes = inventory.latest_outcomes();
    // The two fragile ports that the range does not name are 502 and 515.
    assert_eq!(
        outcomes["excluded"],
        ASTRAY.len() as u64 + 2,
        "{outcomes:?}"
    );
    assert_eq!(outcomes["certificate"], 2, "{outcomes:?}");
    let shown = inventory.run("show", &["10.77.2.9"]).exits(0);
    assert!(shown.stdout.contains("excluded"), "{shown}");
}

#[test]
fn the_doctor_sends_one_question_to_the_dns_and_nothing_else() {
    let network = Network::new();
    network.lead_everything_over_the_wire();
    let _dns = network.open_on_server(|| {
        let socket = UdpSocket::bind((IpAddr::from(DNS_SERVER), 53)).unwrap();
        Dns::answering(socket, [])
    });
    let inventory = Inventory::in_namespace(&network.client);
    let config = inventory.file("c.toml", "[scan]\nresolver = \"10.76.0.2\"\n");
    let tap = Tap::start(&network);
    let doctor = inventory.run("doctor", &["--config", config.to_str().unwrap()]);
    assert!(doctor.stdout.contains("10.76.0.2:53 answers"), "{doctor}");
    let capture = tap.finish();
    let sent = capture.destinations.into_iter();
    let sent: Vec<_> = sent
        .filter(|(_, protocol, _)| !NEIGHBOURS.contains(protocol))
        .collect();
    assert_eq!(sent, [(IpAddr::from(DNS_SERVER), UDP, 53)]);
}

/// What the names lead to. One leads to a dark address at first, and at the
/// next look into what is excluded.
fn answers() -> Vec<(&'static str, Vec<Vec<IpAddr>>)> {
    let at = |address: &str| vec![address.parse().unwrap()];
    let mut answers: Vec<_> = ASTRAY
        .iter()
        .map(|(name, address)| (*name, vec![at(address)]))
        .collect();
    answers.push(("linking.sweep.test", vec![at("10.77.0.10")]));
    answers.push(("turning.sweep.test", vec![at("10.77.8.8"), at("10.77.2.9")]));
    answers
}

/// Address, protocol and port of all that may be sent.
fn allowed() -> BTreeSet<(IpAddr, u8, u16)> {
    let tcp = |address: [u8; 4], port| (address.into(), TCP, port);
    let swept = (500..=520).filter(|port| ![502, 515].contains(port));
    let mut allowed: BTreeSet<_> = swept.map(|port| tcp([10, 77, 0, 12], port)).collect();
    allowed.extend([
        (IpAddr::from(DNS_SERVER), UDP, 53),
        tcp([10, 77, 0, 10], 443),
        tcp([10, 77, 0, 11], 443),
        tcp([10, 77, 8, 8], 443),
    ]);
    allowed
}
