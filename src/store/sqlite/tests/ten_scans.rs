//! A network over ten weekly scans, with everything that goes wrong with
//! networks and scans.

use super::*;
use crate::domain::LocalFault;
use crate::report::InstallationState;

const WEEK: i64 = 7 * 86_400;
const SCANS: i64 = 10;
/// Everything is dark: our own line was down, and we did not notice.
const OUTAGE: i64 = 6;
/// Stopped after the first hosts.
const CUT_SHORT: i64 = 9;

/// What a host showed in a scan.
enum Seen {
    Certificate(&'static str),
    Failed(Outcome),
    NotAsked,
}

/// A host by its last octet.
fn host(number: u8, scan: i64) -> Seen {
    use Seen::{Certificate, Failed, NotAsked};
    if scan == CUT_SHORT && number > 3 {
        return NotAsked;
    }
    if scan == OUTAGE && number != 7 {
        return Failed(Outcome::Filtered);
    }
    let ours = || Outcome::LocalError(LocalFault::Exhausted("descriptors".to_owned()));
    match (number, scan) {
        (2, 1..4) => Certificate("old"),
        (2, _) => Certificate("new"),
        (3, 3) => Failed(Outcome::Filtered),
        (3, _) => Certificate("blip"),
        (4, 3 | 4) => Failed(Outcome::Silent(Phase::Hello)),
        (4, _) => Certificate("slow"),
        (5, scan) if scan % 2 == 0 => Certificate("node-a"),
        (5, _) => Certificate("node-b"),
        (6, 1..5) => Certificate("decommissioned"),
        (6, _) | (8, 1) => Failed(Outcome::Refused),
        (7, 5..8) => Failed(ours()),
        (7, _) => Certificate("ours"),
        (8, _) => Certificate("late"),
        (9, 1..4) => Certificate("dark"),
        (9, _) => Failed(Outcome::Unreachable),
        (10, 4) => Failed(refused()),
        (10, _) => Certificate("restarted"),
        _ => Certificate("steady"),
    }
}

fn observations(scan: i64) -> Vec<Observation> {
    let second = scan * WEEK;
    let mut seen = Vec::new();
    for number in 1..=10 {
        let address = format!("10.0.0.{number}");
        let second = second + i64::from(number);
        seen.extend(match host(number, scan) {
            Seen::Certificate(name) => Some(presenting(&address, 443, &[name, "ca"], second)),
            Seen::Failed(outcome) => Some(looking(&address, 443, outcome, second)),
            Seen::NotAsked => None,
        });
    }
    if scan == OUTAGE || scan == CUT_SHORT {
        return seen;
    }
    // A second type of key that only some scans ask for.
    seen.push(presenting("10.0.0.11", 443, &["ecdsa"], second));
    if scan % 3 == 1 {
        let rsa = presenting("10.0.0.11", 443, &["both"], second + 1);
        seen.push(restricted(KeyType::Rsa, rsa));
    }
    let address = if scan < 8 { "10.0.1.1" } else { "10.0.1.2" };
    seen.push(asking(
        "www.example",
        presenting(address, 443, &["www"], second),
    ));
    seen
}

/// The ledger that the engine would write.
fn ledger(scan: i64, seen: &[Observation]) -> Batch {
    let second = scan * WEEK;
    let mut coverage: Vec<_> = seen
        .iter()
        .map(|look| {
            let address = look.endpoint.address.to_string();
            run(&address, &address, 443, look.outcome.kind(), second)
        })
        .collect();
    if scan == CUT_SHORT {
        let outcome = OutcomeKind::NotAttempted;
        coverage.push(run("10.0.0.4", "10.0.0.255", 443, outcome, second));
    }
    let name = led("www.example", 443, second);
    let unresolved = NameLook {
        outcome: OutcomeKind::LocalError,
        ..name.clone()
    };
    let names = match scan {
        CUT_SHORT => Vec::new(),
        OUTAGE => vec![unresolved],
        _ => vec![name],
    };
    let leads = seen.iter().filter_map(|look| {
        let name = look.server_name.as_ref()?.to_string();
        let address = look.endpoint.address.to_string();
        (!names.is_empty()).then(|| lead(&name, &address, 443))
    });
    let leads = leads.collect();
    Batch {
        coverage,
        names,
        leads,
        ..Batch::default()
    }
}

/// What a report says of an installation, but for what only the latest looks
/// tell.
type Told = (
    String,
    Fingerprint,
    Vec<Fingerprint>,
    InstallationState,
    Option<Fingerprint>,
    Timestamp,
    u64,
);

fn told(row: &Installation) -> Told {
    (
        format!("{} {}", row.host, row.ip.unwrap()),
        row.certificate.sha256,
        row.chain.to_vec(),
        row.state,
        row.previous,
        row.first_seen,
        row.installations,
    )
}

/// The inventory after all scans, and what reports said after each.
async fn ten_scans(order: impl Fn(Vec<Observation>) -> Vec<Observation>) -> (Store, Vec<Reported>) {
    let mut store = Store::new().await;
    let mut reports = Vec::new();
    for scan in 1..=SCANS {
        let began = NewScan {
            started_at: at(scan * WEEK - 1),
            ..new_scan()
        };
        let id = store.sink.begin(began).await.unwrap();
        let seen = observations(scan);
        let looks = batch(order(seen.clone()));
        let ledger = ledger(scan, &seen);
        for batch in [&looks, &ledger, &looks, &ledger] {
            store.sink.write(id, batch).await.unwrap();
        }
        let finished_at = at(scan * WEEK + 100);
        let end = ScanEnd {
            incidents: Vec::new(),
            unlisted: 0,
            finished_at,
            state: if scan == CUT_SHORT {
                ScanState::Interrupted
            } else {
                ScanState::Complete
            },
            ended_by: None,
            outcomes: Tally::default(),
        };
        store.sink.finish(id, end).await.unwrap();
        reports.push(Reported {
            at: finished_at,
            rows: store.history().await,
        });
    }
    (store, reports)
}

/// What a report said at a moment.
struct Reported {
    at: Timestamp,
    rows: Vec<Installation>,
}

const EVENTS: [&str; 23] = [
    "1 new 10.0.0.1",
    "1 new 10.0.0.2",
    "1 new 10.0.0.3",
    "1 new 10.0.0.4",
    "1 new 10.0.0.5",
    "1 new 10.0.0.6",
    "1 new 10.0.0.7",
    "1 new 10.0.0.9",
    "1 new 10.0.0.10",
    "1 new 10.0.0.11",
    "1 new 10.0.0.11",
    "1 new www.example",
    "2 new 10.0.0.8",
    "2 replaced 10.0.0.5",
    "3 alternating 10.0.0.5",
    "4 replaced 10.0.0.2",
    "4 missing 10.0.0.10",
    "5 missing 10.0.0.6",
    "5 returned 10.0.0.10",
    "6 missing 10.0.0.9",
    "7 gone 10.0.0.6",
    "8 moved www.example",
    "10 gone 10.0.0.9",
];

#[tokio::test]
async fn nothing_is_gone_but_what_is() {
    let (store, _) = ten_scans(|seen| seen).await;
    assert_eq!(store.events().await, EVENTS);
    let rows = store.history().await;
    let not_current: Vec<_> = rows
        .iter()
        .filter(|row| row.state != InstallationState::Current)
        .map(|row| (row.certificate.sha256, row.state))
        .collect();
    let gone = InstallationState::Gone;
    assert_eq!(
        not_current,
        [
            (hash_of("old"), gone),
            (hash_of("decommissioned"), gone),
            (hash_of("dark"), gone),
            (hash_of("www"), gone),
        ]
    );
}

#[tokio::test]
async fn an_earlier_day_is_told_as_it_was_reported() {
    let (store, reports) = ten_scans(|seen| seen).await;
    for Reported { at, rows } in reports {
        let filter = Filter {
            known_at: Some(at),
            ..every_state()
        };
        let then = store.installations(&filter).await;
        let said: Vec<_> = rows.iter().map(told).collect();
        assert_eq!(then.iter().map(told).collect::<Vec<_>>(), said, "{at}");
        for (then, said) in then.iter().zip(&rows) {
            // What only later looks tell is left empty.
            assert!(then.last_seen.is_none() || then.last_seen == said.last_seen);
            assert!(then.last_checked.is_none() || then.last_checked == said.last_checked);
            assert!(then.scan.is_none() || then.scan == said.scan);
            assert_eq!(then.session.tls_version.is_none(), then.last_seen.is_none());
            if then.state != InstallationState::Current {
                assert_eq!(then.last_seen, said.last_seen);
            }
        }
        let shown = Filter {
            known_at: Some(at),
            ..Filter::default()
        };
        let is_shown = |row: &&Installation| row.state != InstallationState::Gone;
        let said: Vec<_> = rows.iter().filter(is_shown).map(told).collect();
        let then = store.installations(&shown).await;
        assert_eq!(then.iter().map(told).collect::<Vec<_>>(), said, "{at}");
    }
    let before_all = Filter {
        known_at: Some(at(0)),
        ..every_state()
    };
    assert!(store.installations(&before_all).await.is_empty());
}

#[tokio::test]
async fn the_order_of_what_a_scan_sees_does_not_matter() {
    let (one, _) = ten_scans(|seen| seen).await;
    assert!(one.marked().await.1 > 0);
    let (other, _) = ten_scans(|mut seen| {
        seen.reverse();
        seen
    })
    .await;
    assert_eq!(one.dump_all().await, other.dump_all().await);
}

#[tokio::test]
async fn no_scan_of_an_unchanged_network_adds_a_row() {
    let (mut store, _) = ten_scans(|seen| seen).await;
    let count = async |store: &Store| {
        let mut counts = Vec::new();
        for (table, rows) in store.dump_all().await {
            counts.push((table, rows.len()));
        }
        counts.retain(|(table, _)| *table != "scans");
        counts
    };
    let before = count(&store).await;
    for week in 11..15 {
        let mut seen = batch(observations(SCANS));
        for look in &mut seen.observations {
            look.at = at(look.at.seconds() - at(0).seconds() + (week - SCANS) * WEEK);
        }
        store.scan(seen).await;
        assert_eq!(count(&store).await, before);
    }
}
