//! Looks that were restricted to one key type.

use super::*;
use crate::domain::{Attempt, OutcomeKind, ProtocolSet};
use crate::report::InstallationState;

/// One connection, told apart by what it says.
fn attempted(detail: &str, observation: Observation) -> Observation {
    let attempt = Attempt {
        offered: ProtocolSet::TLS_1_3,
        resort: None,
        outcome: observation.outcome.kind(),
        detail: detail.to_owned(),
    };
    Observation {
        attempts: vec![attempt],
        ..observation
    }
}

/// What each question of the endpoint says of its last asking.
async fn asked(store: &Store) -> Vec<(String, OutcomeKind, Timestamp, Timestamp)> {
    let questions = store.questions("10.0.0.1", 443).await;
    questions
        .into_iter()
        .map(|row| (row.key_type, row.outcome, row.asked_at, row.answered_at))
        .collect()
}

/// A scan that finds one certificate of each of two key types.
async fn both_key_types() -> Store {
    let mut store = Store::new().await;
    let seen = vec![
        attempted("first", presenting("10.0.0.1", 443, &["ecdsa"], 10)),
        attempted(
            "second",
            restricted(KeyType::Rsa, presenting("10.0.0.1", 443, &["rsa"], 11)),
        ),
    ];
    store.scan(batch(seen)).await;
    store
}

#[tokio::test]
async fn both_key_types_of_an_endpoint_are_installed_there() {
    let store = both_key_types().await;
    let rows = store.history().await;
    let found: Vec<_> = rows.iter().map(|row| row.certificate.sha256).collect();
    assert_eq!(found, [hash_of("ecdsa"), hash_of("rsa")]);
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    assert_eq!((endpoint.certificates, endpoint.last_checked), (2, at(11)));
    assert_eq!(endpoint.attempts, ["tls1.3: certificate (first)"]);
}

#[tokio::test]
async fn a_restricted_look_that_fails_says_nothing_of_endpoint_and_other_key_types() {
    for failure in [refused(), Outcome::Filtered, Outcome::Silent(Phase::Hello)] {
        let kind = failure.kind();
        let mut store = both_key_types().await;
        let endpoint = store.endpoint("10.0.0.1", 443).await;
        let installations = store.dump("installations").await;
        let failed = looking("10.0.0.1", 443, failure, 20);
        let failed = restricted(KeyType::Rsa, attempted("failed", failed));
        store.scan(batch(vec![failed])).await;
        assert_eq!(store.endpoint("10.0.0.1", 443).await, endpoint);
        assert_eq!(store.dump("installations").await, installations);
        assert_eq!(
            asked(&store).await,
            [
                ("ecdsa".to_owned(), OutcomeKind::Certificate, at(10), at(10)),
                ("rsa".to_owned(), kind, at(20), at(11)),
            ]
        );
    }
}

#[tokio::test]
async fn a_restricted_look_that_fails_makes_no_endpoint() {
    let mut store = Store::new().await;
    let failed = restricted(KeyType::Rsa, looking("10.0.0.1", 443, refused(), 10));
    store.scan(batch(vec![failed])).await;
    assert!(store.dump("endpoints").await.is_empty());
}

#[tokio::test]
async fn another_key_type_in_answer_is_an_answer_of_its_own() {
    let mut store = both_key_types().await;
    let renewed = presenting("10.0.0.1", 443, &["ecdsa-renewed"], 20);
    store
        .scan(batch(vec![restricted(KeyType::Rsa, renewed)]))
        .await;
    assert_eq!(
        asked(&store).await,
        [
            ("ecdsa".to_owned(), OutcomeKind::Certificate, at(20), at(20)),
            ("rsa".to_owned(), OutcomeKind::NoCertificate, at(20), at(11)),
        ]
    );
    let rows = store.history().await;
    let states: Vec<_> = rows
        .iter()
        .map(|row| (row.certificate.sha256, row.state))
        .collect();
    assert_eq!(
        states,
        [
            (hash_of("ecdsa"), InstallationState::Gone),
            (hash_of("ecdsa-renewed"), InstallationState::Current),
            (hash_of("rsa"), InstallationState::Missing),
        ]
    );
}

#[tokio::test]
async fn a_key_type_that_came_in_the_same_scan_was_answered() {
    let mut store = both_key_types().await;
    let seen = vec![
        presenting("10.0.0.1", 443, &["rsa"], 20),
        restricted(KeyType::Rsa, presenting("10.0.0.1", 443, &["ecdsa"], 21)),
    ];
    store.scan(batch(seen)).await;
    assert_eq!(
        asked(&store).await,
        [
            ("ecdsa".to_owned(), OutcomeKind::Certificate, at(21), at(21)),
            ("rsa".to_owned(), OutcomeKind::Certificate, at(21), at(20)),
        ]
    );
}

#[tokio::test]
async fn a_key_type_that_never_came_has_no_question() {
    let mut store = Store::new().await;
    let seen = vec![
        presenting("10.0.0.1", 443, &["rsa"], 10),
        restricted(KeyType::Eddsa, presenting("10.0.0.1", 443, &["rsa"], 11)),
        restricted(KeyType::Ecdsa, looking("10.0.0.1", 443, refused(), 12)),
    ];
    store.scan(batch(seen)).await;
    assert_eq!(
        asked(&store).await,
        [("rsa".to_owned(), OutcomeKind::Certificate, at(11), at(11))]
    );
    assert_eq!(store.dump("installations").await.len(), 1);
}

#[tokio::test]
async fn a_restricted_look_is_of_its_name_alone() {
    let mut store = Store::new().await;
    let named = |observation| asking("a.example", observation);
    let seen = vec![
        presenting("10.0.0.1", 443, &["rsa"], 10),
        named(presenting("10.0.0.1", 443, &["rsa"], 11)),
    ];
    store.scan(batch(seen)).await;
    let failed = restricted(KeyType::Rsa, looking("10.0.0.1", 443, refused(), 20));
    store.scan(batch(vec![named(failed)])).await;
    let questions = store.questions("10.0.0.1", 443).await;
    let outcomes: Vec<_> = questions
        .iter()
        .map(|row| (row.sni.as_deref(), row.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            (None, OutcomeKind::Certificate),
            (Some("a.example"), OutcomeKind::TlsRefused),
        ]
    );
}

#[tokio::test]
async fn an_endpoint_shows_the_look_in_which_the_server_chose_whenever_it_came() {
    let chosen = attempted("chosen", presenting("10.0.0.1", 443, &["rsa"], 10));
    let restricted = attempted(
        "restricted",
        restricted(KeyType::Ecdsa, presenting("10.0.0.1", 443, &["ecdsa"], 20)),
    );
    for order in [[&chosen, &restricted], [&restricted, &chosen]] {
        let mut store = Store::new().await;
        let scan = store.begin().await;
        for seen in order {
            let seen = batch(vec![seen.clone()]);
            store.sink.write(scan, &seen).await.unwrap();
        }
        let endpoint = store.endpoint("10.0.0.1", 443).await;
        assert_eq!(endpoint.attempts, ["tls1.3: certificate (chosen)"]);
        assert_eq!(endpoint.last_checked, at(20));
    }
}

#[tokio::test]
async fn a_certificate_that_only_a_restricted_look_brought_is_the_endpoints_outcome() {
    let mut store = Store::new().await;
    let seen = vec![
        attempted("chosen", looking("10.0.0.1", 443, refused(), 10)),
        attempted(
            "restricted",
            restricted(KeyType::Ecdsa, presenting("10.0.0.1", 443, &["ecdsa"], 20)),
        ),
    ];
    store.scan(batch(seen)).await;
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    assert_eq!(endpoint.outcome, OutcomeKind::Certificate);
    assert_eq!(endpoint.attempts, ["tls1.3: certificate (restricted)"]);
}
