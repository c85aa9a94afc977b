//! What counts, and how often.

use std::sync::Arc;

use super::*;
use crate::domain::Port;
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
