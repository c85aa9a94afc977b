//! What TLS in one dialect says of another at the same port.

use super::*;
use crate::report::InstallationState::{self, Current, Missing};

const DAY: i64 = 86_400;

fn in_dialect(dialect: Dialect, mut look: Observation) -> Observation {
    look.endpoint.dialect = dialect;
    look
}

/// An address with `before` in its dialect, and in later scans `after` in its.
async fn states(before: Dialect, after: Dialect) -> Vec<(Option<String>, InstallationState)> {
    let mut store = Store::new().await;
    let seen = |dialect, day| {
        let look = presenting("10.0.0.1", 8025, &["a"], day * DAY);
        batch(vec![in_dialect(dialect, look)])
    };
    store.scan(seen(before, 0)).await;
    store.scan(seen(after, 1)).await;
    states_in(&store).await
}

async fn states_in(store: &Store) -> Vec<(Option<String>, InstallationState)> {
    let rows = store.history().await;
    rows.into_iter()
        .map(|row| (row.starttls, row.state))
        .collect()
}

#[tokio::test]
async fn what_was_answered_in_another_dialect_is_missing_in_the_old_one() {
    let smtp = Some("smtp".to_owned());
    assert_eq!(
        states(Dialect::Tls, Dialect::Smtp).await,
        [(smtp.clone(), Current), (None, Missing)]
    );
    assert_eq!(
        states(Dialect::Smtp, Dialect::Tls).await,
        [(smtp, Missing), (None, Current)]
    );
}

#[tokio::test]
async fn postgres_takes_a_direct_hello_beside_its_own_words() {
    let told = states(Dialect::Postgres, Dialect::Tls).await;
    assert!(told.iter().all(|(_, state)| *state == Current), "{told:?}");
}

#[tokio::test]
async fn a_dialect_that_the_same_scan_asked_speaks_for_itself() {
    let both = |second| {
        [Dialect::Tls, Dialect::Smtp].map(|dialect| {
            let look = presenting("10.0.0.1", 8025, &["a"], second);
            batch(vec![in_dialect(dialect, look)])
        })
    };
    let mut store = Store::new().await;
    for day in 0..2 {
        let scan = store.begin().await;
        for seen in both(day * DAY) {
            store.sink.write(scan, &seen).await.unwrap();
        }
        store.finish(scan).await;
    }
    let told = states_in(&store).await;
    assert!(told.iter().all(|(_, state)| *state == Current), "{told:?}");
}

#[tokio::test]
async fn an_endpoint_says_what_is_spoken_there_instead() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 8025, &["a"], 0)]))
        .await;
    let look = presenting("10.0.0.1", 8025, &["a"], DAY);
    let scan = store.begin().await;
    let seen = batch(vec![in_dialect(Dialect::Smtp, look)]);
    store.sink.write(scan, &seen).await.unwrap();
    let dump = store.dump_all().await;
    store.sink.write(scan, &seen).await.unwrap();
    assert_eq!(store.dump_all().await, dump, "written again it is the same");
    let inventory = store.inventory().await;
    let there = inventory
        .endpoint(ip("10.0.0.1"), port(8025))
        .await
        .unwrap();
    let told: Vec<_> = there
        .iter()
        .map(|row| (row.dialect.as_str(), row.outcome, row.detail.as_str()))
        .collect();
    assert!(
        told.contains(&("tls", OutcomeKind::NotTls, "smtp is spoken there")),
        "{told:?}"
    );
    assert!(
        told.contains(&("smtp", OutcomeKind::Certificate, "")),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_is_gone_on_with_says_nothing_of_a_dialect_that_a_scan_in_between_asked() {
    let seen = |dialect, day| {
        let look = presenting("10.0.0.1", 8025, &["a"], day * DAY);
        batch(vec![in_dialect(dialect, look)])
    };
    let smtp = Some("smtp".to_owned());
    // A server that takes both: the earlier part of the scan asked, or did not.
    for earlier in [Some(seen(Dialect::Tls, 1)), None] {
        let mut store = Store::new().await;
        store.scan(seen(Dialect::Tls, 0)).await;
        let scan = store.begin().await;
        if let Some(earlier) = &earlier {
            store.sink.write(scan, earlier).await.unwrap();
        }
        let stopped = ended(ScanState::Stopped);
        store.sink.finish(scan, stopped).await.unwrap();
        store.scan(seen(Dialect::Tls, 2)).await;
        store.sink.resume(scan, new_scan()).await.unwrap();
        let later = seen(Dialect::Smtp, 3);
        store.sink.write(scan, &later).await.unwrap();
        store.finish(scan).await;
        let told = [(smtp.clone(), Current), (None, Current)];
        assert_eq!(states_in(&store).await, told);
        // The next scan tells.
        store.scan(seen(Dialect::Smtp, 4)).await;
        let told = [(smtp.clone(), Current), (None, Missing)];
        assert_eq!(states_in(&store).await, told);
    }
}

#[tokio::test]
async fn what_is_gone_on_with_says_what_it_does_of_a_dialect_that_nobody_asked_in_between() {
    let seen = |address, dialect, day| {
        let look = presenting(address, 8025, &["a"], day * DAY);
        batch(vec![in_dialect(dialect, look)])
    };
    let mut store = Store::new().await;
    store.scan(seen("10.0.0.1", Dialect::Tls, 0)).await;
    let scan = store.begin().await;
    let stopped = ended(ScanState::Stopped);
    store.sink.finish(scan, stopped).await.unwrap();
    store.scan(seen("10.0.0.2", Dialect::Tls, 2)).await;
    store.sink.resume(scan, new_scan()).await.unwrap();
    let later = seen("10.0.0.1", Dialect::Smtp, 3);
    store.sink.write(scan, &later).await.unwrap();
    store.finish(scan).await;
    let told = states_in(&store).await;
    assert!(told.contains(&(None, Missing)), "{told:?}");
}
