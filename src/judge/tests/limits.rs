//! The boundaries of the rules, to the second and to the bit.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa};

use super::scene::{Scene, fixture, moment, read, time};
use super::{detail, flaws};
use crate::domain::{Fingerprint, KeyExchange, Port, Severity, Timestamp, TlsVersion};
use crate::judge::{Lead, Verdict};

/// A leaf valid from 2026-01-01 for so many seconds, so many before its end.
fn before_the_end(lifetime: i64, left: i64) -> Scene {
    let mut scene = Scene::new();
    let start = time("2026-01-01T00:00:00Z");
    let end = Timestamp::from_seconds(start.seconds() + lifetime);
    scene.facts().not_before = Some(start);
    scene.facts().not_after = Some(end);
    scene.now = Timestamp::from_seconds(end.seconds() - left);
    scene
}

fn expiring(scene: &Scene) -> Option<Severity> {
    match scene.verdict("expiring") {
        Verdict::Fail(flaws) => flaws[0].severity,
        Verdict::Pass | Verdict::NotApplicable => None,
    }
}

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

#[test]
fn days_are_counted_as_the_column_of_days_left_counts_them() {
    let end = before_the_end(YEAR, 0).now;
    let told = |after: i64| {
        let scene = before_the_end(YEAR, -after);
        let told = detail(&scene, "expired").or_else(|| detail(&scene, "expiring"));
        let told = told.unwrap().split(", at ").next().unwrap().to_owned();
        (told, scene.now.days_until(end))
    };
    for (after, text, days_left) in [
        (-2 * DAY, "ends in 2 days", 2),
        (1 - 2 * DAY, "ends in 1 day", 1),
        (0, "ends in 0 days", 0),
        (1, "expired 1 day ago", -1),
        (DAY, "expired 1 day ago", -1),
        (DAY + 1, "expired 2 days ago", -2),
        (10 * DAY, "expired 10 days ago", -10),
    ] {
        assert_eq!(told(after), (text.to_owned(), days_left), "{after} s");
    }
}

#[test]
fn the_last_second_is_inside_of_the_validity() {
    let mut scene = before_the_end(YEAR, 0);
    assert_eq!(scene.verdict("expired"), Verdict::Pass);
    assert_eq!(expiring(&scene), Some(Severity::Critical));
    scene.now = Timestamp::from_micros(scene.now.micros() + 999_999);
    assert_eq!(scene.verdict("expired"), Verdict::Pass);
    assert_eq!(expiring(&scene), Some(Severity::Critical));
    scene.now = Timestamp::from_micros(scene.now.micros() + 1);
    let detail = detail(&scene, "expired").unwrap();
    assert_eq!(detail, "expired 1 day ago, at 2027-01-01T00:00:00Z");
    assert_eq!(expiring(&scene), None, "what is over is not expiring");
    let mut scene = before_the_end(YEAR, YEAR);
    assert_eq!(scene.verdict("not-yet-valid"), Verdict::Pass);
    scene.now = Timestamp::from_micros(scene.now.micros() - 1);
    assert_ne!(scene.verdict("not-yet-valid"), Verdict::Pass);
}

#[test]
fn a_year_is_expiring_30_7_and_3_days_before_its_end() {
    for (days, from, before) in [
        (30, Some(Severity::Warning), None),
        (7, Some(Severity::Error), Some(Severity::Warning)),
        (3, Some(Severity::Critical), Some(Severity::Error)),
    ] {
        assert_eq!(expiring(&before_the_end(YEAR, days * DAY)), from);
        assert_eq!(expiring(&before_the_end(YEAR, days * DAY + 1)), before);
    }
}

#[test]
fn a_short_lifetime_is_expiring_in_its_last_quarter() {
    // 100 days: 25 of them.
    let hundred = 100 * DAY;
    assert_eq!(expiring(&before_the_end(hundred, hundred / 4 + 1)), None);
    let quarter = before_the_end(hundred, hundred / 4);
    assert_eq!(expiring(&quarter), Some(Severity::Warning));
    // A second more than 100 days: 30 of them.
    let longer = before_the_end(hundred + 1, 30 * DAY);
    assert_eq!(expiring(&longer), Some(Severity::Warning));
    // 47 days: 11 days and 18 hours.
    let fortnight = 47 * DAY / 4;
    assert_eq!(expiring(&before_the_end(47 * DAY, fortnight + 1)), None);
    let late = before_the_end(47 * DAY, fortnight);
    assert_eq!(expiring(&late), Some(Severity::Warning));
    // 6 days: a day and a half, and then it is critical at once.
    assert_eq!(expiring(&before_the_end(6 * DAY, 36 * 3_600 + 1)), None);
    let hours = before_the_end(6 * DAY, 36 * 3_600);
    assert_eq!(expiring(&hours), Some(Severity::Critical));
}

#[test]
fn kmip_is_expiring_30_days_before_its_end_whatever_the_lifetime() {
    let plain = before_the_end(47 * DAY, 30 * DAY);
    assert_eq!(expiring(&plain), None);
    let mut by_port = plain.clone();
    by_port.place().port = Port::new(5696).unwrap();
    assert_eq!(expiring(&by_port), Some(Severity::Warning));
    let mut by_tag = plain;
    by_tag.tags = vec!["kmip".to_owned()];
    by_tag.limits.expiring_warning = Lead::Days(1);
    assert_eq!(expiring(&by_tag), Some(Severity::Warning));
    by_tag.place = None;
    assert_eq!(expiring(&by_tag), Some(Severity::Warning), "an import too");
}

#[test]
fn kmip_draws_its_lines_to_the_second_and_no_policy_moves_them() {
    for (days, from, before) in [
        (30, Some(Severity::Warning), None),
        (7, Some(Severity::Error), Some(Severity::Warning)),
        (3, Some(Severity::Critical), Some(Severity::Error)),
    ] {
        for (left, expected) in [(days * DAY, from), (days * DAY + 1, before)] {
            let mut scene = before_the_end(47 * DAY, left);
            scene.place().port = Port::new(5696).unwrap();
            scene.limits.expiring_warning = Lead::PerCent(100);
            scene.limits.expiring_error = Lead::Days(1);
            scene.limits.expiring_critical = Lead::Days(0);
            assert_eq!(expiring(&scene), expected, "{left} s");
        }
    }
}

#[test]
fn the_leads_are_the_policys() {
    let mut scene = before_the_end(YEAR, YEAR / 2);
    assert_eq!(expiring(&scene), None);
    scene.limits.expiring_warning = Lead::PerCent(50);
    assert_eq!(expiring(&scene), Some(Severity::Warning));
    scene.now = Timestamp::from_seconds(scene.now.seconds() - 1);
    assert_eq!(expiring(&scene), None, "half a year and a second");
    scene.limits.expiring_critical = Lead::Days(183);
    assert_eq!(
        expiring(&scene),
        Some(Severity::Critical),
        "earlier than the warning"
    );
}

#[test]
fn the_longest_validity_is_that_of_the_day_of_issue() {
    let mut scene = Scene::new();
    let mut issued_for = |issued: &str, seconds: i64| {
        let start = time(issued);
        scene.facts().not_before = Some(start);
        // The last second counts.
        let end = start.seconds() + seconds - 1;
        scene.facts().not_after = Some(Timestamp::from_seconds(end));
        scene.verdict("validity-too-long")
    };
    for (issued, days) in [
        ("2018-03-01T00:00:00Z", 825),
        ("2020-08-31T23:59:59Z", 825),
        ("2020-09-01T00:00:00Z", 398),
        ("2026-03-14T23:59:59Z", 398),
        ("2026-03-15T00:00:00Z", 200),
        ("2027-03-14T23:59:59Z", 200),
        ("2027-03-15T00:00:00Z", 100),
        ("2029-03-14T23:59:59Z", 100),
        ("2029-03-15T00:00:00Z", 47),
    ] {
        assert_eq!(issued_for(issued, days * DAY), Verdict::Pass, "{issued}");
        let longer = issued_for(issued, days * DAY + 1);
        assert!(matches!(longer, Verdict::Fail(_)), "{issued}");
    }
    let before = issued_for("2018-02-28T23:59:59Z", 1_000 * DAY);
    assert_eq!(before, Verdict::NotApplicable);
    let scene = Scene::with_leaf(|leaf| leaf.not_after = moment("2026-12-19T00:00:00Z"));
    assert_eq!(
        detail(&scene, "validity-too-long").as_deref(),
        Some("valid for 202 days, issued when 200 were allowed")
    );
}

#[test]
fn the_longest_validity_is_that_of_servers() {
    let verdict = |change: fn(&mut CertificateParams)| {
        let scene = Scene::with_leaf(|leaf| {
            leaf.not_after = moment("2046-06-01T00:00:00Z");
            change(leaf);
        });
        scene.verdict("validity-too-long")
    };
    let silent: [fn(&mut CertificateParams); 2] = [
        |leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
    ];
    for change in silent {
        assert_eq!(verdict(change), Verdict::NotApplicable);
    }
    let found: [fn(&mut CertificateParams); 3] = [
        |leaf| leaf.extended_key_usages.clear(),
        |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any],
        |leaf| leaf.is_ca = IsCa::NoCa,
    ];
    for change in found {
        assert!(matches!(verdict(change), Verdict::Fail(_)));
    }
}

#[test]
fn an_endpoint_is_stale_a_moment_after_its_age() {
    let mut scene = Scene::new();
    scene.place().last_checked = Some(time("2026-06-01T00:00:00Z"));
    scene.now = time("2026-06-09T00:00:00Z");
    assert_eq!(scene.verdict("stale-endpoint"), Verdict::Pass);
    scene.now = Timestamp::from_micros(scene.now.micros() + 1);
    for (name, way) in [
        (None, "without a name"),
        (Some("a.example"), "by this name"),
    ] {
        scene.place().server_name = name.map(str::to_owned);
        let told = detail(&scene, "stale-endpoint");
        assert_eq!(told, Some(format!("last asked {way} 2026-06-01T00:00:00Z")));
    }
}

#[test]
fn a_look_in_the_future_is_none_but_for_clocks_that_are_set_back_a_little() {
    let mut scene = Scene::new();
    scene.now = time("2026-06-01T00:00:00Z");
    scene.place().last_checked = Some(time("2026-06-01T00:05:00Z"));
    assert_eq!(scene.verdict("stale-endpoint"), Verdict::Pass);
    scene.place().last_checked = Some(time("2026-06-01T00:05:01Z"));
    let told = detail(&scene, "stale-endpoint").unwrap();
    let future = "last asked by this name 2026-06-01T00:05:01Z, which lies in the future";
    assert!(told.starts_with(future), "{told}");
}

#[test]
fn limits_in_bits_are_drawn_to_the_bit() {
    let mut scene = Scene::new();
    for (bits, told) in [(2048, None), (2047, Some("2047 bits, fewer than 2048"))] {
        scene.place().key_exchange = Some(KeyExchange::Dhe { bits });
        assert_eq!(detail(&scene, "weak-dh").as_deref(), told);
    }
    scene.limits.dh_bits = 2047;
    assert_eq!(detail(&scene, "weak-dh"), None);
    scene.chain = vec![fixture("x509/rsa-2047")];
    scene.limits.rsa_bits = 2047;
    assert_eq!(detail(&scene, "weak-key"), None);
}

#[test]
fn neither_way_without_forward_secrecy_passes() {
    let mut scene = Scene::new();
    for (key_exchange, told) in [
        (KeyExchange::Rsa, Some("RSA key transport")),
        (KeyExchange::StaticDh, Some("static Diffie-Hellman")),
        (KeyExchange::Dhe { bits: 1024 }, None),
    ] {
        scene.place().key_exchange = Some(key_exchange);
        assert_eq!(detail(&scene, "no-forward-secrecy").as_deref(), told);
    }
}

#[test]
fn every_forbidden_protocol_is_named() {
    let mut scene = Scene::new();
    scene.place().tls_version = Some(TlsVersion::SSL_3);
    scene.place().versions = [TlsVersion::TLS_1_1, TlsVersion::SSL_2].into();
    assert_eq!(
        detail(&scene, "legacy-protocol").as_deref(),
        Some("accepts SSLv2, SSLv3, TLSv1.1")
    );
}

#[test]
fn a_habit_is_the_median_of_two_renewals_at_least() {
    let habit = |days: &[i64]| {
        let mut scene = Scene::new();
        scene.past.days_left_at_renewals = days.to_vec();
        match scene.verdict("renewal-habit") {
            Verdict::NotApplicable => "unknown".to_owned(),
            Verdict::Pass => "fine".to_owned(),
            Verdict::Fail(flaws) => flaws[0].detail.clone(),
        }
    };
    assert_eq!(habit(&[1]), "unknown");
    assert_eq!(habit(&[3, 3, 90]), "fine");
    assert_eq!(habit(&[46, 46]), "fine");
    assert!(habit(&[2, 2]).contains("with 2 days left: one slip"));
    assert!(habit(&[-5, -5, 60]).contains("with -5 days left"));
    assert!(habit(&[47, 47]).ends_with("a lifetime of 47 days has no such day"));
    assert!(habit(&[99, 60, 120]).contains("lifetime of 47 days"));
    assert!(habit(&[100, 100]).contains("lifetime of 100 or 47 days"));
}

#[test]
fn stragglers_say_how_long_they_have() {
    let mut scene = Scene::new();
    scene.kin.successor = Some(Fingerprint::of(b"successor"));
    let detail = detail(&scene, "renewal-incomplete").unwrap();
    assert!(detail.starts_with("88 days left; its successor is "));
}

#[test]
fn a_long_list_is_cut() {
    let mut scene = Scene::new();
    scene.facts().faults = (1..=7).map(|line| format!("fault {line}")).collect();
    assert_eq!(
        detail(&scene, "encoding").as_deref(),
        Some("fault 1, fault 2, fault 3, fault 4, fault 5 and 2 more")
    );
}

#[test]
fn an_unparsed_certificate_is_invalid_and_said_of_it() {
    let mut scene = Scene::new();
    scene.chain.push(read(b"\x30\x03no!"));
    let found = flaws(&scene, "invalid");
    assert_eq!(found[0].certificate, Some(scene.chain[2].fingerprint));
    assert!(found[0].detail.starts_with("unparsed: "));
}

#[test]
fn a_predecessor_without_a_readable_key_says_nothing() {
    let mut scene = Scene::new();
    let mut predecessor = (*scene.chain[0]).clone();
    predecessor.facts.as_mut().unwrap().public_key.spki = None;
    scene.past.predecessor = Some(Arc::new(predecessor));
    assert_eq!(scene.verdict("key-unchanged"), Verdict::NotApplicable);
}
