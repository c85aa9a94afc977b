//! Wires that lose packets at random, both ways: what there is, is found, and
//! nothing that is missed is told as missing.

use std::collections::BTreeMap;
use std::env;

use crate::program::{Inventory, Run};
use crate::servers::{Authority, Key, Listener, Network, PythonTls};

/// How many scans there are of either kind, where `tests/soak/loss` asks for
/// more.
const SCANS_AT_3: &str = "CERTSWEEP_LOSS_AT_3";
const SCANS_AT_30: &str = "CERTSWEEP_LOSS_AT_30";

fn scans(variable: &str) -> Option<u32> {
    env::var(variable).ok().map(|scans| scans.parse().unwrap())
}

/// Two hosts, each of which loses so many per cent of what it is sent; TLS is
/// spoken on every address of 10.77.0.0/21.
struct Lossy {
    network: Network,
    _server: PythonTls,
}

impl Lossy {
    fn losing(per_cent: u32) -> Self {
        let network = Network::new();
        let authority = Authority::new();
        let identity = authority.identity("every.loss.test", Key::Ecdsa);
        let everywhere = ([0, 0, 0, 0], 443).into();
        let listener = (everywhere, Listener::Tls(&identity, "1.2"));
        let server = PythonTls::start_with(network.on_server("python3"), &[listener]);
        network.lose(per_cent);
        Self {
            network,
            _server: server,
        }
    }
}

/// What installations are said to be: state → how many.
fn states(inventory: &Inventory) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for row in inventory.installations() {
        *states.entry(row["state"].clone()).or_default() += 1;
    }
    states
}

/// A scan with the rates and retries that hold where nothing is said.
#[track_caller]
fn scan(inventory: &Inventory, words: &[&str]) -> BTreeMap<String, u64> {
    let scan = Run::of(inventory.command("scan").args(words).arg("--no-ptr"));
    scan.exits(0);
    inventory.latest_outcomes()
}

#[test]
fn of_a_thousand_servers_three_per_cent_of_loss_hide_one_at_most() {
    let lossy = Lossy::losing(3);
    for number in 1..=scans(SCANS_AT_3).unwrap_or(1) {
        let inventory = Inventory::in_namespace(&lossy.network.client);
        let outcomes = scan(&inventory, &["10.77.0.0/21"]);
        println!("3 %, scan {number}: {outcomes:?}");
        let found = outcomes.get("certificate").copied().unwrap_or_default();
        assert!(1000 * found >= 999 * 2048, "{outcomes:?}");
    }
}

#[test]
fn thirty_per_cent_of_loss_make_nothing_missing() {
    let lossy = Lossy::losing(30);
    let inventory = Inventory::in_namespace(&lossy.network.client);
    let more = scans(SCANS_AT_30);
    let mut words = vec!["10.77.0.0/22"];
    if more.is_none() {
        // Less patience loses more, and takes less time.
        words.extend(["--handshake-timeout", "2s", "--retries", "0"]);
    }
    for number in 1..=more.unwrap_or(2) {
        let outcomes = scan(&inventory, &words);
        println!("30 %, scan {number}: {outcomes:?}");
    }
    let states = states(&inventory);
    println!("{states:?}");
    assert_eq!(states.into_keys().collect::<Vec<_>>(), ["current"]);
    let events = inventory
        .run("diff", &["1", "--json"])
        .exits(0)
        .json_lines();
    let is_new = |event: &serde_json::Value| event["kind"] == "new";
    assert!(events.iter().all(is_new), "{events:?}");
}
