//! Who was told of what is not told again.

use super::*;
use crate::domain::Severity;
use crate::store::{Crossing, Import};

fn crossing(name: &str, owner: &str, severity: Severity) -> Crossing {
    Crossing {
        certificate: hash_of(name),
        member: hash_of(name),
        owner: owner.to_owned(),
        finding: "expiring",
        severity,
    }
}

/// An inventory of the certificates `a` and `b`.
async fn of_two_certificates() -> Store {
    let mut store = Store::new().await;
    let import = Import {
        certificates: vec![certificate("a"), certificate("b")],
        label: None,
        at: at(0),
    };
    store.sink.import(import).await.unwrap();
    store
}

#[tokio::test]
async fn a_crossing_is_told_once_for_each_owner_and_threshold() {
    let mut store = of_two_certificates().await;
    let hostile = "web'; drop table notices; --\n\0";
    let first = vec![
        crossing("a", "web", Severity::Warning),
        crossing("a", hostile, Severity::Warning),
    ];
    let mut asked = first.clone();
    asked.push(first[0].clone());
    let mut untold = store.sink.untold(&asked).await.unwrap();
    untold.sort();
    let mut expected = first.clone();
    expected.sort();
    assert_eq!(untold, expected);
    store
        .sink
        .remember_told(first.clone(), at(1))
        .await
        .unwrap();
    store
        .sink
        .remember_told(first.clone(), at(2))
        .await
        .unwrap();
    assert_eq!(store.sink.untold(&first).await.unwrap(), []);
    for other in [
        crossing("a", "web", Severity::Error),
        crossing("b", "web", Severity::Warning),
        crossing("a", "", Severity::Warning),
        Crossing {
            member: hash_of("b"),
            ..first[0].clone()
        },
        Crossing {
            finding: "expired",
            ..first[0].clone()
        },
    ] {
        let untold = store.sink.untold(std::slice::from_ref(&other)).await;
        assert_eq!(untold.unwrap(), [other]);
    }
    assert_eq!(store.dump("notices").await.len(), 2);
}

#[tokio::test]
async fn a_root_that_nobody_sent_is_told_once_and_keeps_nobody_silent_about_the_leaf() {
    let mut store = of_two_certificates().await;
    let of_root = |name, root| Crossing {
        member: hash_of(root),
        ..crossing(name, "web", Severity::Warning)
    };
    let told = vec![of_root("a", "root")];
    store.sink.remember_told(told.clone(), at(1)).await.unwrap();
    assert_eq!(store.sink.untold(&told).await.unwrap(), []);
    let others = vec![
        crossing("a", "web", Severity::Warning),
        of_root("a", "other root"),
        of_root("b", "root"),
    ];
    assert_eq!(store.sink.untold(&others).await.unwrap(), others);
}

#[tokio::test]
async fn a_root_is_not_told_again_once_a_server_sends_it() {
    let mut store = of_two_certificates().await;
    let told = vec![Crossing {
        member: hash_of("root"),
        ..crossing("a", "web", Severity::Warning)
    }];
    store.sink.remember_told(told.clone(), at(1)).await.unwrap();
    let sent = presenting("10.0.0.1", 443, &["a", "root"], 2);
    store.scan(batch(vec![sent])).await;
    assert_eq!(store.sink.untold(&told).await.unwrap(), []);
}

#[tokio::test]
async fn a_crossing_of_an_unknown_certificate_is_not_remembered() {
    let mut store = Store::new().await;
    let unknown = vec![crossing("nobody's", "web", Severity::Warning)];
    store
        .sink
        .remember_told(unknown.clone(), at(1))
        .await
        .unwrap();
    assert_eq!(store.sink.untold(&unknown).await.unwrap(), unknown);
}
