//! Which certificates have one key.

use super::dossiers::{dossiers, dossiers_by, of};
use super::*;

/// The same key in each of these certificates; those are authorities' whose
/// name begins so.
fn one_key(certificates: &mut HashMap<Fingerprint, Certificate>, names: &[&str]) {
    for name in names {
        let certificate = certificates.get_mut(&hash_of(name)).unwrap();
        let facts = certificate.facts.as_mut().unwrap();
        facts.public_key.spki = Some(Fingerprint::of(b"one key"));
        facts.is_ca = name.starts_with("ca").then_some(true);
    }
}

/// Whose key each certificate has besides.
async fn same_keys(store: &Store, filter: &Filter) -> Vec<(Fingerprint, Vec<Fingerprint>)> {
    let mut told: Vec<_> = dossiers_by(store, filter)
        .await
        .into_iter()
        .map(|dossier| (dossier.row.certificate.sha256, dossier.same_key))
        .collect();
    told.sort_unstable();
    told
}

#[tokio::test]
async fn a_key_is_shared_with_what_was_imported() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![presenting("10.0.0.1", 443, &["served"], 10)]);
    one_key(&mut seen.certificates, &["served"]);
    store.scan(seen).await;
    let names = ["one", "two", "ca", "ca-crossed"];
    let imported = names.map(certificate).map(|it| (it.fingerprint, it));
    let mut imported = HashMap::from(imported);
    one_key(&mut imported, &names);
    let import = crate::store::Import {
        certificates: imported.into_values().collect(),
        label: None,
        at: at(20),
    };
    store.sink.import(import).await.unwrap();
    let all = ["served", "one", "two", "ca", "ca-crossed"].map(hash_of);
    let leaves = ["served", "one", "two"].map(hash_of);
    let mut expected = all.map(|it| {
        let others = if leaves.contains(&it) {
            &all[..]
        } else {
            &leaves
        };
        let mut others: Vec<_> = others
            .iter()
            .copied()
            .filter(|other| *other != it)
            .collect();
        others.sort_unstable();
        (it, others)
    });
    expected.sort_unstable();
    assert_eq!(same_keys(&store, &every_state()).await, expected);
    let then = Filter {
        known_at: Some(at(15)),
        ..every_state()
    };
    let before = [(hash_of("served"), Vec::new())];
    assert_eq!(same_keys(&store, &then).await, before);
}

#[tokio::test]
async fn a_leaf_may_have_the_key_of_an_authority_and_authorities_share_theirs() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![
        presenting("10.0.0.1", 443, &["leaf", "ca"], 10),
        presenting("10.0.0.2", 443, &["other", "ca-crossed"], 10),
        presenting("10.0.0.3", 443, &["ca-shown"], 10),
        presenting("10.0.0.4", 443, &["another", "no-authority"], 10),
    ]);
    let names = ["leaf", "ca", "ca-crossed", "ca-shown", "no-authority"];
    one_key(&mut seen.certificates, &names);
    store.scan(seen).await;
    let all = dossiers(&store).await;
    let mut expected = ["ca", "ca-crossed", "ca-shown"].map(hash_of);
    expected.sort_unstable();
    assert_eq!(of(&all, "leaf", "10.0.0.1").same_key, expected);
    assert_eq!(of(&all, "other", "10.0.0.2").same_key, []);
    let shown = &of(&all, "ca-shown", "10.0.0.3").same_key;
    assert_eq!(*shown, [hash_of("leaf")], "a key of authorities");
    let then = Filter {
        known_at: Some(at(15)),
        ..every_state()
    };
    let all = dossiers_by(&store, &then).await;
    assert_eq!(of(&all, "leaf", "10.0.0.1").same_key, expected);
}

#[tokio::test]
async fn an_authority_is_known_from_when_a_server_first_sent_it() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![
        presenting("10.0.0.1", 443, &["leaf"], 10),
        presenting("10.0.0.2", 443, &["other", "ca"], 20),
    ]);
    one_key(&mut seen.certificates, &["leaf", "ca"]);
    store.scan(seen).await;
    for (second, known) in [(15, &[][..]), (20, &[hash_of("ca")])] {
        let then = Filter {
            known_at: Some(at(second)),
            ..every_state()
        };
        let all = dossiers_by(&store, &then).await;
        let found = &of(&all, "leaf", "10.0.0.1").same_key;
        assert_eq!(found, known, "at {second}");
    }
}

#[tokio::test]
async fn devices_that_sign_themselves_share_a_key() {
    let mut store = Store::new().await;
    let mut seen = batch(vec![
        presenting("10.0.0.1", 443, &["ca-one"], 10),
        presenting("10.0.0.2", 443, &["ca-two"], 10),
    ]);
    one_key(&mut seen.certificates, &["ca-one", "ca-two"]);
    store.scan(seen).await;
    let all = dossiers(&store).await;
    assert_eq!(of(&all, "ca-one", "10.0.0.1").same_key, [hash_of("ca-two")]);
    assert_eq!(of(&all, "ca-two", "10.0.0.2").same_key, [hash_of("ca-one")]);
}
