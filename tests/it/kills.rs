//! The program, killed with SIGKILL at points that a seed chooses, and gone on
//! with: the inventory is in the end what an uninterrupted scan leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use rustls::version::TLS12;

use crate::program::{Inventory, Run};
use crate::servers::{LongChain, Plain, Process, RustlsServer, RustlsSetup};

/// How many scans are killed; `tests/soak/kills` asks for more.
const KILLS: &str = "CERTSWEEP_KILLS";

/// What decides where.
const SEED: u64 = 0x5eed;

/// What one scan has to find.
struct Network {
    greeting: Plain,
    showing: Vec<RustlsServer>,
}

impl Network {
    fn start() -> Self {
        let chain = LongChain::of(2);
        let show = |_| RustlsServer::start(RustlsSetup::new(&chain, &TLS12));
        Self {
            greeting: Plain::greeting(40, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
            showing: (0..8).map(show).collect(),
        }
    }

    /// Those, and closed ports around them: enough for several batches.
    fn targets(&self) -> Vec<String> {
        let greeting = self.greeting.addresses.iter().copied();
        let showing = self.showing.iter().map(|server| server.address);
        let closed = ["127.7.0.0/20:9".to_owned()];
        let words = greeting.chain(showing).map(|it: SocketAddr| it.to_string());
        words.chain(closed).collect()
    }

    /// The servers that have greeted somebody and were not told of yet. On a
    /// busy machine a scan may look at some of them twice.
    fn greeted(&self) -> impl Iterator<Item = SocketAddr> {
        let visits = self.greeting.visits_so_far().into_iter();
        visits.map(|visit| visit.to)
    }

    fn scan(&self, inventory: &Inventory, more: &[&str]) -> Command {
        let mut command = inventory.command("scan");
        command.args(self.targets()).args(more);
        command.args(["--no-ptr", "--seed", "7", "--rate-per-host", "unlimited"]);
        command.args(["--rate", "unlimited", "--rate-per-network", "unlimited"]);
        command
    }
}

/// What an inventory holds, but for numbers of scans and times.
#[derive(Debug, PartialEq)]
struct Content {
    outcomes: BTreeMap<String, u64>,
    installations: BTreeSet<BTreeMap<String, String>>,
    coverage: BTreeSet<BTreeMap<String, String>>,
}

impl Content {
    fn of(inventory: &Inventory) -> Self {
        let timeless = |mut row: BTreeMap<String, String>| {
            row.retain(|column, _| !column.ends_with("_seen") && !column.ends_with("_look"));
            row.remove("last_checked");
            row.remove("days_left");
            row
        };
        let coverage = inventory.run("report", &["--of", "coverage", "--format", "csv"]);
        let mut reader = csv::Reader::from_reader(coverage.stdout.as_bytes());
        let coverage = reader.deserialize().map(Result::unwrap).map(timeless);
        let installations = inventory.installations();
        Self {
            outcomes: inventory.latest_outcomes(),
            installations: installations.into_iter().map(timeless).collect(),
            coverage: coverage.collect(),
        }
    }
}

/// Points between 1 and `most`, by a linear congruence (Knuth's MMIX).
fn points(most: u64) -> impl Iterator<Item = u64> {
    let mut state = SEED;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most + 1
    })
}

#[test]
fn a_scan_that_is_killed_anywhere_and_resumed_comes_to_the_same() {
    let kills = env::var(KILLS).map_or(10, |kills| kills.parse().unwrap());
    let network = Network::start();
    let whole = Inventory::new();
    Run::of(&mut network.scan(&whole, &[])).exits(0);
    let whole = Content::of(&whole);
    assert_eq!(whole.outcomes.get("certificate"), Some(&8));
    assert_eq!(whole.outcomes.get("refused"), Some(&4096));
    let servers = network.greeted().collect::<BTreeSet<_>>();
    let visits = u64::try_from(servers.len()).unwrap();

    let mut most_repeated = 0;
    for (number, point) in points(visits).take(kills).enumerate() {
        let inventory = Inventory::new();
        let scan = Process::start(&mut network.scan(&inventory, &["--resume"]));
        let mut greeted: BTreeSet<_> = (0..point)
            .map(|_| network.greeting.next_visit().to)
            .collect();
        scan.signal(Signal::KILL);
        scan.finish();
        greeted.extend(network.greeted());
        inventory.check_integrity();
        Run::of(&mut network.scan(&inventory, &["--resume"])).exits(0);
        assert_eq!(inventory.scans().len(), 1, "kill {number} at {point}");
        assert_eq!(Content::of(&inventory), whole, "kill {number} at {point}");
        inventory.check_integrity();
        let again = network.greeted().collect::<BTreeSet<_>>();
        most_repeated = most_repeated.max(greeted.intersection(&again).count());
    }
    println!("{kills} scans killed: of {visits} servers at most {most_repeated} greeted both runs");
}

/// The longest before a kill that anything is asked again.
const MOST_REPEATED: Duration = Duration::from_secs(5);

#[test]
fn what_was_settled_five_seconds_before_a_kill_is_not_asked_again() {
    let servers = Plain::greeting(56, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    let scan = |rate| {
        let mut scan = inventory.command("scan");
        scan.args(servers.addresses.iter().map(ToString::to_string));
        scan.args(["--no-ptr", "--resume", "--rate-per-host", "unlimited"]);
        scan.args(["--profile", "fast", "--rate", rate]);
        scan
    };
    let first = Process::start(&mut scan("7"));
    let visits: Vec<_> = (0..50).map(|_| servers.next_visit()).collect();
    first.signal(Signal::KILL);
    let killed = visits.last().unwrap().at;
    first.finish();

    let settled = visits
        .iter()
        .filter(|visit| killed - visit.at > MOST_REPEATED);
    let settled: BTreeSet<_> = settled.map(|visit| visit.to).collect();
    assert!(settled.len() >= 10, "{}", settled.len());
    Run::of(&mut scan("unlimited")).exits(0);
    let again = servers.visits_so_far().into_iter().map(|visit| visit.to);
    let again: BTreeSet<_> = again.filter(|server| settled.contains(server)).collect();
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(inventory.latest_outcomes().get("not-tls"), Some(&56));
}

#[test]
fn a_scan_is_resumed_by_its_number_only_if_it_is_the_same_and_unfinished() {
    let servers = Plain::greeting(12, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    let targets: Vec<_> = servers.addresses.iter().map(ToString::to_string).collect();
    let run = |rate: &str, more: &[&str]| {
        let mut scan = inventory.command("scan");
        scan.args(&targets).args(["--no-ptr", "--rate", rate]);
        scan.args(["--rate-per-host", "unlimited"]).args(more);
        scan
    };
    let first = Process::start(&mut run("4", &["--seed", "7"]));
    servers.next_visit();
    first.signal(Signal::INT);
    assert_eq!(first.finish().0, Some(5));

    let refused = |more: &[&str], why: &str| {
        Run::of(&mut run("4", more)).exits(2).complains_of(&[why]);
    };
    refused(&["--resume=9"], "there is no scan 9");
    refused(
        &["--resume=1", "--profile", "fast"],
        "profile = \"standard\"",
    );
    refused(&["--resume=1", "-p", "444", "127.7.0.1"], "other targets");
    refused(&["--resume=1", "--seed", "8"], "the seed 7");
    refused(&["--resume=none"], "not the number of a scan");
    assert_eq!(inventory.scans().len(), 1);

    Run::of(&mut run("unlimited", &["--resume=1"])).exits(0);
    assert_eq!(inventory.latest_outcomes().get("not-tls"), Some(&12));
    let scans = inventory.scans();
    assert_eq!((scans.len(), &scans[0]["state"]), (1, &"complete".into()));
    refused(&["--resume=1"], "complete");
    // None is unfinished: a new one begins.
    Run::of(&mut run("unlimited", &["--resume"])).exits(0);
    assert_eq!(inventory.scans().len(), 2);
}

#[test]
fn a_scan_that_was_aborted_by_a_second_signal_is_resumed() {
    let silent = Plain::silent();
    let servers = Plain::greeting(8, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    let scan = |timeout| {
        let mut scan = inventory.command("scan");
        scan.arg(silent.address().to_string());
        scan.args(servers.addresses.iter().map(ToString::to_string));
        scan.args(["--no-ptr", "--resume", "--rate-per-host", "unlimited"]);
        scan.args(["--handshake-timeout", timeout]);
        scan
    };
    let mut first = Process::start(&mut scan("60s"));
    silent.wait_for_visit();
    first.signal(Signal::TERM);
    first.wait_for(|line| line.starts_with("stopping").then_some(()));
    first.signal(Signal::TERM);
    assert_eq!(first.finish().0, Some(1));

    Run::of(&mut scan("1s")).exits(0);
    let scans = inventory.scans();
    assert_eq!((scans.len(), &scans[0]["state"]), (1, &"complete".into()));
    assert_eq!(inventory.latest_outcomes().get("not-tls"), Some(&8));
}
