use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::domain::OutcomeKind;
use crate::report::Coverage;
use crate::store::{NameLook, NameRow};

type Spot = (Zone, Port, IpAddr);
type Told = (OutcomeKind, i64, i64);

fn run(first: &str, last: &str, outcome: OutcomeKind, second: i64) -> AddressRun {
    AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip(first),
        last: ip(last),
        outcome,
        detail: String::new(),
        at: at(second),
    }
}

fn covering(coverage: Vec<AddressRun>) -> Batch {
    Batch {
        coverage,
        ..Batch::default()
    }
}

async fn coverage(store: &Store, filter: &Filter) -> Vec<Coverage> {
    let mut rows = Vec::new();
    let mut visit = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    let inventory = store.inventory().await;
    inventory.coverage(filter, &mut visit).await.unwrap();
    rows
}

/// Spans the border of two networks, in both families.
fn any_run() -> impl Strategy<Value = AddressRun> {
    let outcomes = prop::sample::select(vec![
        OutcomeKind::Certificate,
        OutcomeKind::Refused,
        OutcomeKind::Excluded,
        OutcomeKind::NotAttempted,
    ]);
    let hosts = (0..24_u8, 0..24_u8);
    (hosts, any::<bool>(), any::<bool>(), outcomes, 0..3_i64).prop_map(
        |((one, other), is_v6, is_other_port, outcome, second)| {
            let (first, last) = (one.min(other), one.max(other));
            let address = |host: u8| -> IpAddr {
                if is_v6 {
                    let low = 0xffff_ffff_ffff_fff4_u64.wrapping_add(u64::from(host));
                    let network = 0x2001_0db8_0000_0000_u64 + u64::from(host >= 12);
                    IpAddr::from(((u128::from(network) << 64) | u128::from(low)).to_be_bytes())
                } else {
                    IpAddr::from((0x0a00_00f4_u32 + u32::from(host)).to_be_bytes())
                }
            };
            AddressRun {
                first: address(first),
                last: address(last),
                port: port(if is_other_port { 8443 } else { 443 }),
                ..run("0.0.0.0", "0.0.0.0", outcome, second)
            }
        },
    )
}

fn addresses(run: &AddressRun) -> Vec<IpAddr> {
    match (run.first, run.last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (first.to_bits()..=last.to_bits())
            .map(|bits| IpAddr::from(bits.to_be_bytes()))
            .collect(),
        (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits()..=last.to_bits())
            .map(|bits| IpAddr::from(bits.to_be_bytes()))
            .collect(),
        _ => unreachable!("runs do not mix families"),
    }
}

fn says_something(outcome: OutcomeKind) -> bool {
    outcome != OutcomeKind::NotAttempted
}

async fn agrees_with_a_map_of_addresses(scans: Vec<Vec<AddressRun>>) {
    let mut store = Store::new().await;
    let mut model: BTreeMap<Spot, Told> = BTreeMap::new();
    for runs in scans {
        let scan = store.begin().await;
        for run in &runs {
            for address in addresses(run) {
                let new = (run.outcome, scan.number(), run.at.micros());
                let spot = (run.zone.clone(), run.port, address);
                let stays = model
                    .get(&spot)
                    .is_some_and(|(outcome, known_scan, known_at)| {
                        match (says_something(run.outcome), says_something(*outcome)) {
                            (true, false) => false,
                            (false, true) => true,
                            _ if new.1 == *known_scan => {
                                (run.outcome, -new.2) >= (*outcome, -*known_at)
                            }
                            _ => new.1 < *known_scan && new.2 <= *known_at,
                        }
                    });
                if !stays {
                    model.insert(spot, new);
                }
            }
        }
        store.sink.write(scan, &covering(runs)).await.unwrap();
    }
    let spots: BTreeSet<_> = model.keys().map(|(_, _, address)| *address).collect();
    let inventory = store.inventory().await;
    let mut told = BTreeMap::new();
    for address in spots {
        for look in inventory.address(address).await.unwrap() {
            let spot = (look.zone, look.port, address);
            let value = (look.outcome, look.scan.number(), look.at.micros());
            assert_eq!(told.insert(spot, value), None, "told twice");
        }
    }
    assert_eq!(told, model);
    let total: u64 = coverage(&store, &Filter::default())
        .await
        .iter()
        .map(|row| row.outcomes.total())
        .sum();
    assert_eq!(total, model.len() as u64);
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn every_address_is_answered_for(
        scans in prop::collection::vec(prop::collection::vec(any_run(), 0..12), 1..4),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(agrees_with_a_map_of_addresses(scans));
    }
}

#[tokio::test]
async fn a_dark_network_takes_one_row_a_network() {
    let mut store = Store::new().await;
    let dark = run("10.0.0.0", "10.3.255.255", OutcomeKind::Filtered, 10);
    store.scan(covering(vec![dark])).await;
    assert_eq!(store.dump("coverage").await.len(), 1024);
    let hit = run("10.2.0.7", "10.2.0.7", OutcomeKind::Certificate, 20);
    store.scan(covering(vec![hit])).await;
    assert_eq!(store.dump("coverage").await.len(), 1026);
    let rows = coverage(&store, &Filter::default()).await;
    assert_eq!(rows.len(), 1024);
    let row = &rows[512];
    assert_eq!(row.network, "10.2.0.0/24");
    assert_eq!(row.outcomes.count(OutcomeKind::Filtered), 255);
    assert_eq!(row.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!((row.oldest_look, row.latest_look), (at(10), at(20)));
}

#[tokio::test]
async fn a_whole_ipv6_network_is_counted_as_far_as_numbers_go() {
    let mut store = Store::new().await;
    let whole = run(
        "2001:db8::",
        "2001:db8::ffff:ffff:ffff:ffff",
        OutcomeKind::Excluded,
        10,
    );
    store.scan(covering(vec![whole])).await;
    let rows = coverage(&store, &Filter::default()).await;
    assert_eq!(rows[0].outcomes.total(), i64::MAX as u64);
    let endless = run("2001:db8::", "2001:db9::", OutcomeKind::Excluded, 10);
    let scan = store.begin().await;
    let failed = store.sink.write(scan, &covering(vec![endless])).await;
    assert!(matches!(failed, Err(StoreError::InvalidRun { .. })));
}

#[tokio::test]
async fn what_says_nothing_is_written_only_where_nothing_is_known() {
    let mut store = Store::new().await;
    let look = run("10.0.0.5", "10.0.0.5", OutcomeKind::Refused, 10);
    store.scan(covering(vec![look])).await;
    let ended = run("10.0.0.4", "10.0.0.6", OutcomeKind::NotAttempted, 20);
    store.scan(covering(vec![ended])).await;
    let inventory = store.inventory().await;
    let mut told = Vec::new();
    for address in ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"] {
        let looks = inventory.address(ip(address)).await.unwrap();
        told.push(looks.first().map(|look| (look.outcome, look.at)));
    }
    assert_eq!(
        told,
        [
            Some((OutcomeKind::NotAttempted, at(20))),
            Some((OutcomeKind::Refused, at(10))),
            Some((OutcomeKind::NotAttempted, at(20))),
            None,
        ]
    );
}

#[tokio::test]
async fn names_and_zones_have_their_own_lines() {
    let mut store = Store::new().await;
    let other: Zone = "plant".parse().unwrap();
    let excluded = |reason: &str, host: &str| AddressRun {
        zone: other.clone(),
        detail: reason.to_owned(),
        ..run(host, host, OutcomeKind::Excluded, 10)
    };
    let name = |text: &str, outcome, second| NameLook {
        zone: Zone::default(),
        name: text.parse().unwrap(),
        port: port(443),
        outcome,
        detail: String::new(),
        at: at(second),
    };
    let seen = Batch {
        coverage: vec![
            run("10.0.0.1", "10.0.0.1", OutcomeKind::Refused, 10),
            run("9.0.0.1", "9.0.0.1", OutcomeKind::Refused, 10),
            run("::1", "::1", OutcomeKind::Refused, 10),
            excluded("printer", "10.0.0.1"),
            excluded("pump", "10.0.0.2"),
            excluded("printer", "10.0.0.3"),
        ],
        names: vec![
            name("b.example", OutcomeKind::Unresolved, 10),
            name("a.example", OutcomeKind::Certificate, 10),
            name("a.example", OutcomeKind::NotAttempted, 20),
        ],
        ..Batch::default()
    };
    store.scan(seen).await;
    let rows = coverage(&store, &Filter::default()).await;
    let places: Vec<_> = rows
        .iter()
        .map(|row| (row.zone.as_str(), row.network.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("default", "9.0.0.0/24"),
            ("default", "10.0.0.0/24"),
            ("default", "::/64"),
            ("default", "a.example"),
            ("default", "b.example"),
            ("plant", "10.0.0.0/24"),
        ]
    );
    assert_eq!(rows[3].outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(rows[5].exclusions, ["printer", "pump"]);
    let inventory = store.inventory().await;
    assert_eq!(inventory.address(ip("10.0.0.1")).await.unwrap().len(), 2);
    let only = Filter {
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        zones: vec![other],
        ..Filter::default()
    };
    assert_eq!(coverage(&store, &only).await.len(), 1);
}

#[tokio::test]
async fn a_name_is_answered_for_with_why_it_has_no_address() {
    let mut store = Store::new().await;
    let look = |text: &str, zone: &str, number, detail: &str| NameLook {
        zone: zone.parse().unwrap(),
        name: text.parse().unwrap(),
        port: port(number),
        outcome: OutcomeKind::Unresolved,
        detail: detail.to_owned(),
        at: at(10),
    };
    let seen = Batch {
        names: vec![
            look("gone.example", "plant", 443, "SERVFAIL"),
            look("gone.example", "default", 8443, "NXDOMAIN"),
            look("gone.example", "default", 443, "NXDOMAIN"),
            look("other.example", "default", 443, "no data"),
        ],
        ..Batch::default()
    };
    let scan = store.scan(seen).await;
    let inventory = store.inventory().await;
    let told = async |name: &str| inventory.name(&name.parse().unwrap()).await.unwrap();
    let row = |zone: &str, number, detail: &str| NameRow {
        zone: zone.parse().unwrap(),
        port: port(number),
        outcome: OutcomeKind::Unresolved,
        detail: detail.to_owned(),
        scan,
        at: at(10),
    };
    assert_eq!(
        told("Gone.Example").await,
        [
            row("default", 443, "NXDOMAIN"),
            row("default", 8443, "NXDOMAIN"),
            row("plant", 443, "SERVFAIL"),
        ]
    );
    assert_eq!(told("never.example").await, []);
}
