//! Which authorities are known to chains whose server forgot them.

use super::dossiers::facts;
use super::*;

/// Their names, the first first.
async fn known(store: &Store, then: Option<Timestamp>) -> Vec<String> {
    let inventory = store.inventory().await;
    let authorities = inventory.authorities(then).await.unwrap();
    let names = authorities.iter().map(|der| der.as_bytes().to_vec());
    names.map(|der| String::from_utf8(der).unwrap()).collect()
}

/// Looks, with authorities of these names; some signed themselves.
fn shown(looks: Vec<Observation>, issuers: &[&str], roots: &[&str]) -> Batch {
    let mut seen = batch(looks);
    for name in issuers.iter().chain(roots) {
        facts(&mut seen, name).is_ca = Some(true);
    }
    for name in roots {
        facts(&mut seen, name).self_signed = Some(true);
    }
    seen
}

#[tokio::test]
async fn no_authority_is_known_before_anybody_sent_or_imported_it() {
    let mut store = Store::new().await;
    let looks = vec![
        presenting("10.0.0.1", 443, &["leaf", "issuer"], 10),
        // An authority's own server.
        presenting("10.0.0.2", 443, &["device"], 10),
        presenting("10.0.0.3", 443, &["crossed"], 10),
    ];
    let first = shown(looks, &["issuer", "crossed"], &["device"]);
    store.scan(first).await;
    let looks = vec![
        // The same certificate, and now with more above it.
        presenting("10.0.0.1", 443, &["leaf", "issuer", "root"], 20),
        presenting("10.0.0.2", 443, &["device"], 20),
        presenting("10.0.0.3", 443, &["crossed"], 20),
        presenting("10.0.0.4", 443, &["other", "device"], 20),
    ];
    let second = shown(looks, &["issuer", "crossed"], &["device", "root"]);
    store.scan(second).await;
    let mut imported = certificate("imported");
    let facts = imported.facts.as_mut().unwrap();
    (facts.is_ca, facts.self_signed) = (Some(true), Some(true));
    let import = crate::store::Import {
        certificates: vec![imported],
        label: None,
        at: at(30),
    };
    store.sink.import(import).await.unwrap();

    assert_eq!(known(&store, Some(at(9))).await, [""; 0]);
    assert_eq!(known(&store, Some(at(10))).await, ["issuer", "crossed"]);
    assert_eq!(known(&store, Some(at(19))).await, ["issuer", "crossed"]);
    let after_second = ["issuer", "device", "root", "crossed"];
    assert_eq!(known(&store, Some(at(29))).await, after_second);
    let all = ["imported", "issuer", "device", "root", "crossed"];
    assert_eq!(known(&store, Some(at(30))).await, all);
    assert_eq!(known(&store, None).await, all);
}
