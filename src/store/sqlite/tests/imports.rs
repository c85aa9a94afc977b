//! Certificates from files beside those from the network.

use super::*;
use crate::report::{InstallationState, Source};
use crate::store::{CertificateHash, Expiry, Import, Imported};

fn import(names: &[&str], label: Option<&str>, second: i64) -> Import {
    Import {
        certificates: names.iter().map(|name| certificate(name)).collect(),
        label: label.map(str::to_owned),
        at: at(second),
    }
}

async fn labels(store: &Store) -> Vec<Option<String>> {
    let mut raw = store.raw().await;
    let labels = "select label from imports order by certificate_id";
    sqlx::query_scalar(labels)
        .fetch_all(&mut raw)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_import_is_a_current_installation_without_a_place() {
    let mut store = Store::new().await;
    let done = store.sink.import(import(&["client"], None, 10)).await;
    let expected = Imported {
        certificates: 1,
        new: 1,
    };
    assert_eq!(done.unwrap(), expected);
    let [row] = <[_; 1]>::try_from(store.installations(&Filter::default()).await).unwrap();
    assert_eq!((row.zone, row.host.as_str()), (None, ""));
    assert_eq!((row.ip, row.port, row.scan), (None, None, None));
    assert_eq!(row.state, InstallationState::Current);
    assert_eq!(row.source, Source::Import);
    assert_eq!((row.first_seen, row.last_checked), (at(10), Some(at(10))));
    assert_eq!(row.chain_not_after, row.certificate.not_after);
    assert_eq!((&*row.chain, row.installations), (&[][..], 1));
    assert_eq!(row.certificate.der, Some(certificate("client").der));
}

#[tokio::test]
async fn importing_again_moves_only_the_latest_import() {
    let mut store = Store::new().await;
    let first = import(&["client", "client", "other"], Some("kmip"), 10);
    let done = store.sink.import(first).await.unwrap();
    assert_eq!((done.certificates, done.new), (2, 2));
    let again = import(&["client"], None, 20);
    assert_eq!(store.sink.import(again).await.unwrap().new, 0);
    let kmip = Some("kmip".to_owned());
    assert_eq!(labels(&store).await, [kmip.clone(), kmip.clone()]);
    let rows = store.installations(&Filter::default()).await;
    let times: Vec<_> = rows
        .iter()
        .map(|row| (row.first_seen, row.last_seen.unwrap()))
        .collect();
    assert_eq!(times, [(at(10), at(10)), (at(10), at(20))]);
    store
        .sink
        .import(import(&["other"], Some("new"), 30))
        .await
        .unwrap();
    let mut relabelled = labels(&store).await;
    relabelled.sort();
    assert_eq!(relabelled, [kmip, Some("new".to_owned())]);
}

#[tokio::test]
async fn imports_come_last_and_count_beside_what_the_network_shows() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["both", "ca"], 5)]))
        .await;
    store
        .sink
        .import(import(&["both", "alone"], None, 10))
        .await
        .unwrap();
    store
        .scan(batch(vec![presenting("10.0.0.2", 443, &["alone"], 15)]))
        .await;
    let rows = store.installations(&Filter::default()).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.ip.is_some(), row.installations))
        .collect();
    assert_eq!(told, [(true, 2), (true, 2), (false, 2), (false, 2)]);
    let found = store.inventory().await;
    let prefix = hash_of("both").to_string().parse().unwrap();
    assert_eq!(
        found.certificate(&prefix).await.unwrap()[0].installations,
        2
    );
}

#[tokio::test]
async fn filters_choose_among_imports_by_their_certificate_alone() {
    let mut store = Store::new().await;
    store
        .sink
        .import(import(&["client.example", "x"], None, 10))
        .await
        .unwrap();
    let ends = certificate("x").facts.unwrap().not_after.unwrap();
    let by_certificate = [
        Filter {
            names: vec!["CLIENT.*".to_owned()],
            ..Filter::default()
        },
        Filter {
            certificates: vec![CertificateHash::Sha256(hash_of("client.example"))],
            ..Filter::default()
        },
        Filter {
            authorities: vec![hash_of("client.example")],
            ..Filter::default()
        },
        Filter {
            expiry: vec![Expiry::Expiring {
                now: Timestamp::from_seconds(ends.seconds() + 1),
                within: std::time::Duration::from_hours(24 * 365),
            }],
            ..Filter::default()
        },
    ];
    for filter in by_certificate {
        assert_eq!(store.installations(&filter).await.len(), 1, "{filter:?}");
    }
    let by_place = [
        Filter {
            networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            ..Filter::default()
        },
        Filter {
            ports: vec![port(443)],
            ..Filter::default()
        },
        Filter {
            zones: vec![Zone::default()],
            ..Filter::default()
        },
        Filter {
            scans: vec![ScanId::new(1)],
            ..Filter::default()
        },
        Filter {
            states: vec![InstallationState::Missing, InstallationState::Gone],
            ..Filter::default()
        },
    ];
    for filter in by_place {
        assert_eq!(store.installations(&filter).await, [], "{filter:?}");
    }
}

#[tokio::test]
async fn an_earlier_day_has_the_imports_of_before() {
    let mut store = Store::new().await;
    store.sink.import(import(&["a"], None, 10)).await.unwrap();
    store.sink.import(import(&["b"], None, 20)).await.unwrap();
    store.sink.import(import(&["a"], None, 30)).await.unwrap();
    for (second, count) in [(9, 0), (10, 1), (19, 1), (20, 2), (40, 2)] {
        let then = Filter {
            known_at: Some(at(second)),
            ..Filter::default()
        };
        let rows = store.installations(&then).await;
        assert_eq!(rows.len(), count, "at {second}");
        assert!(
            rows.iter().all(|row| row.last_seen <= Some(at(second))),
            "at {second}"
        );
    }
}

#[tokio::test]
async fn an_import_leaves_the_file_sound() {
    let mut store = Store::new().await;
    store.sink.import(import(&["a"], None, 1)).await.unwrap();
    let mut raw = store.raw().await;
    let checked: Vec<String> = sqlx::query_scalar("pragma integrity_check")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert_eq!(checked, ["ok"]);
    let broken = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert!(broken.is_empty());
    let still_required =
        "insert into certificates (sha256, sha1, key_type) values (x'00', x'00', 'rsa')";
    assert!(sqlx::query(still_required).execute(&mut raw).await.is_err());
}
