//! The boundaries of the rules, to the second and to the bit.

use std::sync::Arc;

use super::scene::{Scene, fixture, moment, time};
use crate::domain::{Fingerprint, KeyExchange, Port, Severity, Timestamp, TlsVersion, Trust};
use crate::judge::{Flaw, Lead, PointerNames, Unsent, Verdict, WeakKeys};

fn flaws(scene: &Scene, rule: &str) -> Vec<Flaw> {
    match scene.verdict(rule) {
        Verdict::NotApplicable => panic!("{rule} is silent"),
        Verdict::Pass => Vec::new(),
        Verdict::Fail(flaws) => flaws,
    }
}

fn detail(scene: &Scene, rule: &str) -> Option<String> {
    flaws(scene, rule).first().map(|flaw| flaw.detail.clone())
}

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
fn every_certificate_of_the_chain_is_looked_at() {
    let mut scene = Scene::new();
    scene.facts_at(1).not_after = Some(time("2026-06-10T00:00:00Z"));
    let [flaw] = &flaws(&scene, "expiring")[..] else {
        panic!("{:?}", scene.verdict("expiring"));
    };
    assert_eq!(flaw.certificate, Some(scene.chain[1].fingerprint));
    assert_eq!(
        flaw.detail,
        "CN=Example Issuing CA 1: ends in 8 days, at 2026-06-10T00:00:00Z"
    );
    scene.now = time("2026-08-30T00:00:00Z");
    let expired = flaws(&scene, "expired");
    let certificates: Vec<_> = expired.iter().map(|flaw| flaw.certificate).collect();
    let both = [0, 1].map(|position: usize| Some(scene.chain[position].fingerprint));
    assert_eq!(certificates, both);
    scene.facts_at(1).not_before = Some(time("2026-08-30T00:00:01Z"));
    let [flaw] = &flaws(&scene, "not-yet-valid")[..] else {
        panic!("{:?}", scene.verdict("not-yet-valid"));
    };
    assert_eq!(flaw.certificate, Some(scene.chain[1].fingerprint));
    scene.now = time("2026-08-30T00:00:01Z");
    assert_eq!(scene.verdict("not-yet-valid"), Verdict::Pass);
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
fn an_endpoint_is_stale_a_moment_after_its_age() {
    let mut scene = Scene::new();
    scene.place().last_checked = Some(time("2026-06-01T00:00:00Z"));
    scene.now = time("2026-06-09T00:00:00Z");
    assert_eq!(scene.verdict("stale-endpoint"), Verdict::Pass);
    scene.now = Timestamp::from_micros(scene.now.micros() + 1);
    assert_ne!(scene.verdict("stale-endpoint"), Verdict::Pass);
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
fn a_key_that_others_have_is_found_by_a_list() {
    let mut scene = Scene::new();
    scene.chain = vec![fixture("x509/rsa-2047")];
    // openssl x509 -inform der -in rsa-2047.der -noout -modulus | sha1sum
    scene.limits.weak_keys = WeakKeys::read("baa07529418746957f22\n").unwrap();
    let told = detail(&scene, "weak-key").unwrap();
    assert_eq!(
        told,
        "2047 bits, fewer than 2048; it is on a list of keys that others have"
    );
}

#[test]
fn each_weakness_of_a_key_is_named() {
    let weakness = |path: &str| {
        let mut scene = Scene::new();
        scene.chain = vec![fixture(path)];
        detail(&scene, "weak-key")
    };
    for (path, words) in [
        ("judge/exponent-1", "its public exponent is below 2 or even"),
        (
            "judge/exponent-even",
            "its public exponent is below 2 or even",
        ),
        (
            "judge/close-primes",
            "its primes are close: it can be factored",
        ),
        (
            "judge/equal-primes",
            "its primes are close: it can be factored",
        ),
        ("judge/roca", "it was made by the flawed library of ROCA"),
        ("judge/prime192v1", "192 bits, fewer than 224"),
        ("x509/rsa-512", "512 bits, fewer than 2048"),
        ("x509/rsa-2047", "2047 bits, fewer than 2048"),
        ("x509/dsa", "DSA is no longer approved for signing"),
        ("x509/explicit-curve", "its curve is spelled out, not named"),
    ] {
        assert_eq!(weakness(path).as_deref(), Some(words), "{path}");
    }
    for path in [
        "judge/exponent-65537",
        "judge/secp224r1",
        "x509/rsa-pss",
        "x509/p-521",
        "x509/ed25519",
        "x509/ed448",
    ] {
        assert_eq!(weakness(path), None, "{path}");
    }
}

#[test]
fn a_weak_hash_counts_where_somebody_else_signed() {
    let verdict = |path: &str| {
        let mut scene = Scene::new();
        scene.chain = vec![fixture(path)];
        scene.verdict("weak-signature")
    };
    assert!(matches!(verdict("judge/issued-md5"), Verdict::Fail(_)));
    assert!(matches!(verdict("judge/issued-sha1"), Verdict::Fail(_)));
    assert_eq!(verdict("judge/issued-sha256"), Verdict::Pass);
    assert_eq!(verdict("judge/issued-pss-sha256"), Verdict::Pass);
    for (pss, told) in [
        (
            "judge/issued-pss-sha1",
            "rsassaPss with SHA1 for the message",
        ),
        (
            "judge/issued-pss-mask-sha1",
            "rsassaPss with SHA1 for the mask",
        ),
    ] {
        let Verdict::Fail(flaws) = verdict(pss) else {
            panic!("{pss}");
        };
        assert_eq!(flaws[0].detail, told);
    }
    for own in ["x509/rsa-1024-md5", "x509/rsa-1024-sha1", "x509/ed448"] {
        assert_eq!(verdict(own), Verdict::NotApplicable, "{own}");
    }
}

#[test]
fn the_pointer_name_counts_where_it_is_required() {
    let mut scene = Scene::new();
    assert_eq!(scene.verdict("name-mismatch"), Verdict::Pass);
    scene.limits.pointer_names = PointerNames::Required;
    assert_eq!(
        detail(&scene, "name-mismatch").as_deref(),
        Some("not for host7.example.net, but for www.example.com")
    );
    scene.place().pointer = Some("www.example.com".to_owned());
    scene.place().server_name = None;
    assert_eq!(scene.verdict("name-mismatch"), Verdict::Pass);
}

#[test]
fn a_name_that_only_the_common_name_has_is_no_match() {
    let mut scene = Scene::with_leaf(|leaf| leaf.subject_alt_names.clear());
    let detail_of = |scene: &Scene| detail(scene, "name-mismatch").unwrap();
    assert!(detail_of(&scene).contains("by its common name only"));
    scene.place().server_name = Some("else.example.com".to_owned());
    assert_eq!(detail_of(&scene), "not for else.example.com");
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
    scene.chain.push(super::scene::read(b"\x30\x03no!"));
    let found = flaws(&scene, "invalid");
    assert_eq!(found[0].certificate, Some(scene.chain[2].fingerprint));
    assert!(found[0].detail.starts_with("unparsed: "));
}

#[test]
fn the_fix_of_an_incomplete_chain_is_named() {
    let mut scene = Scene::new();
    let fix = Fingerprint::of(b"intermediate");
    scene.assessment.trust = Trust::IncompleteChain;
    scene.assessment.reason = "no issuer".to_owned();
    scene.assessment.missing_intermediate = Some(fix);
    assert_eq!(
        detail(&scene, "incomplete-chain"),
        Some(format!("no issuer: {fix}"))
    );
}

#[test]
fn a_predecessor_without_a_readable_key_says_nothing() {
    let mut scene = Scene::new();
    let mut predecessor = (*scene.chain[0]).clone();
    predecessor.facts.as_mut().unwrap().public_key.spki = None;
    scene.past.predecessor = Some(Arc::new(predecessor));
    assert_eq!(scene.verdict("key-unchanged"), Verdict::NotApplicable);
}

/// A scene below a root that was not sent, and that ends then.
fn below_a_root_until(end: &str) -> Scene {
    let mut scene = Scene::new();
    scene.assessment.unsent = vec![Unsent {
        fingerprint: Fingerprint::of(b"root"),
        subject: "CN=Example Root".to_owned(),
        not_before: Some(time("2016-06-01T00:00:00Z")),
        not_after: Some(time(end)),
    }];
    scene
}

#[test]
fn a_root_that_was_not_sent_is_judged_by_its_dates() {
    let found = |scene: &Scene, rule| {
        let flaws = flaws(scene, rule).into_iter();
        let told = flaws.map(|flaw| (flaw.severity, flaw.detail, flaw.certificate));
        told.collect::<Vec<_>>()
    };
    let root = Some(Fingerprint::of(b"root"));
    let over = below_a_root_until("2026-06-01T00:00:00Z");
    let detail = "CN=Example Root: expired 1 day ago, at 2026-06-01T00:00:00Z";
    assert_eq!(found(&over, "expired"), [(None, detail.to_owned(), root)]);
    assert_eq!(over.verdict("expiring"), Verdict::Pass);
    let soon = below_a_root_until("2026-06-04T00:00:00Z");
    let detail = "CN=Example Root: ends in 2 days, at 2026-06-04T00:00:00Z".to_owned();
    let told = (Some(Severity::Critical), detail, root);
    assert_eq!(found(&soon, "expiring"), [told]);
    let mut early = below_a_root_until("2036-06-01T00:00:00Z");
    early.assessment.unsent[0].not_before = Some(time("2026-06-03T00:00:00Z"));
    let detail = "CN=Example Root: not valid before 2026-06-03T00:00:00Z".to_owned();
    assert_eq!(found(&early, "not-yet-valid"), [(None, detail, root)]);
}

#[test]
fn what_was_sent_in_vain_is_counted_and_named() {
    let mut scene = Scene::new();
    scene.chain.push(Arc::clone(&scene.chain[1]));
    scene.chain.push(super::scene::read(b"no certificate"));
    scene.chain.push(fixture("judge/roca"));
    scene.facts_at(4).subject.common_name = Some("Spare CA".to_owned());
    scene.assessment.duplicates = vec![2];
    let said = |scene: &Scene| detail(scene, "extra-certificates").unwrap();
    let again = "1 certificate sent before: Example Issuing CA 1";
    assert_eq!(said(&scene), again);
    scene.assessment.extra = vec![3, 4];
    let extra = "2 certificates not needed: one that can't be read, Spare CA";
    assert_eq!(said(&scene), format!("{extra}; {again}"));
    scene.facts_at(4).subject.common_name = None;
    scene.facts_at(4).subject.distinguished_name = "O=Spare".to_owned();
    assert!(said(&scene).contains(", O=Spare; "));
    scene.facts_at(4).subject.distinguished_name.clear();
    assert!(said(&scene).contains(", one without a name; "));
}

#[test]
fn where_the_path_is_not_known_nothing_is_extra() {
    for trust in [Trust::Invalid, Trust::Unchecked] {
        let mut scene = Scene::new();
        scene.assessment.extra = vec![1];
        scene.assessment.trust = trust;
        assert_eq!(scene.verdict("extra-certificates"), Verdict::NotApplicable);
    }
}
