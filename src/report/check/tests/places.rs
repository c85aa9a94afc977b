//! What counts, and how often.

use std::sync::Arc;

use super::*;
use crate::domain::Port;
use crate::judge::{LimitChanges, Override, Policy, Selector};
use crate::report::EndpointRow;
use crate::report::tests::rows::endpoint;
use crate::report::{InstallationState, Source};

#[test]
fn a_missing_installation_counts_until_something_replaces_it() {
    use InstallationState::{Current, Gone, Missing};
    let at = |port: u16, state, key_type: &str| {
        let mut row = judged(Vec::new());
        row.port = Port::new(port);
        row.state = state;
        Arc::make_mut(&mut row.certificate).key_type = Some(key_type.to_owned());
        row
    };
    let mut import = at(1, Current, "rsa");
    (import.ip, import.port, import.source) = (None, None, Source::Import);
    let rows = [
        at(1, Missing, "rsa"),
        at(2, Current, "rsa"),
        at(2, Missing, "rsa"),
        at(3, Missing, "rsa"),
        at(3, Current, "ecdsa"),
        at(4, Gone, "rsa"),
        import.clone(),
        import,
    ];
    let mut counted = Vec::new();
    let mut count = |row: &Installation| {
        counted.push((row.port.map(Port::number), row.state));
    };
    let mut unreplaced = Unreplaced::default();
    for row in rows {
        unreplaced.row(row, &mut count);
    }
    unreplaced.end(&mut count);
    let expected = [
        (Some(1), Missing),
        (Some(2), Current),
        (Some(3), Missing),
        (Some(3), Current),
        (None, Current),
        (None, Current),
    ];
    assert_eq!(counted, expected);
}

/// Rows of one place, those with something to say of another as if renewed: by
/// key type, days until the end, state, and when it was first and last seen.
fn at_one_place(
    rows: &[(&str, i64, InstallationState, i64, i64)],
    previous: Option<&str>,
) -> Vec<String> {
    let at = |day: i64| Timestamp::from_seconds(now().seconds() + day * 86_400);
    let rows = rows.iter().map(|(key_type, end, state, first, last)| {
        let mut row = judged(Vec::new());
        let certificate = Arc::make_mut(&mut row.certificate);
        certificate.key_type = Some((*key_type).to_owned());
        certificate.sha256 = Fingerprint::of(key_type.as_bytes());
        certificate.not_after = Some(at(*end));
        row.state = *state;
        (row.first_seen, row.last_seen) = (at(*first), Some(at(*last)));
        let previous = previous.filter(|previous| previous != key_type);
        row.previous = previous.map(|previous| Fingerprint::of(previous.as_bytes()));
        row
    });
    let mut counted = Vec::new();
    let mut count = |row: &Installation| counted.extend(row.certificate.key_type.clone());
    let mut unreplaced = Unreplaced::default();
    for row in rows {
        unreplaced.row(row, &mut count);
    }
    unreplaced.end(&mut count);
    counted
}

#[test]
fn what_is_missing_does_not_count_where_another_key_type_renews_it() {
    use InstallationState::{Current, Missing};
    let old = ("ecdsa", 1, Missing, -90, -2);
    let new = ("rsa", 90, Current, -1, 0);
    assert_eq!(at_one_place(&[old, new], None), ["rsa"]);
    let ends_first = ("rsa", 0, Current, -1, 0);
    assert_eq!(at_one_place(&[old, ends_first], None), ["ecdsa", "rsa"]);
    let no_more = ("rsa", 90, Missing, -1, 0);
    assert_eq!(at_one_place(&[old, no_more], None), ["ecdsa", "rsa"]);
}

#[test]
fn what_nobody_asked_for_since_it_was_renewed_does_not_count() {
    use InstallationState::Current;
    let new = ("rsa", 90, Current, -1, 0);
    let unseen = ("ecdsa", 1, Current, -90, -2);
    let seen_since = ("ecdsa", 1, Current, -90, 0);
    assert_eq!(at_one_place(&[unseen, new], Some("ecdsa")), ["rsa"]);
    let both = ["ecdsa", "rsa"];
    assert_eq!(at_one_place(&[seen_since, new], Some("ecdsa")), both);
    assert_eq!(at_one_place(&[unseen, new], None), both, "side by side");
}

#[test]
fn counts_are_of_installations_each_once() {
    let mut check = Check::new(terms());
    let twice = || finding("expiring", Severity::Warning);
    check.installation(&judged(vec![twice(), twice()]));
    check.installation(&judged(vec![
        twice(),
        finding("expired", Severity::Critical),
    ]));
    let counts = check.counts();
    assert_eq!(counts.by_finding[&("expiring", Severity::Warning)], 2);
    assert_eq!(counts.by_severity[&Severity::Warning], 1);
    assert_eq!(counts.by_severity[&Severity::Critical], 1);
    let document = check_document(&check, &head());
    assert_eq!(document["findings"][1]["installations"], 2);
    assert_eq!(
        (&document["failing"], &document["warning"]),
        (&1.into(), &1.into())
    );
    assert_eq!(document["state"], "failed");
}

/// An installation on one of very many ports of its host, seen a day ago.
fn one_of_many(port: u16) -> (Installation, EndpointRow) {
    let port = Port::new(port).unwrap();
    let mut row = judged(vec![finding("expired", Severity::Critical)]);
    Arc::make_mut(row.judgement.as_mut().unwrap()).is_one_of_many = true;
    row.port = Some(port);
    let known = EndpointRow {
        zone: row.zone.clone().unwrap(),
        ip: row.ip.unwrap(),
        port,
        last_checked: now(),
        ..endpoint("tls")
    };
    (row, known)
}

#[test]
fn a_certificate_on_very_many_ports_of_a_host_is_one_installation_at_one_endpoint() {
    let mut check = Check::new(terms());
    let (rows, endpoints): (Vec<_>, Vec<_>) = (1..=60).map(one_of_many).unzip();
    let shown = rows.iter().filter(|row| check.installation(row)).count();
    let other = EndpointRow {
        port: Port::new(100).unwrap(),
        ..endpoints[0].clone()
    };
    for row in endpoints.iter().chain([&other]) {
        check.endpoint(&row.into(), terms().max_age);
    }
    let counts = check.counts();
    assert_eq!((shown, counts.installations, counts.failing), (1, 1, 1));
    assert_eq!(counts.by_finding[&("expired", Severity::Critical)], 1);
    assert_eq!((counts.endpoints, counts.overdue), (2, 0));
    assert_eq!(check.worst().len(), 1);
}

#[test]
fn what_counts_as_one_endpoint_does_so_where_nothing_of_it_is_new() {
    let since = |since| Terms {
        since: Some(since),
        ..terms()
    };
    let counts = |terms: Terms| {
        let mut check = Check::new(terms);
        let (rows, endpoints): (Vec<_>, Vec<_>) = (1..=60).map(one_of_many).unzip();
        for mut row in rows {
            if row.port == Port::new(60) {
                row.first_seen = now();
            }
            check.installation(&row);
        }
        for row in &endpoints {
            check.endpoint(&row.into(), terms.max_age);
        }
        (check.counts().installations, check.counts().endpoints)
    };
    assert_eq!(counts(terms()), (1, 1));
    assert_eq!(counts(since(now())), (0, 1));
    let before = Timestamp::from_micros(now().micros() - 1);
    assert_eq!(counts(since(before)), (1, 1), "a port that is new counts");
}

#[test]
fn no_endpoint_is_overdue_unseen_behind_another() {
    let overdue = |overdue: fn(u16) -> bool| {
        let mut check = Check::new(terms());
        let (rows, endpoints): (Vec<_>, Vec<_>) = (1..=60).map(one_of_many).unzip();
        for row in &rows {
            check.installation(row);
        }
        for mut row in endpoints {
            if overdue(row.port.number()) {
                row.last_checked = Timestamp::from_seconds(0);
            }
            check.endpoint(&(&row).into(), terms().max_age);
        }
        (check.counts().endpoints, check.counts().overdue)
    };
    assert_eq!(overdue(|_| true), (1, 1));
    assert_eq!(overdue(|port| port == 1), (1, 1));
    assert_eq!(overdue(|port| port > 50), (2, 1));
}

#[test]
fn an_endpoint_with_another_certificate_counts_for_itself() {
    let mut check = Check::new(terms());
    let (rows, endpoints): (Vec<_>, Vec<_>) = (1..=60).map(one_of_many).unzip();
    for row in &rows {
        check.installation(row);
        let mut other = row.clone();
        Arc::make_mut(&mut other.certificate).sha256 = Fingerprint::of(b"other");
        Arc::make_mut(other.judgement.as_mut().unwrap()).is_one_of_many = false;
        if row.port == Port::new(7) {
            check.installation(&other);
        }
    }
    for row in &endpoints {
        check.endpoint(&row.into(), terms().max_age);
    }
    assert_eq!(
        (check.counts().installations, check.counts().endpoints),
        (2, 2)
    );
}

#[test]
fn nobody_waits_for_a_look_at_a_retired_endpoint() {
    let mut check = Check::new(terms());
    for is_retired in [true, false] {
        let row = EndpointRow {
            last_checked: Timestamp::from_seconds(0),
            is_retired,
            ..endpoint("tls")
        };
        check.endpoint(&(&row).into(), terms().max_age);
    }
    assert_eq!((check.counts().endpoints, check.counts().overdue), (1, 1));
}

#[test]
fn an_endpoint_may_be_as_old_as_what_is_installed_there() {
    let days = |days: u64| Duration::from_hours(days * 24);
    let policy = Policy {
        overrides: vec![Override {
            selector: Selector {
                networks: vec!["10.0.0.0/8".parse().unwrap()],
                ..Selector::default()
            },
            rules: BTreeMap::new(),
            limits: LimitChanges {
                max_age: Some(days(20)),
                ..LimitChanges::default()
            },
        }],
        ..Policy::default()
    };
    let at = |address: &str, ages: &[u64]| {
        let ip = address.parse().unwrap();
        let rows = ages.iter().map(move |age| {
            let mut row = judged(Vec::new());
            row.ip = Some(ip);
            Arc::make_mut(row.judgement.as_mut().unwrap()).max_age = days(*age);
            row
        });
        rows.collect::<Vec<_>>()
    };
    let mut ages = Ages::by(&policy);
    for (address, expected, found) in [
        ("10.0.0.1", 20, &[][..]),
        ("10.0.0.2", 20, &[20]),
        ("10.0.0.3", 3, &[20, 3, 40]),
        ("10.0.0.4", 20, &[40, 20]),
        ("10.0.0.5", 40, &[40, 50]),
        ("192.0.2.1", 8, &[]),
        ("192.0.2.2", 1, &[1, 8]),
    ] {
        for row in at(address, found) {
            ages.installation(&row);
        }
        let row = judged(Vec::new());
        let look = EndpointRow {
            zone: row.zone.clone().unwrap(),
            ip: address.parse().unwrap(),
            port: row.port.unwrap(),
            ..endpoint("tls")
        };
        assert_eq!(ages.of(&(&look).into()), days(expected), "{address}");
    }
}
