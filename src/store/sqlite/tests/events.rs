//! What changed, as it is told.

use std::collections::HashSet;

use super::*;
use crate::report::{EventKind, EventRow, InstallationState};
use crate::store::ScanSpan;

const DAY: i64 = 86_400;

impl Store {
    /// `3 renewed 10.0.0.1` for each event, by scan, then as they are told.
    pub(super) async fn events(&self) -> Vec<String> {
        let events = self.event_rows(&Filter::default()).await;
        let line = |row: &EventRow| format!("{} {} {}", row.scan, row.kind, row.host);
        let mut lines: Vec<_> = events.iter().map(line).collect();
        lines.sort_by_key(|line| line.split(' ').next().unwrap().parse::<i64>().unwrap());
        lines
    }

    pub(super) async fn event_rows(&self, filter: &Filter) -> Vec<EventRow> {
        let scans = self.scans().await;
        let last = scans.iter().max_by_key(|scan| scan.run).unwrap();
        let span = ScanSpan {
            after: None,
            until: last.id,
        };
        let mut rows = Vec::new();
        let mut visit = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        let inventory = self.inventory().await;
        inventory.events(span, filter, &mut visit).await.unwrap();
        rows
    }
}

/// A scan that sees this certificate at 10.0.0.1.
async fn see(store: &mut Store, chain: &[&str], day: i64) -> ScanId {
    let seen = presenting("10.0.0.1", 443, chain, day * DAY);
    store.scan(batch(vec![seen])).await
}

async fn fail(store: &mut Store, outcome: Outcome, day: i64) -> ScanId {
    let failed = looking("10.0.0.1", 443, outcome, day * DAY);
    store.scan(batch(vec![failed])).await
}

#[tokio::test]
async fn every_kind_is_told_by_the_scan_that_saw_it() {
    let mut store = Store::new().await;
    see(&mut store, &["a"], 0).await;
    see(&mut store, &["b"], 1).await;
    see(&mut store, &["a"], 2).await;
    see(&mut store, &["a", "ca"], 3).await;
    fail(&mut store, Outcome::Refused, 4).await;
    see(&mut store, &["a", "ca"], 5).await;
    fail(&mut store, Outcome::Refused, 6).await;
    fail(&mut store, Outcome::Refused, 12).await;
    // "b" alternated with "a", and is missing as well; the chain that was
    // left for another one is no certificate of its own.
    assert_eq!(
        store.events().await,
        [
            "1 new 10.0.0.1",
            "2 replaced 10.0.0.1",
            "3 alternating 10.0.0.1",
            "4 changed 10.0.0.1",
            "5 missing 10.0.0.1",
            "5 missing 10.0.0.1",
            "6 returned 10.0.0.1",
            "7 missing 10.0.0.1",
            "8 gone 10.0.0.1",
            "8 gone 10.0.0.1",
        ]
    );
    let rows = store.event_rows(&Filter::default()).await;
    let of = |kind| rows.iter().find(|row| row.kind == kind).unwrap();
    let replaced = of(EventKind::Replaced);
    assert_eq!((replaced.at, replaced.sha256), (at(DAY), hash_of("b")));
    assert_eq!(replaced.previous, Some(hash_of("a")));
    assert_eq!(replaced.subject.as_deref(), Some("b"));
    assert_eq!(of(EventKind::Missing).previous, None);
    let mut ids: Vec<_> = rows.iter().map(|row| &row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rows.len(), "each event has an id of its own");
}

#[tokio::test]
async fn a_renewal_is_known_by_what_it_keeps() {
    let mut store = Store::new().await;
    see(&mut store, &["www"], 0).await;
    let mut renewed = batch(vec![presenting("10.0.0.1", 443, &["renewed"], DAY)]);
    let certificate = renewed.certificates.get_mut(&hash_of("renewed")).unwrap();
    let facts = certificate.facts.as_mut().unwrap();
    facts.subject = named("www");
    facts.alternative_names = vec!["WWW".to_owned(), "www.www".to_owned()];
    store.scan(renewed).await;
    assert_eq!(
        store.events().await,
        ["1 new 10.0.0.1", "2 renewed 10.0.0.1"]
    );
}

#[tokio::test]
async fn an_event_calls_a_certificate_what_every_report_calls_it() {
    let mut store = Store::new().await;
    let names = [
        (Some("cn"), "san", "CN=cn"),
        (Some(""), "second", "O=dn"),
        (None, "", "O=dn"),
        (None, "", ""),
    ];
    for (place, (common, alternative, whole)) in (1..).zip(names) {
        let address = format!("10.0.0.{place}");
        let name = format!("certificate {place}");
        let mut seen = batch(vec![presenting(&address, 443, &[&name], 0)]);
        let certificate = seen.certificates.get_mut(&hash_of(&name)).unwrap();
        let facts = certificate.facts.as_mut().unwrap();
        facts.subject.common_name = common.map(str::to_owned);
        facts.subject.distinguished_name = whole.to_owned();
        facts.alternative_names = vec![alternative.to_owned()];
        store.scan(seen).await;
        let replaced = presenting(&address, 443, &["later"], DAY);
        store.scan(batch(vec![replaced])).await;
    }
    let rows = store.installations(&every_state()).await;
    let called = |sha256| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row.certificate.sha256 == sha256).unwrap();
        row.certificate.name().map(str::to_owned)
    };
    let events = store.event_rows(&Filter::default()).await;
    for event in &events {
        assert_eq!(event.subject, called(event.sha256));
        assert_eq!(event.previous_subject, event.previous.and_then(called));
    }
    let told: HashSet<_> = events.iter().map(|it| it.subject.as_deref()).collect();
    let later = Some("later");
    let expected = [Some("cn"), Some("second"), Some("O=dn"), None, later];
    assert_eq!(told, HashSet::from(expected));
}

/// The certificates of the events of a span.
async fn told(store: &Store, after: Option<i64>, until: i64, filter: &Filter) -> Vec<Fingerprint> {
    let span = ScanSpan {
        after: after.map(ScanId::new),
        until: ScanId::new(until),
    };
    let mut told = Vec::new();
    let mut visit = |row: EventRow| {
        told.push(row.sha256);
        ControlFlow::Continue(())
    };
    let inventory = store.inventory().await;
    inventory.events(span, filter, &mut visit).await.unwrap();
    told
}

#[tokio::test]
async fn a_scan_that_goes_on_later_tells_what_it_saw_then() {
    let mut store = Store::new().await;
    see(&mut store, &["a"], 0).await;
    let begun = |day: i64| NewScan {
        started_at: at(day * DAY),
        ..new_scan()
    };
    let seen = |address: &str, certificate: &str, day: i64| {
        batch(vec![presenting(
            address,
            443,
            &[certificate],
            day * DAY + 1,
        )])
    };
    let resumed = store.sink.begin(begun(1)).await.unwrap();
    let early = seen("10.0.1.1", "early", 1);
    store.sink.write(resumed, &early).await.unwrap();
    let stopped = ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(DAY + 2),
        state: ScanState::Stopped,
        ended_by: None,
        outcomes: Tally::default(),
    };
    store.sink.finish(resumed, stopped).await.unwrap();
    let between = store.sink.begin(begun(2)).await.unwrap();
    let other = seen("10.0.2.1", "between", 2);
    store.sink.write(between, &other).await.unwrap();
    store.finish(between).await;
    store.sink.resume(resumed, begun(3)).await.unwrap();
    let late = seen("10.0.1.2", "late", 3);
    store.sink.write(resumed, &late).await.unwrap();
    store.finish(resumed).await;

    let runs: Vec<_> = store.scans().await.iter().map(|scan| scan.run).collect();
    assert_eq!(runs, [1, 4, 3]);
    let all = Filter::default();
    let [early, between, late] = ["early", "between", "late"].map(hash_of);
    assert_eq!(told(&store, Some(3), 2, &all).await, [late]);
    assert_eq!(told(&store, Some(1), 3, &all).await, [early, between]);
    assert_eq!(told(&store, Some(1), 2, &all).await.len(), 3);
}

#[tokio::test]
async fn a_span_and_a_filter_choose_among_events() {
    let mut store = Store::new().await;
    let both = |certificate: &str, second| {
        batch(vec![
            presenting("10.0.0.1", 443, &[certificate], second),
            presenting("10.0.1.1", 8443, &["steady"], second),
        ])
    };
    store.scan(both("a", 0)).await;
    store.scan(both("b", DAY)).await;
    store.scan(both("c", 2 * DAY)).await;
    let told = async |after: Option<i64>, until: i64, filter: Filter| {
        told(&store, after, until, &filter).await
    };
    let [a, b, c, steady] = ["a", "b", "c", "steady"].map(hash_of);
    assert_eq!(told(None, 3, Filter::default()).await, [a, steady, b, c]);
    assert_eq!(told(Some(1), 3, Filter::default()).await, [b, c]);
    assert_eq!(told(Some(1), 2, Filter::default()).await, [b]);
    assert_eq!(told(Some(3), 3, Filter::default()).await, []);
    let by_network = Filter {
        networks: vec!["10.0.1.0/24".parse().unwrap()],
        ..Filter::default()
    };
    assert_eq!(told(None, 3, by_network).await, [steady]);
    let by_scan = Filter {
        scans: vec![ScanId::new(2)],
        ..Filter::default()
    };
    assert_eq!(told(None, 3, by_scan).await, [b]);
}

#[tokio::test]
async fn a_state_chooses_the_events_of_what_is_in_it_now() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = Store::new().await;
    see(&mut store, &["back"], 0).await;
    fail(&mut store, Outcome::Refused, 1).await;
    fail(&mut store, Outcome::Refused, 7).await;
    see(&mut store, &["back"], 8).await;
    let left = presenting("10.0.1.1", 443, &["left"], 9 * DAY);
    store.scan(batch(vec![left])).await;
    let taken = presenting("10.0.1.1", 443, &["taken"], 10 * DAY);
    store.scan(batch(vec![taken])).await;
    let [back, left, taken] = ["back", "left", "taken"].map(hash_of);
    // New, missing and returned: all of one that is there again.
    let expected = [
        (vec![], vec![back, left, taken, back, back, back]),
        (vec![Current], vec![back, taken, back, back, back]),
        (vec![Missing], vec![]),
        (vec![Gone], vec![left]),
        (
            vec![Gone, Current],
            vec![back, left, taken, back, back, back],
        ),
    ];
    for (states, expected) in expected {
        let filter = Filter {
            states: states.clone(),
            ..Filter::default()
        };
        assert_eq!(told(&store, None, 6, &filter).await, expected, "{states:?}");
        let rows = store.installations(&filter).await;
        let rows: HashSet<_> = rows.iter().map(|row| row.certificate.sha256).collect();
        let told = expected.into_iter().collect::<HashSet<_>>();
        assert!(
            states.is_empty() || rows == told,
            "as in a report, {states:?}"
        );
    }
}

#[tokio::test]
async fn events_keep_their_ids_when_a_batch_is_written_again() {
    let mut store = Store::new().await;
    see(&mut store, &["a"], 0).await;
    let scan = store.begin().await;
    let seen = batch(vec![presenting("10.0.0.1", 443, &["b"], DAY)]);
    store.sink.write(scan, &seen).await.unwrap();
    let before = store.event_rows(&Filter::default()).await;
    store.sink.write(scan, &seen).await.unwrap();
    store.finish(scan).await;
    fail(&mut store, Outcome::Refused, 2).await;
    let after = store.event_rows(&Filter::default()).await;
    assert_eq!(after[..2], before);
    assert_eq!(after.len(), 3);
}

#[tokio::test]
async fn the_life_of_a_certificate_tells_what_it_replaced_and_what_replaced_it() {
    let mut store = Store::new().await;
    for (day, name) in (0..).zip(["before", "it", "after", "later"]) {
        see(&mut store, &[name], day).await;
    }
    let inventory = store.inventory().await;
    let life = inventory.life(hash_of("it")).await.unwrap();
    let told: Vec<_> = life
        .iter()
        .map(|row| (row.kind, row.sha256, row.previous))
        .collect();
    let [before, it, after] = ["before", "it", "after"].map(hash_of);
    assert_eq!(
        told,
        [
            (EventKind::Replaced, it, Some(before)),
            (EventKind::Replaced, after, Some(it)),
        ]
    );
    assert_eq!(inventory.life(hash_of("nobody")).await.unwrap(), []);
}

#[tokio::test]
async fn a_failed_look_says_nothing_of_versions_that_it_did_not_offer() {
    use crate::domain::Attempt;
    // The certificate came by TLS 1.2.
    let refused_with = |offered: &str, last: OutcomeKind| {
        let attempt = |outcome| Attempt {
            offered: offered.parse().unwrap(),
            resort: None,
            outcome,
            detail: String::new(),
        };
        Observation {
            attempts: vec![attempt(OutcomeKind::TlsRefused), attempt(last)],
            ..looking("10.0.0.1", 443, refused(), DAY)
        }
    };
    for (look, missing) in [
        (refused_with("tls1.3", OutcomeKind::TlsRefused), false),
        (refused_with("tls1.3+tls1.2", OutcomeKind::TlsRefused), true),
        // It may have kept the certificate for the last connection.
        (refused_with("tls1.2", OutcomeKind::Filtered), false),
    ] {
        let mut store = Store::new().await;
        see(&mut store, &["a"], 0).await;
        let seen = format!("{:?}", look.attempts);
        store.scan(batch(vec![look])).await;
        let told = store.events().await;
        assert_eq!(told.len() == 2, missing, "{seen}");
    }
}

#[tokio::test]
async fn a_balancer_that_alternates_writes_no_new_rows() {
    let mut store = Store::new().await;
    for day in 0..4 {
        see(&mut store, &[["a", "b"][day % 2]], day.try_into().unwrap()).await;
    }
    let count = store.dump("installations").await.len();
    for day in 4..30 {
        see(&mut store, &[["a", "b"][day % 2]], day.try_into().unwrap()).await;
    }
    assert_eq!(store.dump("installations").await.len(), count);
    assert_eq!(
        store.events().await,
        [
            "1 new 10.0.0.1",
            "2 replaced 10.0.0.1",
            "3 alternating 10.0.0.1"
        ]
    );
    let rows = store.installations(&Filter::default()).await;
    assert_eq!(rows.len(), 2, "both are current");
    assert_eq!(rows[0].last_seen.max(rows[1].last_seen), Some(at(29 * DAY)));
    assert_eq!(rows[0].last_seen.min(rows[1].last_seen), Some(at(28 * DAY)));
    assert_eq!(store.endpoint("10.0.0.1", 443).await.certificates, 2);
}

#[tokio::test]
async fn an_endpoint_with_a_certificate_for_each_look_stays_small() {
    let mut store = Store::new().await;
    for day in 0..40 {
        see(&mut store, &[&format!("fresh {day}")], day).await;
    }
    let intervals = store.dump("installations").await.len();
    assert!(intervals <= 13, "{intervals}");
    assert!(store.events().await.len() <= 4);
    for day in 40..60 {
        see(&mut store, &[&format!("fresh {day}")], day).await;
    }
    assert_eq!(store.dump("installations").await.len(), intervals);
    let rows = store.installations(&Filter::default()).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].certificate.sha256, hash_of("fresh 59"));
}

#[tokio::test]
async fn what_one_scan_sees_is_told_alike_in_whatever_order_it_is_stored() {
    // What is new and what was there, then what comes back late as well.
    for (before, seen) in [
        (&["a"][..], ["a", "b"]),
        (&["a", "b", "b", "b", "b", "b"], ["b", "a"]),
    ] {
        let stored = async |order: [&str; 2]| {
            let mut store = Store::new().await;
            for (day, name) in (0..).zip(before) {
                see(&mut store, &[*name], day).await;
            }
            let scan = store.begin().await;
            for (second, name) in (0..).zip(order) {
                let look = presenting("10.0.0.1", 443, &[name], 20 * DAY + second);
                store.sink.write(scan, &batch(vec![look])).await.unwrap();
            }
            store.finish(scan).await;
            let rows = store.history().await;
            assert!(rows.iter().all(|it| it.state == InstallationState::Current));
            let before = at(20 * DAY);
            let since = rows
                .iter()
                .map(|it| (it.certificate.sha256, it.first_seen.min(before)));
            let mut since: Vec<_> = since.collect();
            since.sort_unstable_by_key(|(hash, _)| *hash);
            (store.events().await, since)
        };
        let [first, second] = seen;
        let told = stored([first, second]).await;
        assert!(told.0.last().unwrap().ends_with("alternating 10.0.0.1"));
        assert_eq!((told.0.len(), told.1.len()), (before.len().min(2) + 1, 2));
        assert_eq!(stored([second, first]).await, told);
    }
}
