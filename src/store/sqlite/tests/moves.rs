//! What left one address and is new at another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::moves;
use super::*;
use crate::domain::LocalFault;
use crate::report::{EventKind, InstallationState};

pub(super) const WEEK: i64 = 7 * DAY;
pub(super) const DAY: i64 = 86_400;

/// A complete scan of one target that is a name, found at this address.
pub(super) async fn find_name(store: &mut Store, address: &str, certificate: &str, week: i64) {
    store.scan(name_found(address, certificate, week)).await;
}

/// What a scan tells of one target that is a name, found at this address.
pub(super) fn name_found(address: &str, certificate: &str, week: i64) -> Batch {
    let second = week * WEEK;
    let seen = presenting(address, 443, &[certificate], second);
    let mut found = batch(vec![asking("www.example", seen)]);
    found.names.push(led("www.example", 443, second));
    found.leads.push(lead("www.example", address, 443));
    found
}

async fn states(store: &Store) -> Vec<(String, InstallationState)> {
    let rows = store.history().await;
    rows.iter()
        .map(|row| (row.ip.unwrap().to_string(), row.state))
        .collect()
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_has_moved() {
    for (certificate, previous) in [("a", None), ("b", Some(hash_of("a")))] {
        let mut store = Store::new().await;
        find_name(&mut store, "10.0.0.1", "a", 0).await;
        find_name(&mut store, "10.0.0.2", certificate, 1).await;
        assert_eq!(
            store.events().await,
            ["1 new www.example", "2 moved www.example"]
        );
        let events = store.event_rows(&Filter::default()).await;
        let [_, moved] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(moved.kind, EventKind::Moved);
        assert_eq!(
            (moved.ip, moved.moved_from),
            (ip("10.0.0.2"), Some(ip("10.0.0.1")))
        );
        assert_eq!(moved.previous, previous);
        assert_eq!(
            states(&store).await,
            [
                ("10.0.0.1".to_owned(), InstallationState::Gone),
                ("10.0.0.2".to_owned(), InstallationState::Current),
            ]
        );
        let inventory = store.inventory().await;
        let life = inventory.life(hash_of("a")).await.unwrap();
        assert_eq!(life.len(), 2, "it tells where the name went");
    }
}

#[tokio::test]
async fn a_name_with_addresses_in_turn_moves_once() {
    let mut store = Store::new().await;
    for week in 0..20 {
        let address = ["10.0.0.1", "10.0.0.2"][usize::try_from(week).unwrap() % 2];
        find_name(&mut store, address, "a", week).await;
    }
    assert_eq!(
        store.events().await,
        [
            "1 new www.example",
            "2 moved www.example",
            "3 returned www.example"
        ]
    );
    assert_eq!(store.dump("installations").await.len(), 3);
}

#[tokio::test]
async fn a_name_that_went_back_for_good_is_gone_where_it_was_in_between() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    find_name(&mut store, "10.0.0.2", "a", 1).await;
    for week in 2..4 {
        find_name(&mut store, "10.0.0.1", "a", week).await;
        assert_eq!(states(&store).await[1].1, InstallationState::Current);
    }
    for week in 4..8 {
        find_name(&mut store, "10.0.0.1", "a", week).await;
    }
    assert_eq!(states(&store).await[1].1, InstallationState::Gone);
    assert_eq!(
        store.events().await[2..],
        [
            "3 returned www.example",
            "5 missing www.example",
            "8 gone www.example"
        ]
    );
}

#[tokio::test]
async fn a_further_address_of_a_name_is_new() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    let both = ["10.0.0.1", "10.0.0.2"].map(|address| {
        let seen = presenting(address, 443, &["a"], WEEK);
        asking("www.example", seen)
    });
    let mut found = batch(both.to_vec());
    found.names.push(led("www.example", 443, WEEK));
    found.leads = ["10.0.0.1", "10.0.0.2"]
        .map(|address| lead("www.example", address, 443))
        .to_vec();
    store.scan(found).await;
    assert_eq!(
        store.events().await,
        ["1 new www.example", "2 new www.example"]
    );
}

#[tokio::test]
async fn a_name_has_not_left_an_address_that_we_failed_to_ask() {
    let ours = || Outcome::LocalError(LocalFault::Exhausted("descriptors".to_owned()));
    let excluded = || Outcome::Excluded("a printer".to_owned());
    for (outcome, other) in [
        (ours(), "10.0.0.2"),
        (excluded(), "10.0.0.2"),
        // This scan looked for the other family alone.
        (ours(), "2001:db8::2"),
    ] {
        let mut store = Store::new().await;
        find_name(&mut store, "10.0.0.1", "a", 0).await;
        let mut seen = vec![presenting(other, 443, &["a"], WEEK)];
        if other.starts_with("10.") {
            seen.push(looking("10.0.0.1", 443, outcome, WEEK));
        }
        let seen = seen.into_iter().map(|look| asking("www.example", look));
        let mut found = batch(seen.collect());
        found.names.push(led("www.example", 443, WEEK));
        let looked = found.observations.iter();
        let addresses = looked.map(|look| look.endpoint.address.to_string());
        found.leads = addresses
            .map(|address| lead("www.example", &address, 443))
            .collect();
        store.scan(found).await;
        assert_eq!(
            store.events().await,
            ["1 new www.example", "2 new www.example"]
        );
        assert_eq!(states(&store).await[0].1, InstallationState::Current);
    }
}

#[tokio::test]
async fn a_name_has_not_left_an_address_that_it_never_led_to() {
    let mut store = Store::new().await;
    // Asked for at an address that is a target of its own.
    let seen = presenting("10.0.0.1", 443, &["a"], 0);
    store.scan(batch(vec![asking("www.example", seen)])).await;
    for week in 1..10 {
        find_name(&mut store, "10.0.0.2", "a", week).await;
    }
    assert_eq!(
        store.events().await,
        ["1 new www.example", "2 new www.example"]
    );
    assert_eq!(states(&store).await[0].1, InstallationState::Current);
}

#[tokio::test]
async fn a_name_asked_for_at_other_addresses_has_not_moved() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    // It is no target of this scan, only asked for at one.
    let seen = presenting("10.0.0.2", 443, &["a"], WEEK);
    store.scan(batch(vec![asking("www.example", seen)])).await;
    assert_eq!(
        store.events().await,
        ["1 new www.example", "2 new www.example"]
    );
    assert_eq!(states(&store).await[0].1, InstallationState::Current);
}

#[tokio::test]
async fn a_scan_that_was_cut_short_tells_of_no_move() {
    let mut store = Store::new().await;
    find_name(&mut store, "10.0.0.1", "a", 0).await;
    let scan = store.begin().await;
    let seen = presenting("10.0.0.2", 443, &["a"], WEEK);
    let mut found = batch(vec![asking("www.example", seen)]);
    found.names.push(led("www.example", 443, WEEK));
    found.leads.push(lead("www.example", "10.0.0.2", 443));
    store.sink.write(scan, &found).await.unwrap();
    let end = ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(WEEK + 1),
        state: ScanState::Interrupted,
        ended_by: None,
        outcomes: Tally::default(),
    };
    store.sink.finish(scan, end).await.unwrap();
    assert_eq!(
        store.events().await,
        ["1 new www.example", "2 new www.example"]
    );
    assert_eq!(states(&store).await[0].1, InstallationState::Current);
}

/// A scan of two addresses: the certificate at one of them.
async fn find_host(store: &mut Store, at: &str, not_at: &str, week: i64) {
    store
        .scan(batch(vec![
            presenting(at, 443, &["host"], week * WEEK),
            looking(not_at, 443, Outcome::Refused, week * WEEK + 1),
        ]))
        .await;
}

#[tokio::test]
async fn a_certificate_that_is_missing_here_and_new_there_has_moved() {
    let mut store = Store::new().await;
    find_host(&mut store, "10.0.0.1", "10.0.0.2", 0).await;
    find_host(&mut store, "10.0.0.2", "10.0.0.1", 1).await;
    assert_eq!(store.events().await, ["1 new 10.0.0.1", "2 moved 10.0.0.2"]);
    assert_eq!(states(&store).await[0].1, InstallationState::Gone);
    // And back.
    find_host(&mut store, "10.0.0.1", "10.0.0.2", 2).await;
    assert_eq!(
        store.events().await[2..],
        ["3 missing 10.0.0.2", "3 returned 10.0.0.1"]
    );
}

#[tokio::test]
async fn a_certificate_that_is_current_elsewhere_has_not_moved() {
    let mut store = Store::new().await;
    let shared = |address, week: i64| presenting(address, 443, &["shared"], week * WEEK);
    store
        .scan(batch(vec![shared("10.0.0.1", 0), shared("10.0.0.3", 0)]))
        .await;
    store
        .scan(batch(vec![
            looking("10.0.0.1", 443, Outcome::Refused, WEEK),
            shared("10.0.0.2", 1),
            shared("10.0.0.3", 1),
        ]))
        .await;
    assert_eq!(
        store.events().await[2..],
        ["2 new 10.0.0.2", "2 missing 10.0.0.1"]
    );
}

/// Counts the instructions that SQLite's virtual machine takes from now on.
pub(super) async fn count_steps(raw: &mut SqliteConnection) -> Arc<AtomicU64> {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    let mut handle = raw.lock_handle().await.unwrap();
    handle.set_progress_handler(1, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    steps
}

/// How many of them it takes to look for the moves of a scan.
pub(super) async fn steps(store: &Store, scan: ScanId) -> u64 {
    let mut raw = store.raw().await;
    let steps = count_steps(&mut raw).await;
    moves::record(&mut raw, scan).await.unwrap();
    steps.load(Ordering::Relaxed)
}

/// The first addresses of 10.0.0.0/16.
pub(super) fn hosts(count: u16) -> impl Iterator<Item = String> {
    (0..count).map(|host| {
        let [high, low] = host.to_be_bytes();
        format!("10.0.{high}.{low}")
    })
}

#[tokio::test]
async fn a_name_that_is_asked_for_everywhere_is_not_compared_with_itself() {
    let mut taken = Vec::new();
    for count in [100, 400] {
        let mut store = Store::new().await;
        let looks = hosts(count).map(|host| presenting(&host, 443, &["a"], 0));
        let looks = looks.map(|look| asking("www.example", look));
        let mut found = batch(looks.collect());
        found.names.push(led("www.example", 443, 0));
        found.leads.push(lead("www.example", "10.0.0.0", 443));
        let scan = store.scan(found).await;
        taken.push(steps(&store, scan).await);
    }
    assert!(taken[1] < taken[0] * 6, "of four times as many: {taken:?}");
}

#[tokio::test]
async fn places_of_a_certificate_are_not_compared_with_those_it_is_missing_from() {
    let mut taken = Vec::new();
    for count in [100, 400] {
        let mut store = Store::new().await;
        let shared = |second| move |host: String| presenting(&host, 443, &["shared"], second);
        store
            .scan(batch(hosts(count).map(shared(0)).collect()))
            .await;
        let closed = hosts(count / 4);
        let closed = closed.map(|host| looking(&host, 443, Outcome::Refused, WEEK));
        let open = hosts(count).skip(usize::from(count / 4)).map(shared(WEEK));
        store.scan(batch(closed.chain(open).collect())).await;
        let new = presenting("10.1.0.0", 443, &["shared"], 2 * WEEK);
        let scan = store.scan(batch(vec![new])).await;
        taken.push(steps(&store, scan).await);
    }
    assert!(taken[1] < taken[0] * 6, "of four times as many: {taken:?}");
}
