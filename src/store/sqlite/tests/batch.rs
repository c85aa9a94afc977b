use futures_util::FutureExt;

use super::history::network;
use super::*;
use crate::domain::OutcomeKind;

#[tokio::test]
async fn a_batch_written_again_changes_nothing() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let first = network(10);
    let mut second = network(20);
    second
        .observations
        .push(presenting("10.0.0.2", 443, &["b2.example"], 25));
    second
        .certificates
        .extend(batch(second.observations.clone()).certificates);
    second.coverage.push(AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip("10.0.0.0"),
        last: ip("10.0.3.255"),
        outcome: OutcomeKind::Filtered,
        detail: String::new(),
        at: at(30),
    });
    for batch in [&first, &second] {
        store.sink.write(scan, batch).await.unwrap();
    }
    let before = store.dump_all().await;
    for batch in [&second, &first, &second] {
        store.sink.write(scan, batch).await.unwrap();
        assert_eq!(store.dump_all().await, before);
    }
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing_and_spoils_nothing() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let before = store.dump_all().await;
    let whole = network(10);
    let mut lacking = whole.clone();
    lacking.certificates.remove(&hash_of("root"));
    let failed = store.sink.write(scan, &lacking).await;
    assert!(
        matches!(failed, Err(StoreError::MissingCertificate(missing)) if missing == hash_of("root"))
    );
    assert_eq!(store.dump_all().await, before);
    let mut backwards = whole.clone();
    backwards.coverage.push(AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip("10.0.0.2"),
        last: ip("10.0.0.1"),
        outcome: OutcomeKind::Refused,
        detail: String::new(),
        at: at(0),
    });
    let failed = store.sink.write(scan, &backwards).await;
    assert!(matches!(failed, Err(StoreError::InvalidRun { .. })));
    assert_eq!(store.dump_all().await, before);
    store.sink.write(scan, &whole).await.unwrap();
    assert_eq!(store.history().await.len(), 5);
}

#[tokio::test]
async fn a_full_disk_is_named_and_what_was_stored_stays() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    store.sink.write(scan, &network(10)).await.unwrap();
    let before = store.dump_all().await;
    store.fill_disk().await;
    let many = (0..2000).map(|n| presenting("10.9.0.1", 443, &[&format!("certificate {n}")], n));
    let failed = store.sink.write(scan, &batch(many.collect())).await;
    assert!(
        matches!(failed, Err(StoreError::DiskFull { .. })),
        "{failed:?}"
    );
    assert_eq!(store.dump_all().await, before);
    // What comes later is stored: the driver has come to know of it.
    store.sink.write(scan, &network(10)).await.unwrap();
    assert_eq!(store.dump_all().await, before);
    let end = ended(ScanState::Failed);
    store.sink.finish(scan, end).await.unwrap();
}

#[tokio::test]
async fn a_scan_that_there_is_no_room_to_complete_has_failed() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    store.fill_disk().await;
    let end = ScanEnd {
        incidents: vec!["x".repeat(1 << 16)],
        ..ended(ScanState::Complete)
    };
    let failed = store.sink.finish(scan, end).await.unwrap_err();
    assert!(matches!(failed, StoreError::DiskFull { .. }), "{failed:?}");
    let [told] = &store.scans().await[..] else {
        panic!("one scan");
    };
    assert_eq!(told.state, ScanState::Failed);
    assert!(told.ended_by.as_deref().unwrap().contains("no space left"));
}

#[tokio::test]
async fn a_write_that_is_given_up_is_stored_whole_or_not_at_all() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let before = store.dump_all().await;
    let mut seen = Vec::new();
    for polls in 0..60 {
        let given_up = network(10);
        let mut write = store.sink.write(scan, &given_up);
        for _ in 0..polls {
            if (&mut write).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(write);
        // The connection has done with what was given up when it has done this.
        store.sink.write(scan, &Batch::default()).await.unwrap();
        let after = store.dump_all().await;
        if after != before {
            seen.push(after);
        }
    }
    store.sink.write(scan, &network(10)).await.unwrap();
    let whole = store.dump_all().await;
    assert!(seen.into_iter().all(|dump| dump == whole));
}

#[tokio::test]
async fn a_stored_certificate_need_not_be_parsed_again() {
    let mut store = Store::new().await;
    store.scan(network(10)).await;
    let path = store.path();
    let Store { directory, sink } = store;
    sink.close().await.unwrap();
    let mut store = Store {
        sink: SqliteSink::open(&path).await.unwrap(),
        directory,
    };
    let again = Batch {
        certificates: HashMap::new(),
        ..network(20)
    };
    store.scan(again).await;
    assert_eq!(store.history().await.len(), 5);
}

/// All orders of some items.
fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(place);
        for mut order in permutations(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[tokio::test]
async fn the_order_within_a_batch_does_not_matter() {
    let at_different_times = [
        presenting("10.0.0.1", 443, &["rsa", "ca"], 10),
        presenting("10.0.0.1", 443, &["rsa-renewed", "ca"], 11),
        restricted(
            KeyType::Ecdsa,
            presenting("10.0.0.1", 443, &["ecdsa", "ca"], 12),
        ),
        restricted(KeyType::Ecdsa, looking("10.0.0.1", 443, refused(), 13)),
    ];
    let at_once = at_different_times
        .clone()
        .map(|seen| Observation { at: at(10), ..seen });
    for seen in [at_different_times, at_once] {
        let mut expected = None;
        for order in permutations(&seen) {
            let mut store = Store::new().await;
            let scan = store.begin().await;
            let order = batch(order);
            store.sink.write(scan, &order).await.unwrap();
            let first = store.dump_all().await;
            store.sink.write(scan, &order).await.unwrap();
            assert_eq!(store.dump_all().await, first, "written again");
            assert_eq!(expected.get_or_insert_with(|| first.clone()), &first);
        }
    }
}

#[tokio::test]
async fn an_old_batch_changes_nothing_though_the_clock_was_set_back_since() {
    let mut store = Store::new().await;
    let mut old = network(5000);
    old.observations
        .push(presenting("10.0.0.9", 443, &["old"], 5000));
    old.certificates
        .extend(batch(old.observations.clone()).certificates);
    old.coverage.push(AddressRun {
        zone: Zone::default(),
        port: port(443),
        first: ip("10.0.0.0"),
        last: ip("10.0.0.255"),
        outcome: OutcomeKind::Filtered,
        detail: String::new(),
        at: at(5000),
    });
    let first = store.scan(old.clone()).await;
    let mut new = network(10);
    new.observations
        .push(presenting("10.0.0.9", 443, &["new"], 10));
    new.certificates
        .extend(batch(new.observations.clone()).certificates);
    new.coverage = vec![AddressRun {
        outcome: OutcomeKind::Refused,
        at: at(10),
        ..old.coverage[0].clone()
    }];
    store.scan(new).await;
    let before = store.dump_all().await;
    store.sink.write(first, &old).await.unwrap();
    assert_eq!(store.dump_all().await, before);
}

#[tokio::test]
async fn a_pointer_stays_until_the_dns_says_that_it_is_another_or_none() {
    let mut store = Store::new().await;
    let name = |name: &str| Pointer::Name(name.to_owned());
    let looks = [
        (name("old.corp"), Some("old.corp")),
        (Pointer::Untold, Some("old.corp")),
        (name("new.corp"), Some("new.corp")),
        (Pointer::Absent, None),
        (Pointer::Untold, None),
        (name("new.corp"), Some("new.corp")),
    ];
    for (second, (pointer, expected)) in (10..).zip(looks) {
        let mut seen = presenting("10.0.0.1", 443, &["leaf"], second);
        seen.pointer = pointer.clone();
        store.scan(batch(vec![seen])).await;
        let rows = store.installations(&Filter::default()).await;
        let known = rows[0].pointer.as_deref();
        assert_eq!(known, expected, "after {pointer:?}");
    }
}
