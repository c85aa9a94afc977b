use std::io::Cursor;
use std::sync::Arc;

use super::super::tests::rows::{endpoint, hostile, installation, scan};
use super::*;
use crate::domain::Fingerprint;
use crate::domain::{Port, Trust};
use crate::judge::{Accepted, Judgement};
use crate::report::{Head, InstallationState, Source, StatedStore};

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// With a trust store in a file of a hostile name.
fn head() -> Head {
    let store = StatedStore {
        name: "roots|\u{1b}[2J\"\n.pem".to_owned(),
        roots: 3,
        hash: Fingerprint::of(b"roots"),
    };
    Head {
        trust_stores: vec![store],
        settings: vec![("Oldest look".to_owned(), "8d".to_owned())],
        ..Head::at(now())
    }
}

fn terms() -> Terms {
    Terms {
        fail_on: Severity::Error,
        failing: Failing::ExpiryAndInvalidity,
        max_age: Duration::from_hours(8 * 24),
        overdue_fails: false,
        since: None,
        now: now(),
    }
}

fn finding(rule: &'static str, severity: Severity) -> Finding {
    Finding {
        rule,
        severity,
        detail: format!("about {rule}"),
        certificate: None,
    }
}

fn judged(findings: Vec<Finding>) -> Installation {
    let mut row = installation("x");
    let judgement = Judgement {
        trust: Trust::Trusted,
        trust_reason: String::new(),
        trusted_by: Vec::new(),
        root: None,
        findings,
        accepted: Vec::new(),
        owner: None,
        tags: Vec::new(),
        is_one_of_many: false,
    };
    row.judgement = Some(judgement.into());
    row
}

fn state(terms: Terms, findings: Vec<Finding>) -> CheckState {
    let mut check = Check::new(terms);
    check.installation(&judged(findings));
    check.state()
}

fn everything_from(fail_on: Severity) -> Terms {
    Terms {
        fail_on,
        failing: Failing::Everything,
        ..terms()
    }
}

#[test]
fn only_expiry_and_invalidity_fail_unless_a_severity_is_asked_for() {
    use Severity::{Critical, Error, Notice, Warning};
    let cases = [
        (vec![], CheckState::Ok, CheckState::Ok),
        (
            vec![finding("expired", Critical)],
            CheckState::Failed,
            CheckState::Failed,
        ),
        (
            vec![finding("expiring", Error)],
            CheckState::Failed,
            CheckState::Failed,
        ),
        (
            vec![finding("expiring", Warning)],
            CheckState::Warning,
            CheckState::Warning,
        ),
        (
            vec![finding("weak-key", Critical)],
            CheckState::Ok,
            CheckState::Failed,
        ),
        (
            vec![finding("wildcard", Notice)],
            CheckState::Ok,
            CheckState::Ok,
        ),
    ];
    for (findings, usual, everything) in cases {
        assert_eq!(state(terms(), findings.clone()), usual, "{findings:?}");
        let all = everything_from(Error);
        assert_eq!(state(all, findings.clone()), everything, "{findings:?}");
    }
    let notice = vec![finding("wildcard", Notice)];
    assert_eq!(state(everything_from(Notice), notice), CheckState::Failed);
}

#[test]
fn what_was_not_looked_at_or_not_judged_is_never_green() {
    assert_eq!(Check::new(terms()).state(), CheckState::Unknown);
    let mut unjudged = Check::new(terms());
    unjudged.installation(&judged(Vec::new()));
    unjudged.installation(&installation("x"));
    assert_eq!(unjudged.state(), CheckState::Unknown);
    assert!(check_text(&unjudged, &head()).contains("not judged: 1 of 2 installations"));
    unjudged.installation(&judged(vec![finding("expired", Severity::Critical)]));
    assert_eq!(unjudged.state(), CheckState::Failed);
    let mut left_out = Check::new(terms());
    left_out.left_out();
    assert_eq!(left_out.state(), CheckState::Ok);
}

#[test]
fn accepted_findings_do_not_count() {
    let mut row = judged(Vec::new());
    let accepted = Accepted {
        finding: finding("expired", Severity::Critical),
        owner: "web".to_owned(),
        reason: "retired".to_owned(),
        until: now(),
    };
    let judgement = Arc::make_mut(row.judgement.as_mut().unwrap());
    judgement.accepted.push(accepted);
    let mut check = Check::new(terms());
    check.installation(&row);
    assert_eq!(check.state(), CheckState::Ok);
    assert_eq!(check.counts().accepted, 1);
}

#[test]
fn only_what_was_first_seen_later_counts_and_nothing_new_is_green() {
    let mut row = judged(vec![finding("expired", Severity::Critical)]);
    row.first_seen = now();
    let since = |since| Terms {
        since: Some(since),
        ..terms()
    };
    let mut check = Check::new(since(now()));
    assert!(!check.installation(&row));
    assert_eq!(check.state(), CheckState::Ok);
    let before = Timestamp::from_micros(now().micros() - 1);
    let mut check = Check::new(since(before));
    assert!(check.installation(&row));
    assert_eq!(check.state(), CheckState::Failed);
}

#[test]
fn endpoints_are_overdue_from_the_first_moment_past_the_age() {
    let mut check = Check::new(terms());
    check.installation(&judged(Vec::new()));
    let mut row = endpoint("x");
    let limit = now().seconds() - 8 * 86_400;
    row.last_checked = Timestamp::from_seconds(limit);
    check.endpoint(&row, check.terms().max_age);
    assert_eq!((check.counts().overdue, check.state()), (0, CheckState::Ok));
    row.last_checked = Timestamp::from_micros(limit * 1_000_000 - 1);
    check.endpoint(&row, check.terms().max_age);
    assert_eq!(
        (check.counts().overdue, check.state()),
        (1, CheckState::Warning)
    );
    assert_eq!(check.counts().oldest_look, Some(row.last_checked));
    let mut strict = Check::new(everything_from(Severity::Warning));
    strict.installation(&judged(Vec::new()));
    strict.endpoint(&row, strict.terms().max_age);
    assert_eq!(strict.state(), CheckState::Failed);
}

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
fn the_worst_are_listed_and_no_more_than_fit() {
    let mut check = Check::new(terms());
    for day in 0..100 {
        let mut row = judged(vec![
            finding("wildcard", Severity::Notice),
            finding("expiring", Severity::Warning),
            finding("weak-key", Severity::Warning),
        ]);
        row.chain_not_after = Some(Timestamp::from_seconds(1000 - day));
        check.installation(&row);
    }
    check.installation(&judged(vec![finding("weak-key", Severity::Critical)]));
    check.installation(&judged(vec![finding("expiring", Severity::Error)]));
    let worst = check.worst();
    assert_eq!(worst.len(), WORST_LINES);
    assert_eq!((worst[0].rule, worst[0].fails), ("expiring", true));
    assert_eq!(
        (worst[1].rule, worst[1].severity),
        ("weak-key", Severity::Critical)
    );
    assert_eq!((worst[2].rule, worst[2].others), ("expiring", 2));
    assert_eq!(worst[2].ends, Some(Timestamp::from_seconds(901)));
    assert!(
        check_text(&check, &head()).contains("and 81 more"),
        "{}",
        check_text(&check, &head())
    );
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

#[test]
fn every_form_states_what_it_was_judged_by() {
    let mut check = Check::new(terms());
    check.installation(&judged(Vec::new()));
    let hash = Fingerprint::of(b"roots").to_string();
    let document = check_document(&check, &head());
    assert_eq!(document["settings"][0], "Oldest look: 8d");
    let forms = [
        check_text(&check, &head()),
        nagios(&check, &head()),
        document.to_string(),
    ];
    for form in forms {
        for word in ["2026-11-21T08:00:00Z", "certsweep 0", "3 roots", &hash] {
            assert!(form.contains(word), "no {word} in\n{form}");
        }
    }
    let page = metrics(&[], false);
    assert!(
        page.contains("certsweep_build_info{tool=\"certsweep 0"),
        "{page}"
    );
    assert!(page.contains(&format!("sha256=\"{hash}\"}} 3\n")), "{page}");
}

fn metrics(rows: &[Installation], with_scan: bool) -> String {
    let mut check = Check::new(terms());
    if with_scan {
        check.scan(scan("x"));
    }
    let mut out = Vec::new();
    let mut page = Prometheus::begin(&mut out, Cursor::new(Vec::new())).unwrap();
    for row in rows {
        check.installation(row);
        page.row(row).unwrap();
    }
    page.end(&check, &head()).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn metrics_stand_together_under_their_help_and_type() {
    let rows = [
        judged(vec![finding("expired", Severity::Critical)]),
        judged(Vec::new()),
    ];
    let page = metrics(&rows, true);
    let mut seen: Vec<&str> = Vec::new();
    for line in page.lines() {
        let name = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ")
            .split(['{', ' '])
            .next()
            .unwrap();
        if seen.last() != Some(&name) {
            assert!(!seen.contains(&name), "{name} stands apart in\n{page}");
            assert!(line.starts_with("# HELP "), "{line}");
            seen.push(name);
        }
    }
    for sample in [
        "certsweep_installations_with_severity{severity=\"critical\"} 1\n",
        "certsweep_installations_with_finding{finding=\"expired\",severity=\"critical\"} 1\n",
        "certsweep_check_state{state=\"failed\"} 1\n",
        "certsweep_check_timestamp_seconds 1795248000\n",
    ] {
        assert!(page.contains(sample), "no {sample} in\n{page}");
    }
    assert!(!metrics(&rows, false).contains("last_scan"));
}

#[test]
fn no_hostile_text_leaves_its_label_or_its_line() {
    for text in hostile() {
        let mut row = installation(&text);
        row.judgement = judged(vec![Finding {
            detail: text.clone(),
            ..finding("expired", Severity::Critical)
        }])
        .judgement;
        let page = metrics(&[row.clone()], false);
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (labels, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<i64>().is_ok(), "{line:?}");
            let bare = labels.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(bare.matches('"').count() % 2, 0, "{line:?}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        let mut check = Check::new(terms());
        check.installation(&row);
        for page in [check_text(&check, &head()), nagios(&check, &head())] {
            assert!(
                !page.chars().any(|c| c.is_control() && c != '\n'),
                "{page:?}"
            );
            assert!(page.len() < 4000, "{} bytes", page.len());
        }
        assert_eq!(nagios(&check, &head()).matches('|').count(), 1);
        assert_eq!(nagios(&check, &head()).lines().count(), 5);
    }
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
        check.endpoint(row, terms().max_age);
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
            check.endpoint(&row, terms().max_age);
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
        check.endpoint(row, terms().max_age);
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
        check.endpoint(&row, terms().max_age);
    }
    assert_eq!((check.counts().endpoints, check.counts().overdue), (1, 1));
}
