//! What is kept of a judgement.

use std::sync::Arc;

use super::dossiers::dossiers;
use super::*;
use crate::domain::{Severity, Trust};
use crate::judge::{Accepted, Assessor, Finding, Judgement, Limits, Pool};

fn judgement(detail: &str) -> Judgement {
    let finding = Finding {
        rule: "expired",
        severity: Severity::Critical,
        detail: detail.to_owned(),
        certificate: Some(hash_of("a")),
    };
    Judgement {
        trust: Trust::Expired,
        trust_reason: "it's over".to_owned(),
        trusted_by: vec!["mozilla".to_owned()],
        root: None,
        unsent_not_after: None,
        findings: vec![finding.clone()],
        accepted: vec![Accepted {
            finding,
            owner: "lab".to_owned(),
            reason: "a box".to_owned(),
            until: at(0),
        }],
        owner: Some("lab".to_owned()),
        tags: Vec::new(),
        is_one_of_many: false,
        max_age: Limits::default().max_age,
    }
}

async fn judge(store: &mut Store, of: &[&str], detail: &str, second: i64) {
    let mut page = dossiers(store).await;
    page.retain(|dossier| {
        of.iter()
            .any(|name| dossier.row.certificate.sha256 == hash_of(name))
    });
    for dossier in &mut page {
        dossier.row.judgement = Some(judgement(detail).into());
    }
    let mut judging = store
        .sink
        .begin_judging(Fingerprint::of(b"basis"))
        .await
        .unwrap();
    judging.record(&page).await.unwrap();
    let stores = ["mozilla: 1 roots".to_owned()];
    judging.finish(at(second), &stores).await.unwrap();
}

/// What people read: IP, detail, whether accepted.
async fn found(store: &Store) -> Vec<(String, String, i64, String)> {
    let query = "select ip, detail, accepted, judged_at from v_findings order by ip, accepted";
    let mut raw = store.raw().await;
    sqlx::query_as(query).fetch_all(&mut raw).await.unwrap()
}

#[tokio::test]
async fn what_is_said_takes_the_place_of_what_was_said() {
    let mut store = Store::new().await;
    let looks = vec![
        presenting("10.0.0.1", 443, &["a"], 10),
        presenting("10.0.0.2", 443, &["b"], 10),
    ];
    store.scan(batch(looks)).await;
    judge(&mut store, &["a", "b"], "one\0day", 20).await;
    let first = found(&store).await;
    assert_eq!(first.len(), 4);
    let time = at(20).to_string();
    let row = ("10.0.0.1".to_owned(), "one\\0day".to_owned(), 0, time);
    assert_eq!(first[0], row);
    judge(&mut store, &["b"], "two days", 30).await;
    let second = found(&store).await;
    assert_eq!(second.len(), 2);
    let row = ("10.0.0.2", "two days", at(30).to_string());
    assert_eq!((&*second[0].0, &*second[0].1, second[0].3.clone()), row);
}

#[tokio::test]
async fn what_is_said_of_many_is_one_verdict_and_said_again_it_is_the_same() {
    let mut store = Store::new().await;
    let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    let looks = hosts.map(|host| presenting(host, 443, &["a"], 10));
    store.scan(batch(looks.to_vec())).await;
    judge(&mut store, &["a"], "one day", 20).await;
    let verdicts = store.dump("verdicts").await;
    let judgements = store.dump("judgements").await;
    assert_eq!((verdicts.len(), judgements.len()), (1, hosts.len()));
    judge(&mut store, &["a"], "one day", 30).await;
    assert_eq!(store.dump("verdicts").await, verdicts);
    assert_eq!(store.dump("judgements").await, judgements);
    judge(&mut store, &["a"], "two days", 40).await;
    assert_eq!(store.dump("verdicts").await.len(), 1);
    judge(&mut store, &[], "", 50).await;
    assert!(store.dump("verdicts").await.is_empty());
    assert!(store.dump("judgements").await.is_empty());
}

#[tokio::test]
async fn links_are_kept_for_judgements_on_the_same_basis() {
    let mut store = Store::new().await;
    let looks = vec![
        presenting("10.0.0.1", 443, &["a"], 10),
        presenting("10.0.0.2", 443, &["b"], 10),
    ];
    store.scan(batch(looks)).await;
    let all = dossiers(&store).await;
    let chains = [all[0].chain, all[1].chain];
    let [here, elsewhere] = ["here", "elsewhere"].map(|basis| Fingerprint::of(basis.as_bytes()));
    let links = Assessor::new(Vec::new(), Pool::default()).links(&[]);
    let found = [(chains[0], Arc::new(links))];
    for (basis, found) in [(here, &found[..]), (here, &[])] {
        let mut judging = store.sink.begin_judging(basis).await.unwrap();
        judging.keep(found).await.unwrap();
        judging.finish(at(20), &[]).await.unwrap();
        let inventory = store.inventory().await;
        let kept = inventory.links(here, &chains).await.unwrap();
        assert_eq!(kept.keys().collect::<Vec<_>>(), [&chains[0]]);
        assert!(
            inventory
                .links(elsewhere, &chains)
                .await
                .unwrap()
                .is_empty()
        );
    }
    let judging = store.sink.begin_judging(elsewhere).await.unwrap();
    judging.finish(at(30), &[]).await.unwrap();
    let inventory = store.inventory().await;
    for basis in [here, elsewhere] {
        assert!(inventory.links(basis, &chains).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_judging_that_breaks_off_leaves_what_was_said() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["a"], 10)]))
        .await;
    judge(&mut store, &["a"], "said", 20).await;
    let judging = store
        .sink
        .begin_judging(Fingerprint::of(b"basis"))
        .await
        .unwrap();
    drop(judging);
    store
        .scan(batch(vec![presenting("10.0.0.2", 443, &["b"], 30)]))
        .await;
    assert_eq!(found(&store).await.len(), 2);
}
