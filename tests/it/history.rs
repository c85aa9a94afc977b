//! What changed, and any earlier day: the engine on a simulated network scan
//! after scan, and the commands that tell of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use certsweep::domain::{
    Chain, EarlyEnd, Fingerprint, Outcome, ScanId, ScanState, Tally, Timestamp, clock,
};
use certsweep::report::{EventRow, ScanRow};
use certsweep::store::{
    Batch, Filter, Inventory as _, NewScan, ScanEnd, ScanSpan, Sink, SqliteInventory, SqliteSink,
};
use certsweep::x509;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::program::Inventory;
use crate::rig::Rig;
use crate::simulation::{Names, Network, Peer, flight};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// When the first scan began: 2026-01-04T08:00:00Z.
const BEGIN: i64 = 1_767_513_600;

/// What one scan saw, in the batches that it wrote: what it saw, its ledger.
struct Seen {
    looks: Batch,
    ledger: Batch,
    state: ScanState,
}

impl Seen {
    /// Runs the engine, under a paused clock.
    fn by(rig: &Rig) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let summary = runtime.block_on(rig.run()).unwrap();
        let stored = rig.memory.stored();
        let mut looks = Batch {
            observations: stored.observations.clone(),
            leads: stored.leads.clone(),
            ..Batch::default()
        };
        add_certificates(&mut looks);
        Self {
            looks,
            ledger: Batch {
                coverage: stored.coverage.clone(),
                names: stored.names.clone(),
                ..Batch::default()
            },
            state: summary.state,
        }
    }

    /// The same, seen at another moment.
    fn at(mut self, moment: Timestamp) -> Self {
        for look in &mut self.looks.observations {
            look.at = moment;
        }
        for run in &mut self.ledger.coverage {
            run.at = moment;
        }
        for name in &mut self.ledger.names {
            name.at = moment;
        }
        self
    }
}

fn add_certificates(batch: &mut Batch) {
    let chains = batch.observations.iter().map(|look| &look.outcome);
    let chains = chains.filter_map(|outcome| match outcome {
        Outcome::Certificate(presented) => Some(&presented.chain),
        _ => None,
    });
    let parsed = chains.flat_map(Chain::iter).map(x509::parse);
    let by_fingerprint = parsed.map(|certificate| (certificate.fingerprint, certificate));
    batch.certificates = by_fingerprint.collect::<HashMap<_, _>>();
}

fn moment(scan: i64) -> Timestamp {
    Timestamp::from_seconds(BEGIN + (scan - 1) * WEEK)
}

/// Writes weekly scans into an inventory of its own.
async fn store(path: &Path, scans: impl IntoIterator<Item = Seen>) {
    let (sink, _) = SqliteSink::open_or_create(path).await.unwrap();
    let mut sink: Box<dyn Sink> = Box::new(sink);
    for (number, seen) in (1..).zip(scans) {
        let seen = seen.at(moment(number));
        let began = NewScan {
            started_at: moment(number),
            targets: 1,
            zone: "sim".parse().unwrap(),
            note: None,
            settings: "{}".to_owned(),
            seed: 0,
            plan: Fingerprint::of(b"plan"),
            identity: Fingerprint::of(b"identity"),
            operator: "somebody".to_owned(),
            tool_version: "0".to_owned(),
        };
        let scan = sink.begin(began).await.unwrap();
        sink.write(scan, &seen.looks).await.unwrap();
        sink.write(scan, &seen.ledger).await.unwrap();
        let end = ScanEnd {
            incidents: Vec::new(),
            unlisted: 0,
            finished_at: moment(number),
            state: seen.state,
            ended_by: None,
            outcomes: Tally::default(),
        };
        sink.finish(scan, end).await.unwrap();
    }
    sink.close().await.unwrap();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// `5 missing 10.0.0.8`, in the order of the scans.
async fn events(path: &Path) -> Vec<String> {
    let inventory = SqliteInventory::open(path).await.unwrap();
    let mut last = ScanId::new(0);
    let mut keep = |scan: ScanRow| {
        last = scan.id;
        ControlFlow::Continue(())
    };
    inventory.scans(&mut keep).await.unwrap();
    let span = ScanSpan {
        after: None,
        until: last,
    };
    let mut rows: Vec<EventRow> = Vec::new();
    let mut visit = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    let filter = Filter::default();
    inventory.events(span, &filter, &mut visit).await.unwrap();
    rows.sort_by_key(|row| row.scan);
    let line = |row: &EventRow| format!("{} {} {}", row.scan, row.kind, row.host);
    rows.iter().map(line).collect()
}

/// The network in a scan, and what it shows there.
fn network(scan: i64) -> Rig {
    let network = Network::new(move |address: SocketAddr, _| {
        let leaf = |name: &[u8]| Peer::Says(flight(&[name, b"intermediate"]));
        match (address.ip().to_string().as_str(), scan) {
            // The whole network, as it seems: our own line.
            (_, 3) => Peer::Dark,
            ("10.0.0.1", _) => leaf(b"steady"),
            ("10.0.0.2", 1..5) => leaf(b"decommissioned"),
            ("10.0.0.3", 4) => Peer::OutOfDescriptors,
            ("10.0.0.3", _) => leaf(b"ours"),
            ("10.0.0.4", scan) if scan % 2 == 0 => leaf(b"node a"),
            ("10.0.0.4", _) => leaf(b"node b"),
            ("10.0.9.1" | "10.0.9.2", _) => leaf(b"named"),
            _ => Peer::Closed,
        }
    });
    let mut rig = Rig::new(network, &["10.0.0.0/29", "www.sim"]);
    let address = if scan < 8 { "10.0.9.1" } else { "10.0.9.2" };
    rig.names = Names::of(&[("www.sim", &[address])]);
    rig
}

#[test]
fn over_ten_scans_of_the_engine_nothing_is_gone_but_what_is() {
    let inventory = Inventory::new();
    let mut scans: Vec<_> = (1..=10).map(|scan| Seen::by(&network(scan))).collect();
    // One was stopped before it came to anything.
    scans[8] = {
        let rig = network(9);
        rig.stop.stop(EarlyEnd::Signal);
        Seen::by(&rig)
    };
    assert_eq!(scans[8].state, ScanState::Interrupted);
    let told = block_on(async {
        store(&inventory.path(), scans).await;
        events(&inventory.path()).await
    });
    assert_eq!(
        told,
        [
            "1 new 10.0.0.1",
            "1 new 10.0.0.2",
            "1 new 10.0.0.3",
            "1 new 10.0.0.4",
            "1 new www.sim",
            "2 replaced 10.0.0.4",
            "5 alternating 10.0.0.4",
            "5 missing 10.0.0.2",
            "6 gone 10.0.0.2",
            "8 moved www.sim",
        ]
    );
}

#[test]
fn what_moves_with_its_name_has_moved_on_the_network_that_is_scanned_too() {
    let look = |there: &'static [u8], scan: i64| {
        let network = Network::new(move |address: SocketAddr, _| {
            match (address.ip().to_string().as_str(), scan) {
                ("10.0.0.2", 1) => Peer::Says(flight(&[b"www", b"intermediate"])),
                ("10.0.0.3", 2) => Peer::Says(flight(&[there, b"intermediate"])),
                _ => Peer::Closed,
            }
        });
        let mut rig = Rig::new(network, &["10.0.0.0/29", "www.sim"]);
        let address = if scan < 2 { "10.0.0.2" } else { "10.0.0.3" };
        rig.names = Names::of(&[("www.sim", &[address])]);
        Seen::by(&rig)
    };
    for (there, expected) in [
        (
            b"www".as_slice(),
            &["2 moved 10.0.0.3", "2 moved www.sim"][..],
        ),
        (
            // Another host may have taken over for a night.
            b"www, renewed",
            &["2 new 10.0.0.3", "2 moved www.sim", "2 missing 10.0.0.2"],
        ),
    ] {
        let inventory = Inventory::new();
        let scans = [1, 2].map(|scan| look(there, scan));
        let told = block_on(async {
            store(&inventory.path(), scans).await;
            events(&inventory.path()).await
        });
        assert_eq!(told[..2], ["1 new 10.0.0.2", "1 new www.sim"]);
        assert_eq!(&told[2..], expected);
    }
}

#[test]
fn a_look_that_a_scan_repeats_is_one_failed_look() {
    for failing in [Peer::Silent, Peer::Dark] {
        let scans = (1..=4).map(|scan| {
            let failing = failing.clone();
            let network = Network::new(move |_, _| match scan {
                1 => Peer::Says(flight(&[b"leaf", b"intermediate"])),
                _ => failing.clone(),
            });
            let mut rig = Rig::new(network, &["10.0.0.1"]);
            rig.retries = 2;
            let seen = Seen::by(&rig);
            assert!(seen.looks.observations.len() <= 1, "one for all looks");
            seen
        });
        let scans: Vec<_> = scans.collect();
        let inventory = Inventory::new();
        let told = block_on(async {
            store(&inventory.path(), scans).await;
            events(&inventory.path()).await
        });
        // After the second scan there were six looks, and no absence.
        assert_eq!(told, ["1 new 10.0.0.1", "4 missing 10.0.0.1"]);
    }
}

/// Real certificates for one name, a long one.
fn certificates<const N: usize>() -> [Vec<u8>; N] {
    std::array::from_fn(|_| {
        let key = KeyPair::generate().unwrap();
        let name = "a-rather-long-name-of-a-host.in-a.department.sweep.test";
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        certificate.self_signed(&key).unwrap().der().to_vec()
    })
}

/// Three scans of a host whose certificate is renewed, and of one that goes.
fn renewed() -> Inventory {
    let [first, second, other] = certificates();
    let inventory = Inventory::new();
    let scans = (1..=3).map(|scan| {
        let (first, second, other) = (first.clone(), second.clone(), other.clone());
        let network = Network::new(move |address, _| {
            let shown = match (address.port(), scan) {
                (443, 1) => &first,
                (443, _) => &second,
                (8443, 1 | 2) => &other,
                _ => return Peer::Closed,
            };
            Peer::Says(flight(&[shown, &other]))
        });
        Seen::by(&Rig::new(network, &["10.0.0.1:443,8443"]))
    });
    let scans: Vec<_> = scans.collect();
    block_on(store(&inventory.path(), scans));
    inventory
}

#[test]
fn diff_tells_what_changed_since_the_scan_before() {
    let inventory = renewed();
    let last = inventory.run::<&str>("diff", &[]).exits(0);
    assert!(last.stdout.contains("\nmissing: "), "{last}");
    assert!(last.stdout.ends_with("\n1 missing\n"), "{last}");
    let all = inventory.run("diff", &["1"]).exits(0);
    assert!(all.stdout.ends_with("\n1 renewed, 1 missing\n"), "{all}");
    for line in all.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(all.stdout.contains("  10.0.0.1:443 "), "{all}");
    let last = inventory.run("diff", &["3"]).exits(2);
    last.complains_of(&["after scan 3", "certsweep scans"]);
    let none = inventory.run("diff", &["--name", "*.elsewhere"]).exits(0);
    assert!(none.stdout.ends_with("\nnothing changed\n"), "{none}");
}

#[test]
fn diff_tells_all_of_what_is_in_a_state_and_without_one_all_there_is() {
    let inventory = renewed();
    let told = |words: &[&str]| {
        let run = inventory.run("diff", &[&["--json", "1"], words].concat());
        let events = run.exits(0).json_lines();
        let kinds = events.iter().map(|event| event["kind"].as_str().unwrap());
        kinds.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), ["renewed", "missing"]);
    assert_eq!(told(&["--state", "all"]), ["renewed", "missing"]);
    assert_eq!(told(&["--state", "current"]), ["renewed"]);
    assert_eq!(told(&["--state", "missing"]), ["missing"]);
    assert_eq!(told(&["--state", "gone"]), [""; 0]);
    let help = inventory.run("diff", &["--help"]).exits(0).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let default = "[default: current and missing; for diff all]";
    assert!(help.contains(default), "{help}");
}

#[test]
fn diff_takes_the_filters_on_judgements() {
    let inventory = renewed();
    let policy = "[[owner]]\nowner = \"The shop\"\ntags = [\"web\"]\nnetworks = [\"10.0.0.0/24\"]\n\
        [[owner]]\nowner = \"The plant\"\ntags = [\"mail\"]\nnetworks = [\"10.0.1.0/24\"]\n";
    let config = inventory.file("c.toml", policy);
    let changed = |filters: &[&str]| {
        let words = ["1", "--json", "--config", config.to_str().unwrap()];
        let run = inventory.run("diff", &[&words[..], filters].concat());
        run.exits(0).json_lines().len()
    };
    assert_eq!(changed(&[]), 2);
    assert_eq!(changed(&["--owner", "The shop"]), 2);
    assert_eq!(changed(&["--owner", "The plant"]), 0);
    assert_eq!(changed(&["--tag", "web", "--port", "443"]), 1);
    assert_eq!(changed(&["--tag", "mail"]), 0);
    assert_eq!(changed(&["--finding", "stale-endpoint"]), 2);
    assert_eq!(
        changed(&["--finding", "stale-endpoint", "--name", "nobody"]),
        0
    );
    assert_eq!(changed(&["--finding", "wildcard"]), 0);
}

#[test]
fn diff_fails_if_asked_to_and_names_its_events() {
    let inventory = renewed();
    let words = ["1", "2", "--json", "--fail"];
    let changed = inventory.run("diff", &words).exits(4);
    let [event] = &changed.json_lines()[..] else {
        panic!("one event, in\n{changed}");
    };
    assert_eq!(event["kind"], "renewed");
    assert_eq!(event["cause"], "network");
    assert_eq!(event["scan_id"], 2);
    assert_eq!(event["at"], "2026-01-11T08:00:00Z");
    assert_ne!(event["sha256"], event["previous_sha256"]);
    let again = inventory.run("diff", &["1", "3", "--json"]).exits(0);
    assert_eq!(again.json_lines()[0]["event_id"], event["event_id"]);
    inventory.run("diff", &["3", "--fail"]).exits(2);
    inventory
        .run("diff", &["7"])
        .exits(2)
        .complains_of(&["7", "certsweep scans"]);
    let nothing = Inventory::new();
    nothing.run::<&str>("diff", &[]).exits(1);
}

#[test]
fn an_earlier_day_is_reported_as_it_was() {
    let inventory = renewed();
    let states = |words: &[&str]| {
        let report = inventory.run("report", words).exits(0);
        let mut reader = csv::Reader::from_reader(report.stdout.as_bytes());
        let rows = reader.deserialize::<HashMap<String, String>>();
        let told = rows.map(|row| {
            let row = row.unwrap();
            (
                row["port"].clone(),
                row["state"].clone(),
                row["days_left"].clone(),
            )
        });
        told.collect::<Vec<_>>()
    };
    let state = |port: &str, state: &str| (port.to_owned(), state.to_owned());
    let at = |day: &str| {
        let rows = states(&["--at", day]);
        rows.into_iter()
            .map(|(port, state, _)| (port, state))
            .collect::<Vec<_>>()
    };
    let both = [state("443", "current"), state("8443", "current")];
    assert_eq!(at("2026-01-04"), both);
    assert_eq!(at("2026-01-17"), both);
    let missing = [state("443", "current"), state("8443", "missing")];
    assert_eq!(at("2026-01-18"), missing);
    assert_eq!(at("2026-01-18T07:59:59Z"), both);
    let gone = states(&["--at", "2026-01-12", "--state", "gone"]);
    assert_eq!(gone.len(), 1);
    // It is judged by that day, too.
    let left = |rows: Vec<(String, String, String)>| rows[0].2.parse::<i64>().unwrap();
    let later = left(states(&["--at", "2026-01-14"]));
    assert_eq!(left(states(&["--at", "2026-01-04"])), later + 10);
}

/// The root's file that is beside an inventory.
fn root_of(inventory: &Inventory) -> PathBuf {
    inventory.path().with_file_name("root.pem")
}

/// Scans of a host that sends the intermediate before the one that it needs; the
/// second also of one that sends that.
fn mended_elsewhere(scans: i64) -> Inventory {
    let issuer = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (root, key) = issuer("root");
    let root = CertifiedIssuer::self_signed(root, key).unwrap();
    let (params, key) = issuer("intermediate");
    let sub = CertifiedIssuer::signed_by(params, key, &root).unwrap();
    let (params, key) = issuer("intermediate");
    let before = CertifiedIssuer::signed_by(params, key, &root).unwrap();
    let leaves = ["first.test", "second.test"].map(|name| {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &sub);
        leaf.unwrap().der().to_vec()
    });
    let (needed, before) = (sub.der().to_vec(), before.der().to_vec());
    let inventory = Inventory::new();
    std::fs::write(root_of(&inventory), root.pem()).unwrap();
    let scans = (1..=scans).map(|scan| {
        let (needed, before, leaves) = (needed.clone(), before.clone(), leaves.clone());
        let network = Network::new(move |address, _| match (address.port(), scan) {
            (443, _) => Peer::Says(flight(&[&leaves[0], &before])),
            (8443, 2) => Peer::Says(flight(&[&leaves[1], &needed])),
            _ => Peer::Closed,
        });
        Seen::by(&Rig::new(network, &["10.0.0.1:443,8443"]))
    });
    let scans: Vec<_> = scans.collect();
    block_on(store(&inventory.path(), scans));
    inventory
}

#[test]
fn an_earlier_day_is_not_judged_by_what_others_presented_later() {
    let run = |inventory: &Inventory, command: &str, words: &[&str]| {
        let root = root_of(inventory).to_str().unwrap().to_owned();
        let trust = ["--trust-store", &root, "--no-system-roots"];
        inventory
            .run(command, &[&trust[..], words].concat())
            .exits(0)
    };
    let judged = |inventory: &Inventory, words: &[&str]| {
        let report = run(inventory, "report", words);
        let mut reader = csv::Reader::from_reader(report.stdout.as_bytes());
        let mut rows = reader.deserialize::<HashMap<String, String>>();
        let row = rows.next().unwrap().unwrap();
        (row["trust"].clone(), row["trust_reason"].clone())
    };
    let worst = |inventory: &Inventory, words: &[&str]| {
        let words = [words, &["--json"]].concat();
        let certificates = run(inventory, "certs", &words).json_lines();
        let first = certificates.iter();
        let mut first = first.filter(|it| it["san"][0] == "first.test");
        first.next().unwrap()["severity"].clone()
    };
    let (before, after) = (mended_elsewhere(1), mended_elsewhere(2));
    let day = ["--at", "2026-01-04"];
    let (trust, reason) = judged(&before, &day);
    assert_eq!(trust, "invalid", "{reason}");
    assert_eq!(judged(&after, &day), (trust, reason));
    let later = judged(&after, &["--at", "2026-01-11", "--port", "443"]);
    assert_eq!(later, judged(&after, &["--port", "443"]));
    assert_ne!(later.0, "invalid", "{later:?}");
    assert_eq!(worst(&after, &day), worst(&before, &day));
    assert_ne!(worst(&after, &day), worst(&after, &[]));
}

#[test]
fn the_page_of_a_day_that_was_pruned_says_since_when_all_is_kept() {
    let inventory = renewed();
    let pruned = "2026-01-15T00:00:00Z";
    let is_told = |day: &str| {
        let words = ["--format", "html", "--at", day];
        let page = inventory.run("report", &words).exits(0).stdout;
        page.contains(&format!("what had ended by {pruned} is not kept"))
    };
    assert!(!is_told("2026-01-05"));
    block_on(async {
        let mut sink = SqliteSink::open(&inventory.path()).await.unwrap();
        sink.prune(pruned.parse().unwrap()).await.unwrap();
        sink.close().await.unwrap();
    });
    assert!(is_told("2026-01-05"));
    assert!(!is_told("2026-01-15"));
}

#[test]
fn a_day_that_nothing_is_known_of_is_refused_with_a_hint() {
    let inventory = renewed();
    let today = clock::now().date();
    let later_today = format!("{today}T23:59:59.999998Z");
    for (words, culprit) in [
        (["--at", "2026-01-03"], "2026-01-04T08:00:00Z"),
        (["--at", "9999-01-01"], "hint"),
        (["--at", &later_today], "is to come"),
        (["--at", "yesterday"], "yesterday"),
    ] {
        let run = inventory.run("report", &words);
        run.exits(2).complains_of(&[culprit]);
    }
    // The day itself is not over yet.
    let today = ["--at".to_owned(), today.to_string()];
    inventory.run("report", &today).exits(0);
    inventory
        .run("report", &["--at", "2026-01-10", "--of", "coverage"])
        .exits(2);
    inventory.run("diff", &["x"]).exits(2);
}

#[test]
fn an_earlier_day_says_if_what_was_there_has_been_pruned() {
    let inventory = renewed();
    let told = |command: &str, words: &[&str]| inventory.run(command, words).exits(0).stderr;
    let earlier = ["--at", "2026-01-04"];
    assert_eq!(told("report", &earlier), "");
    told("prune", &["--older-than", "1d", "--yes"]);
    for note in [told("report", &earlier), told("diff", &["1"])] {
        assert!(note.starts_with("note: what was over by "), "{note}");
        assert!(note.ends_with(" was pruned, and is missing here\n"));
    }
    assert_eq!(told("report", &[]), "", "of today nothing is missing");
}

#[test]
fn show_tells_the_life_of_a_certificate() {
    let inventory = renewed();
    let events = inventory.run("diff", &["1", "2", "--json"]).exits(0);
    let event = &events.json_lines()[0];
    let text = |column: &str| event[column].as_str().unwrap().to_owned();
    let (new, old) = (text("sha256"), text("previous_sha256"));
    let new_life = inventory.run("show", &[&new]).exits(0).stdout;
    let expected = format!(
        "2026-01-11 08:00  renewed     10.0.0.1:443, in place of {}",
        &old[..10]
    );
    assert!(new_life.contains(&expected), "{new_life}");
    assert!(new_life.contains("\nChain\n  "), "{new_life}");
    let old_life = inventory.run("show", &[&old]).exits(0).stdout;
    assert!(old_life.contains("2026-01-04 08:00  new         10.0.0.1:443\n"));
    let expected = format!("renewed     10.0.0.1:443, by {}", &new[..10]);
    assert!(old_life.contains(&expected), "{old_life}");
}
