use std::time::Duration;

use super::*;
use crate::domain::{NotTls, OutcomeKind};
use crate::report::{EndpointLook, EndpointRow, InstallationState};
use crate::store::Expiry;

/// Five installations, one of them gone, in two zones.
async fn store() -> Store {
    let mut store = Store::new().await;
    let mut elsewhere = presenting("10.0.0.1", 443, &["plant.example", "ca"], 10);
    elsewhere.endpoint.zone = "plant".parse().unwrap();
    let mut pointed = presenting("10.0.1.1", 8443, &["mail.example", "ca", "root"], 10);
    pointed.pointer = Pointer::Name("Host-7.Corp".to_owned());
    store
        .scan(batch(vec![
            presenting("10.0.0.1", 443, &["old", "ca"], 10),
            asking(
                "shop.example",
                presenting("2001:db8::1", 443, &["shop", "ca"], 10),
            ),
            pointed,
            elsewhere,
            looking(
                "10.0.0.9",
                443,
                Outcome::NotTls(NotTls::Other, Vec::new()),
                10,
            ),
        ]))
        .await;
    store
        .scan(batch(vec![presenting(
            "10.0.0.1",
            443,
            &["new.example"],
            20,
        )]))
        .await;
    store
}

async fn passing(store: &Store, filter: &Filter) -> Vec<String> {
    let rows = store.installations(filter).await;
    rows.into_iter()
        .filter_map(|row| row.certificate.subject_cn.clone())
        .collect()
}

/// Asserts whose rows pass each filter.
async fn assert_passing(cases: &[(Filter, &[&str])]) {
    let store = store().await;
    for (filter, expected) in cases {
        assert_eq!(passing(&store, filter).await, *expected, "{filter:?}");
    }
}

/// Everything but the one that is gone.
const ALL: &[&str] = &["new.example", "mail.example", "shop", "plant.example"];

#[tokio::test]
async fn an_empty_filter_lets_all_through_that_is_there() {
    assert_passing(&[(Filter::default(), ALL)]).await;
}

#[tokio::test]
async fn filters_on_expiry_mean_either() {
    // A certificate of these tests is valid as many days as its name is long.
    let now = at(5 * 86_400);
    let within = Duration::from_hours(6 * 24);
    let filter = |expiry: &[Expiry]| Filter {
        expiry: expiry.to_vec(),
        ..Filter::default()
    };
    let expired = Expiry::Expired { now };
    let expiring = Expiry::Expiring { now, within };
    assert_passing(&[
        (filter(&[expired]), &["shop"]),
        (filter(&[expiring]), &["new.example"]),
        (filter(&[expiring, expired]), &["new.example", "shop"]),
    ])
    .await;
}

#[tokio::test]
async fn texts_are_found_in_any_case() {
    let issuers = |texts: &[&str]| Filter {
        issuers: texts.iter().map(ToString::to_string).collect(),
        ..Filter::default()
    };
    let names = |pattern: &str| Filter {
        names: vec![pattern.to_owned()],
        ..Filter::default()
    };
    assert_passing(&[
        (issuers(&["ISSUER, of shop"]), &["shop"]),
        (issuers(&["of s", "of m"]), &["mail.example", "shop"]),
        (names("*.Example"), ALL),
        (names("www.MAIL.*"), &["mail.example"]),
        (names("host-?.corp"), &["mail.example"]),
        (names("shop.example"), &["shop"]),
        (names("10.0.1.*"), &["mail.example"]),
    ])
    .await;
}

#[tokio::test]
async fn places_are_found_by_network_port_and_zone() {
    let networks = |texts: &[&str]| Filter {
        networks: texts.iter().map(|text| text.parse().unwrap()).collect(),
        ..Filter::default()
    };
    let ports = |number| Filter {
        ports: vec![port(number)],
        ..Filter::default()
    };
    let plant = Filter {
        zones: vec!["plant".parse().unwrap()],
        ..Filter::default()
    };
    let nowhere = Filter {
        issuers: vec!["of mail".to_owned()],
        ..ports(443)
    };
    assert_passing(&[
        (
            networks(&["10.0.0.0/24"]),
            &["new.example", "plant.example"],
        ),
        (
            networks(&["2001:db8::/32", "10.0.1.1/32"]),
            &["mail.example", "shop"],
        ),
        (ports(8443), &["mail.example"]),
        (plant, &["plant.example"]),
        (nowhere, &[]),
    ])
    .await;
}

#[tokio::test]
async fn certificates_are_found_by_number_hash_key_and_authority() {
    let serial = |text: &str| Filter {
        serials: vec![text.parse().unwrap()],
        ..Filter::default()
    };
    let hash = |text: &str| Filter {
        certificates: vec![text.parse().unwrap()],
        ..Filter::default()
    };
    let spki = |name: &str| Fingerprint::of(format!("key of {name}").as_bytes());
    let keys = Filter {
        keys: vec![spki("shop"), spki("old")],
        ..Filter::default()
    };
    let authority = |name: &str| Filter {
        authorities: vec![hash_of(name)],
        ..Filter::default()
    };
    let sha1 = sha1_of("shop")
        .map(|octet| format!("{octet:02X}"))
        .join(":");
    assert_passing(&[
        (serial("AF:04"), &["shop"]),
        (serial("00af04"), &["shop"]),
        (hash(&sha1), &["shop"]),
        (hash(&hash_of("shop").to_string()), &["shop"]),
        (keys, &["shop"]),
        (authority("root"), &["mail.example"]),
        (authority("shop"), &["shop"]),
    ])
    .await;
}

#[tokio::test]
async fn installations_are_found_by_scan_and_state() {
    let latest = Filter {
        scans: vec![ScanId::new(2)],
        ..Filter::default()
    };
    let gone = Filter {
        states: vec![InstallationState::Gone],
        ..Filter::default()
    };
    assert_passing(&[(latest, &["new.example"]), (gone, &["old"])]).await;
}

#[tokio::test]
async fn a_certificate_expires_after_its_last_second() {
    let mut store = Store::new().await;
    store
        .scan(batch(vec![presenting("10.0.0.1", 443, &["abcde"], 1)]))
        .await;
    let end = at(5 * 86_400);
    let later = |micros: i64| Timestamp::from_micros(end.micros() + micros);
    let within = Duration::ZERO;
    for (expiry, passes) in [
        (Expiry::Expired { now: end }, false),
        (
            Expiry::Expired {
                now: later(999_999),
            },
            false,
        ),
        (
            Expiry::Expired {
                now: later(1_000_000),
            },
            true,
        ),
        (Expiry::Expiring { now: end, within }, true),
        (
            Expiry::Expiring {
                now: later(999_999),
                within,
            },
            true,
        ),
        (
            Expiry::Expiring {
                now: later(1_000_000),
                within,
            },
            false,
        ),
        (
            Expiry::Expiring {
                now: later(-1),
                within,
            },
            false,
        ),
        (
            Expiry::Expiring {
                now: later(-1),
                within: Duration::MAX,
            },
            true,
        ),
    ] {
        let filter = Filter {
            expiry: vec![expiry],
            ..Filter::default()
        };
        assert_eq!(
            passing(&store, &filter).await.len(),
            usize::from(passes),
            "{expiry:?}"
        );
    }
}

#[tokio::test]
async fn endpoints_pass_by_themselves_or_by_what_they_hold() {
    let store = store().await;
    let inventory = store.inventory().await;
    let passing = async |filter: Filter| {
        let (mut rows, mut looks, mut looked) = (Vec::new(), Vec::new(), Vec::new());
        let mut visit = |row: EndpointRow| {
            looks.push(EndpointLook::from(&row));
            rows.push(format!("{} {}:{}", row.zone, row.ip, row.port));
            ControlFlow::Continue(())
        };
        inventory.endpoints(&filter, &mut visit).await.unwrap();
        let mut visit = |look| {
            looked.push(look);
            ControlFlow::Continue(())
        };
        inventory.endpoint_looks(&filter, &mut visit).await.unwrap();
        assert_eq!(looked, looks);
        rows
    };
    let all = [
        "default 10.0.0.1:443",
        "default 10.0.0.9:443",
        "default 10.0.1.1:8443",
        "default 2001:db8::1:443",
        "plant 10.0.0.1:443",
    ];
    assert_eq!(passing(Filter::default()).await, all);
    let issuer = Filter {
        issuers: vec!["of shop".into()],
        ..Filter::default()
    };
    assert_eq!(passing(issuer).await, all[3..4]);
    let gone = Filter {
        states: vec![InstallationState::Gone],
        ..Filter::default()
    };
    assert_eq!(passing(gone).await, all[0..1]);
    let named = Filter {
        names: vec!["shop.*".into(), "10.0.0.9".into()],
        ..Filter::default()
    };
    assert_eq!(passing(named).await, [all[1], all[3]]);
    let gone_by_name = Filter {
        names: vec!["old".into()],
        ..Filter::default()
    };
    assert_eq!(passing(gone_by_name.clone()).await, all[..0]);
    let in_any_state = Filter {
        states: InstallationState::ALL.to_vec(),
        ..gone_by_name
    };
    assert_eq!(passing(in_any_state).await, all[..1]);
    // Each of them passes by another installation.
    let by_two = Filter {
        names: vec!["old".into(), "mail.example".into(), "shop".into()],
        issuers: vec!["of new.example".into(), "of mail.example".into()],
        ..Filter::default()
    };
    assert_eq!(passing(by_two).await, all[2..3]);
}

#[tokio::test]
async fn a_certificate_is_found_wherever_it_was() {
    let store = store().await;
    let inventory = store.inventory().await;
    // Also one that was only ever sent along.
    let root = hash_of("root").to_string();
    let found = inventory
        .certificate(&root[..10].parse().unwrap())
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].certificate.der, Some(Der::from(&b"root"[..])));
    assert_eq!(found[0].installations, 0);
    let mut states = Vec::new();
    let mut visit = |row: Installation| {
        states.push(row.state);
        ControlFlow::Continue(())
    };
    inventory
        .installations_of(hash_of("old"), &mut visit)
        .await
        .unwrap();
    assert_eq!(states, [InstallationState::Gone]);
}

#[tokio::test]
async fn a_visitor_may_have_seen_enough() {
    let store = store().await;
    let inventory = store.inventory().await;
    let mut count = 0;
    let mut visit = |_| {
        count += 1;
        ControlFlow::Break(())
    };
    let filter = Filter::default();
    inventory
        .installations(&filter, Detail::Facts, &mut visit)
        .await
        .unwrap();
    assert_eq!(count, 1);
    let outcome = inventory.endpoint(ip("10.0.0.9"), port(443)).await.unwrap()[0].outcome;
    assert_eq!(outcome, OutcomeKind::NotTls);
}
