//! Certificates of hostile size: what is read of them at once is bounded in
//! bytes, and not in their number.

use tokio::sync::mpsc;

use super::*;

const MIB: usize = 1 << 20;

/// A batch in which the certificates of these names are so long.
fn heavy(looks: Vec<Observation>, names: &[&str], bytes: usize) -> Batch {
    let mut batch = batch(looks);
    for name in names {
        let certificate = batch.certificates.get_mut(&hash_of(name)).unwrap();
        certificate.der = Der::from(vec![0; bytes]);
        certificate.facts.as_mut().unwrap().is_ca = Some(true);
    }
    batch
}

/// How many installations come together.
async fn parts(store: &Store) -> Vec<usize> {
    let (send, mut pages) = mpsc::channel(100);
    let inventory = store.inventory().await;
    let all = Filter::default();
    let read = inventory.dossiers(&all, Detail::Facts, send).await;
    read.unwrap();
    let mut parts = Vec::new();
    while let Some(page) = pages.recv().await {
        parts.push(page.len());
    }
    parts
}

#[tokio::test]
async fn heavy_chains_are_read_a_few_at_a_time() {
    let mut store = Store::new().await;
    let looks = [["a", "x"], ["b", "x"], ["c", "y"], ["d", "z"], ["d", "z"]];
    let looks = (1..).zip(looks).map(|(host, chain): (u8, _)| {
        let address = format!("10.0.0.{host}");
        presenting(&address, 443, &chain, 10)
    });
    // Two chains with `x` are 4 MiB, `y` would make it 7; the same chain again
    // is nothing more.
    let names = ["a", "c", "d"];
    let looks: Vec<_> = looks.collect();
    let mut batch = heavy(looks, &names, 3 * MIB);
    let shared = batch.certificates.get_mut(&hash_of("x")).unwrap();
    shared.der = Der::from(vec![1; MIB]);
    store.scan(batch).await;
    assert_eq!(parts(&store).await, [2, 1, 2]);
}

#[tokio::test]
async fn what_was_replaced_weighs_as_well() {
    let mut store = Store::new().await;
    let hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    for (leaves, second) in [(["a", "b", "c"], 10), (["d", "e", "f"], 20)] {
        let looks = hosts.iter().zip(leaves);
        let looks = looks.map(|(host, leaf)| presenting(host, 443, &[leaf], second));
        let heavy_names = if second == 10 { &leaves[..] } else { &[] };
        let batch = heavy(looks.collect(), heavy_names, 4 * MIB);
        store.scan(batch).await;
    }
    assert_eq!(parts(&store).await, [1, 1, 1]);
}

#[tokio::test]
async fn authorities_are_bounded_in_bytes_and_the_first_stay() {
    let mut store = Store::new().await;
    let issuers = ["x", "y", "z"];
    let looks = issuers.map(|issuer| presenting("10.0.0.1", 443, &["a", issuer], 10));
    store.scan(heavy(looks.to_vec(), &issuers, 12 * MIB)).await;
    let inventory = store.inventory().await;
    assert_eq!(inventory.authorities(None).await.unwrap().len(), 2);
}
