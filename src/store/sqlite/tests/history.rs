use super::*;
use crate::domain::{Broken, LocalFault, NotTls, OutcomeKind};
use crate::report::InstallationState;

/// The tables that grow with change, not with scans.
const IDENTITY: &[&str] = &[
    "certificates",
    "certificate_names",
    "chains",
    "chain_members",
    "questions",
    "installations",
];

pub(super) fn network(second: i64) -> Batch {
    batch(vec![
        presenting("10.0.0.1", 443, &["a.example", "ca"], second),
        presenting("10.0.0.1", 443, &["a-ecdsa.example", "ca"], second + 1),
        presenting("10.0.0.2", 443, &["b.example", "ca"], second),
        asking(
            "b.example",
            presenting("10.0.0.2", 443, &["b.example", "ca"], second),
        ),
        presenting("2001:db8::1", 8443, &["a.example", "ca", "root"], second),
        looking(
            "10.0.0.3",
            443,
            Outcome::NotTls(NotTls::Other, b"SSH-2.0".to_vec()),
            second,
        ),
    ])
}

#[tokio::test]
async fn a_second_scan_of_an_unchanged_network_rewrites_no_identity() {
    let mut store = Store::new().await;
    store.scan(network(10)).await;
    let mut before = Vec::new();
    for table in IDENTITY {
        before.push(store.dump(table).await);
    }
    store.scan(network(5000)).await;
    for (table, before) in IDENTITY.iter().zip(before) {
        assert_eq!(store.dump(table).await, before, "{table}");
    }
    let rows = store.installations(&Filter::default()).await;
    assert_eq!(rows.len(), 5);
    for row in rows {
        assert_eq!(row.state, InstallationState::Current);
        assert!(row.first_seen < at(100));
        assert!(row.last_seen >= Some(at(5000)));
        assert_eq!(row.scan, Some(ScanId::new(2)));
    }
}

#[tokio::test]
async fn a_renewed_certificate_ends_the_old_one_and_names_it() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["old", "ca"], 10)]))
        .await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["old", "ca"], 20)]))
        .await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["new", "ca"], 30)]))
        .await;
    let rows = store.history().await;
    let [gone, current] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(gone.certificate.sha256, hash_of("old"));
    assert_eq!(gone.state, InstallationState::Gone);
    assert_eq!((gone.first_seen, gone.last_seen), (at(10), Some(at(20))));
    assert_eq!(gone.scan, Some(ScanId::new(2)));
    assert_eq!(gone.session.tls_version.as_deref(), Some("TLSv1.2"));
    assert_eq!(gone.session.alpn.as_deref(), Some("h2"));
    assert_eq!(gone.installations, 0);
    assert_eq!(current.certificate.sha256, hash_of("new"));
    assert_eq!(current.state, InstallationState::Current);
    assert_eq!(current.previous, Some(hash_of("old")));
    assert_eq!(
        (current.first_seen, current.last_seen),
        (at(30), Some(at(30)))
    );
    assert_eq!(current.installations, 1);
}

#[tokio::test]
async fn another_chain_is_the_same_installation_with_its_newest_chain() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting(
            "10.0.0.1",
            443,
            &["leaf", "ca"],
            10,
        )]))
        .await;
    store
        .scan(batch(vec![presenting(
            "10.0.0.1",
            443,
            &["leaf", "ca", "root"],
            20,
        )]))
        .await;
    assert_eq!(store.dump("installations").await.len(), 2);
    let rows = store.history().await;
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(*row.chain, [hash_of("ca"), hash_of("root")]);
    assert_eq!((row.first_seen, row.last_seen), (at(10), Some(at(20))));
    assert_eq!(row.state, InstallationState::Current);
    assert_eq!(row.previous, None);
    // "ca" ends first: two days after the epoch of these tests.
    assert_eq!(row.chain_not_after, Some(at(2 * 86_400)));
}

#[tokio::test]
async fn an_answer_says_nothing_about_the_other_key_type() {
    let mut store = Store::new().await;
    let both = vec![
        presenting("10.0.0.1", 443, &["rsa"], 10),
        presenting("10.0.0.1", 443, &["ecdsa"], 11),
    ];
    store.scan(batch(both)).await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["ecdsa"], 20)]))
        .await;
    let rows = store.history().await;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.certificate.sha256, row.state, row.last_checked.unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            (hash_of("ecdsa"), InstallationState::Current, at(20)),
            (hash_of("rsa"), InstallationState::Current, at(10)),
        ]
    );
}

#[tokio::test]
async fn two_certificates_of_one_question_in_one_scan_are_both_kept() {
    let mut store = Store::new().await;
    let by_version = vec![
        presenting("10.0.0.1", 443, &["below", "ca"], 10),
        presenting("10.0.0.1", 443, &["newest", "other-ca"], 11),
    ];
    store.scan(batch(by_version)).await;
    assert_eq!(store.dump("certificates").await.len(), 4);
    assert_eq!(store.dump("chains").await.len(), 2);
    assert_eq!(store.dump("installations").await.len(), 2);
    let rows = store.history().await;
    let mut shown: Vec<_> = rows.iter().map(|row| row.certificate.sha256).collect();
    let mut expected = [hash_of("below"), hash_of("newest")];
    shown.sort_unstable();
    expected.sort_unstable();
    assert_eq!(shown, expected);
    assert!(rows.iter().all(|row| row.scan == Some(ScanId::new(1))));
}

#[tokio::test]
async fn a_failed_look_is_a_look_at_every_question_of_that_name() {
    let mut store = Store::new().await;
    let seen = vec![
        presenting("10.0.0.1", 443, &["rsa"], 10),
        presenting("10.0.0.1", 443, &["ecdsa"], 11),
        asking("other.example", presenting("10.0.0.1", 443, &["rsa"], 12)),
    ];
    store.scan(batch(seen)).await;
    store
        .scan(batch(vec![looking("10.0.0.1", 443, Outcome::Refused, 20)]))
        .await;
    let rows = store.history().await;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            let [checked, seen] = [row.last_checked, row.last_seen].map(Option::unwrap);
            (row.host.as_str(), checked, seen, row.scan)
        })
        .collect();
    let first = Some(ScanId::new(1));
    assert_eq!(
        seen,
        [
            ("10.0.0.1", at(20), at(11), first),
            ("10.0.0.1", at(20), at(10), first),
            ("other.example", at(12), at(12), first),
        ]
    );
}

#[tokio::test]
async fn only_what_spoke_gets_an_endpoint_and_keeps_it() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![
            looking("10.0.0.1", 443, Outcome::Refused, 10),
            looking(
                "10.0.0.2",
                443,
                Outcome::NotTls(NotTls::Other, vec![b'x'; 5000]),
                10,
            ),
            looking("10.0.0.3", 443, Outcome::Silent(Phase::Hello), 10),
        ]))
        .await;
    store
        .scan(batch(vec![
            looking("10.0.0.2", 443, Outcome::Filtered, 20),
            looking(
                "10.0.0.3",
                443,
                Outcome::LocalError(LocalFault::Network("down".into())),
                20,
            ),
        ]))
        .await;
    let inventory = store.inventory().await;
    assert_eq!(
        inventory.endpoint(ip("10.0.0.1"), port(443)).await.unwrap(),
        []
    );
    let known = inventory.endpoint(ip("10.0.0.2"), port(443)).await.unwrap();
    assert_eq!(known[0].outcome, OutcomeKind::Filtered);
    assert_eq!(
        (known[0].first_seen, known[0].last_checked),
        (at(10), at(20))
    );
    // Our own fault is no look.
    let known = inventory.endpoint(ip("10.0.0.3"), port(443)).await.unwrap();
    assert_eq!(known[0].outcome, OutcomeKind::Silent);
    assert_eq!(
        (known[0].last_checked, known[0].scan),
        (at(10), ScanId::new(1))
    );
}

#[tokio::test]
async fn an_endpoint_shows_the_best_of_its_questions_in_a_scan() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![
            asking("a.example", presenting("10.0.0.1", 443, &["a.example"], 10)),
            asking("b.example", looking("10.0.0.1", 443, refused(), 11)),
        ]))
        .await;
    let inventory = store.inventory().await;
    let [row] = &inventory.endpoint(ip("10.0.0.1"), port(443)).await.unwrap()[..] else {
        panic!("one endpoint");
    };
    assert_eq!(row.outcome, OutcomeKind::Certificate);
    assert_eq!((row.certificates, row.last_checked), (1, at(11)));
    store
        .scan(batch(vec![
            asking(
                "a.example",
                looking("10.0.0.1", 443, Outcome::Broken(Broken::Deadline), 20),
            ),
            asking("b.example", looking("10.0.0.1", 443, refused(), 21)),
        ]))
        .await;
    let [row] = &inventory.endpoint(ip("10.0.0.1"), port(443)).await.unwrap()[..] else {
        panic!("one endpoint");
    };
    assert_eq!(row.outcome, OutcomeKind::TlsRefused);
    assert_eq!(row.detail, "alert handshake_failure(40) at hello");
}

#[tokio::test]
async fn a_scan_accounts_for_its_targets_from_its_beginning() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let inventory = store.inventory().await;
    let mut rows = Vec::new();
    let mut visit = |row| {
        rows.push(row);
        ControlFlow::Continue(())
    };
    inventory.scans(&mut visit).await.unwrap();
    let mut outcomes = Tally::default();
    outcomes.add_many(OutcomeKind::Refused, 250);
    outcomes.add_many(OutcomeKind::Certificate, 6);
    let end = ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(60),
        state: ScanState::Interrupted,
        ended_by: None,
        outcomes,
    };
    store.sink.finish(scan, end).await.unwrap();
    inventory.scans(&mut visit).await.unwrap();
    let [begun, ended] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(begun.state, ScanState::Running);
    assert_eq!(begun.outcomes.count(OutcomeKind::NotAttempted), 256);
    assert_eq!((begun.finished_at, begun.targets), (None, 256));
    assert_eq!(ended.state, ScanState::Interrupted);
    assert_eq!(ended.outcomes, outcomes);
    assert_eq!(ended.finished_at, Some(at(60)));
    assert_eq!(ended.note.as_deref(), Some("weekly"));
    let unknown = ScanEnd {
        incidents: Vec::new(),
        unlisted: 0,
        finished_at: at(61),
        state: ScanState::Complete,
        ended_by: None,
        outcomes,
    };
    assert!(store.sink.finish(ScanId::new(77), unknown).await.is_err());
}

#[tokio::test]
async fn a_chain_cut_short_is_completed_and_makes_no_second_interval() {
    let mut store = Store::new().await;
    let mut cut_short = presenting("10.0.0.1", 443, &["leaf"], 10);
    presented(&mut cut_short).truncated = Some(Refusal::Reset(Phase::Flight));
    let scan = store.begin().await;
    let seen = batch(vec![cut_short.clone()]);
    store.sink.write(scan, &seen).await.unwrap();
    let whole = presenting("10.0.0.1", 443, &["leaf", "ca", "root"], 20);
    for _ in 0..2 {
        let seen = batch(vec![whole.clone()]);
        store.sink.write(scan, &seen).await.unwrap();
        assert_eq!(store.dump("installations").await.len(), 1);
    }
    // Nor does it lose what it knows when the next one is cut short again.
    cut_short.at = at(30);
    store.scan(batch(vec![cut_short])).await;
    assert_eq!(store.dump("installations").await.len(), 1);
    let rows = store.history().await;
    assert_eq!(*rows[0].chain, [hash_of("ca"), hash_of("root")]);
    assert_eq!(
        (rows[0].first_seen, rows[0].last_seen),
        (at(10), Some(at(30)))
    );
    let other = presenting("10.0.0.1", 443, &["leaf", "ca"], 40);
    store.scan(batch(vec![other])).await;
    assert_eq!(store.dump("installations").await.len(), 2);
}

#[tokio::test]
async fn the_dialects_of_a_port_are_endpoints_with_questions_of_their_own() {
    let mut store = Store::new().await;
    let mut smtp = presenting("10.0.0.1", 25, &["mail"], 10);
    smtp.endpoint.dialect = Dialect::Smtp;
    let direct = asking("a.example", presenting("10.0.0.1", 25, &["direct"], 11));
    store.scan(batch(vec![smtp, direct])).await;
    let inventory = store.inventory().await;
    let endpoints = inventory.endpoint(ip("10.0.0.1"), port(25)).await.unwrap();
    let mut asked = Vec::new();
    for endpoint in &endpoints {
        for question in inventory.questions(endpoint).await.unwrap() {
            asked.push((endpoint.dialect.as_str(), question.sni));
        }
    }
    let named = Some("a.example".to_owned());
    assert_eq!(asked, [("smtp", None), ("tls", named)]);
    let rows = store.history().await;
    let starttls: Vec<_> = rows.iter().map(|row| row.starttls.as_deref()).collect();
    assert_eq!(starttls, [Some("smtp"), None]);
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_beside_tls_is_one_too_many() {
    use InstallationState::{Current, Missing};
    let closed = || Outcome::TlsRefused(Refusal::Closed(Phase::Hello));
    let reset = || Outcome::TlsRefused(Refusal::Reset(Phase::Hello));
    let named = |outcome: Option<Outcome>, second| match outcome {
        Some(outcome) => asking("www.corp", looking("10.0.0.1", 443, outcome, second)),
        None => asking("www.corp", presenting("10.0.0.1", 443, &["www"], second)),
    };
    let states = async |beside: &dyn Fn(i64) -> Vec<Observation>, outcome: Outcome| {
        let mut store = Store::new().await;
        let mut states = Vec::new();
        for day in 0..4 {
            let outcome = (day > 0).then(|| outcome.clone());
            let mut looks = beside(day * moves::DAY);
            looks.push(named(outcome, day * moves::DAY + 1));
            store.scan(batch(looks)).await;
            let rows = store.history().await;
            let www = rows
                .iter()
                .find(|row| row.certificate.sha256 == hash_of("www"));
            states.push(www.unwrap().state);
        }
        states
    };
    let shown = |second| vec![presenting("10.0.0.1", 443, &["own"], second)];
    let elsewhere = |second| vec![presenting("10.0.0.2", 443, &["own"], second)];
    for outcome in [closed(), reset()] {
        let beside_tls = states(&shown, outcome.clone()).await;
        assert_eq!(beside_tls, [Current, Current, Current, Missing]);
        let alone = states(&elsewhere, outcome).await;
        assert_eq!(alone, [Current, Missing, Missing, Missing]);
    }
    let mut in_batches = Store::new().await;
    let day_of = |day| shown(day * moves::DAY);
    in_batches
        .scan(batch([day_of(0), vec![named(None, 1)]].concat()))
        .await;
    let scan = in_batches.begin().await;
    for looks in [day_of(1), vec![named(Some(reset()), moves::DAY + 1)]] {
        let seen = batch(looks);
        in_batches.sink.write(scan, &seen).await.unwrap();
    }
    in_batches.finish(scan).await;
    let rows = in_batches.history().await;
    assert!(rows.iter().all(|row| row.state == Current), "in one scan");
    let by_alert = states(&shown, refused()).await;
    assert_eq!(by_alert, [Current, Missing, Missing, Missing]);
}
