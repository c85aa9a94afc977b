//! Which imports something has renewed since.

use super::renewals::showing;
use super::*;
use crate::store::Import;

const DAY: i64 = 86_400;

fn import(certificates: Vec<Certificate>, second: i64) -> Import {
    Import {
        certificates,
        label: None,
        at: at(second),
    }
}

/// What has the subject and the names of `old`.
fn renewing(name: &str) -> Certificate {
    let mut seen = showing("10.0.0.1", name, 0);
    seen.certificates.remove(&hash_of(name)).unwrap()
}

async fn renewed(store: &Store, at: Option<Timestamp>) -> Vec<Fingerprint> {
    let found = store.inventory().await.renewed_imports(at).await.unwrap();
    found.into_iter().collect()
}

#[tokio::test]
async fn a_later_import_renews_one_that_is_not_imported_again() {
    let mut store = Store::new().await;
    let old = || import(vec![certificate("old"), certificate("other")], DAY);
    store.sink.import(old()).await.unwrap();
    assert_eq!(renewed(&store, None).await, []);
    let newer = import(vec![renewing("newer")], 2 * DAY);
    store.sink.import(newer).await.unwrap();
    assert_eq!(renewed(&store, None).await, [hash_of("old")]);
    let [before, after] = [2 * DAY - 1, 2 * DAY].map(|second| Some(at(second)));
    assert_eq!(renewed(&store, before).await, []);
    assert_eq!(renewed(&store, after).await, [hash_of("old")]);
    let again = Import {
        at: at(3 * DAY),
        ..old()
    };
    store.sink.import(again).await.unwrap();
    assert_eq!(renewed(&store, None).await, []);
}

#[tokio::test]
async fn what_is_imported_at_once_is_in_use_side_by_side() {
    let mut store = Store::new().await;
    let both = import(vec![certificate("old"), renewing("newer")], DAY);
    store.sink.import(both).await.unwrap();
    assert_eq!(renewed(&store, None).await, []);
}

#[tokio::test]
async fn what_is_installed_later_renews_an_import_while_it_is_there() {
    let mut store = Store::new().await;
    let old = import(vec![certificate("old")], DAY);
    store.sink.import(old).await.unwrap();
    store.scan(showing("10.0.0.1", "newer", 2)).await;
    assert_eq!(renewed(&store, None).await, [hash_of("old")]);
    let another = presenting("10.0.0.1", 443, &["another"], 3 * DAY);
    store.scan(batch(vec![another])).await;
    assert_eq!(renewed(&store, None).await, []);
    let [before, then] = [DAY, 2 * DAY].map(|second| Some(at(second)));
    assert_eq!(renewed(&store, before).await, []);
    assert_eq!(renewed(&store, then).await, [hash_of("old")]);
}

#[tokio::test]
async fn what_was_there_when_a_certificate_was_imported_does_not_renew_it() {
    let mut store = Store::new().await;
    store.scan(showing("10.0.0.1", "newer", 1)).await;
    let old = import(vec![certificate("old")], 2 * DAY);
    store.sink.import(old).await.unwrap();
    assert_eq!(renewed(&store, None).await, []);
}
