//! What the policy makes of findings: settings, overrides, owners,
//! acceptances.

use std::collections::BTreeMap;

use super::scene::{Scene, time};
use crate::domain::{Severity, Timestamp, Trust};
use crate::judge::{
    Acceptance, Judge, Judgement, LimitChanges, Override, Owner, Policy, RuleSetting, Selector,
    Verdict,
};

/// No SAN (warning) and the name is wrong (error); a wildcard in the common
/// name (notice).
fn spoiled() -> Scene {
    let mut scene = Scene::new();
    scene.facts().alternative_names.clear();
    scene.facts().subject.common_name = Some("*.example.com".to_owned());
    scene
}

fn found(judgement: &Judgement) -> Vec<(&'static str, Severity)> {
    let findings = judgement.findings.iter();
    findings
        .map(|finding| (finding.rule, finding.severity))
        .collect()
}

fn in_networks(networks: &[&str]) -> Selector {
    Selector {
        networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        ..Selector::default()
    }
}

fn by_names(names: &[&str]) -> Selector {
    Selector {
        names: names.iter().map(|text| text.parse().unwrap()).collect(),
        ..Selector::default()
    }
}

fn by_issuers(issuers: &[&str]) -> Selector {
    Selector {
        issuers: issuers.iter().map(|text| text.parse().unwrap()).collect(),
        ..Selector::default()
    }
}

fn acceptance(selector: Selector, finding: &'static str, until: &str) -> Acceptance {
    Acceptance {
        selector,
        finding,
        owner: "ops".to_owned(),
        reason: "replacement ordered".to_owned(),
        until: time(until),
        origin: "c.toml:1".to_owned(),
    }
}

#[test]
fn findings_come_worst_first() {
    let judgement = spoiled().judge(&Judge::default());
    assert_eq!(
        found(&judgement),
        [
            ("name-mismatch", Severity::Error),
            ("no-san", Severity::Warning),
            ("wildcard", Severity::Notice),
        ]
    );
    assert_eq!(judgement.severity(), Some(Severity::Error));
}

#[test]
fn a_wrong_name_takes_the_trust_of_a_trusted_chain_only() {
    let mut scene = spoiled();
    let judgement = scene.judge(&Judge::default());
    assert_eq!(judgement.trust, Trust::NameMismatch);
    assert_eq!(
        judgement.trust_reason,
        "for www.example.com by its common name only, which clients no longer look at"
    );
    assert_eq!(judgement.trusted_by, ["mozilla"]);
    scene.assessment.trust = Trust::Expired;
    assert_eq!(scene.judge(&Judge::default()).trust, Trust::Expired);
    scene.assessment.trust = Trust::Trusted;
    scene.place().server_name = None;
    let bare_address = scene.judge(&Judge::default());
    assert_eq!(bare_address.trust, Trust::Trusted);
}

#[test]
fn trust_depends_on_no_setting_of_the_rule() {
    let rules = BTreeMap::from([("name-mismatch", RuleSetting::Off)]);
    let judge = Judge::new(Policy {
        rules,
        ..Policy::default()
    });
    let judgement = spoiled().judge(&judge);
    assert_eq!(judgement.trust, Trust::NameMismatch);
    assert_eq!(found(&judgement).len(), 2);
}

#[test]
fn the_first_override_that_speaks_of_a_rule_decides_it() {
    let setting = |rule, setting| BTreeMap::from([(rule, setting)]);
    let judge = Judge::new(Policy {
        rules: BTreeMap::from([
            ("wildcard", RuleSetting::Off),
            ("no-san", RuleSetting::Severity(Severity::Info)),
        ]),
        overrides: vec![
            Override {
                selector: in_networks(&["10.9.0.0/16"]),
                rules: setting("no-san", RuleSetting::Off),
                ..Override::default()
            },
            Override {
                selector: in_networks(&["10.0.0.0/24", "::/0"]),
                rules: setting("wildcard", RuleSetting::On),
                ..Override::default()
            },
            Override {
                selector: by_names(&["WWW.example.*"]),
                rules: BTreeMap::from([
                    ("wildcard", RuleSetting::Severity(Severity::Critical)),
                    ("no-san", RuleSetting::Severity(Severity::Critical)),
                ]),
                ..Override::default()
            },
        ],
        ..Policy::default()
    });
    assert_eq!(
        found(&spoiled().judge(&judge)),
        [
            ("no-san", Severity::Critical),
            ("name-mismatch", Severity::Error),
            ("wildcard", Severity::Notice),
        ]
    );
    let mut elsewhere = spoiled();
    elsewhere.place().address = [192, 0, 2, 1].into();
    elsewhere.place().server_name = None;
    assert_eq!(
        found(&elsewhere.judge(&judge)),
        [("no-san", Severity::Info)]
    );
}

#[test]
fn a_severity_of_the_policy_stands_over_the_rules_own() {
    let mut scene = Scene::new();
    scene.now = time("2026-08-29T00:00:00Z");
    scene.place().last_checked = Some(scene.now);
    let expiring = |judge: &Judge| found(&scene.judge(judge))[0];
    assert_eq!(
        expiring(&Judge::default()),
        ("expiring", Severity::Critical)
    );
    let judge = Judge::new(Policy {
        rules: BTreeMap::from([("expiring", RuleSetting::Severity(Severity::Notice))]),
        ..Policy::default()
    });
    assert_eq!(expiring(&judge), ("expiring", Severity::Notice));
}

#[test]
fn limits_are_the_first_overrides_that_names_them() {
    let limits = |ports_per_host, dh_bits| LimitChanges {
        dh_bits,
        ports_per_host,
        ..LimitChanges::default()
    };
    let over = |selector, limits| Override {
        selector,
        limits,
        ..Override::default()
    };
    let judge = Judge::new(Policy {
        overrides: vec![
            over(in_networks(&["10.0.0.0/8"]), limits(Some(5), None)),
            over(
                by_issuers(&["Example Issuing CA ?"]),
                limits(Some(1), Some(4096)),
            ),
        ],
        ..Policy::default()
    });
    let mut scene = Scene::new();
    scene.place().ports_with_it = 5;
    let dhe = crate::domain::KeyExchange::Dhe { bits: 3072 };
    scene.place().key_exchange = Some(dhe);
    assert_eq!(found(&scene.judge(&judge)), [("weak-dh", Severity::Error)]);
    scene.place().ports_with_it = 6;
    assert_eq!(found(&scene.judge(&judge)).len(), 2);
}

#[test]
fn the_first_owner_that_matches_gives_its_tags() {
    let owner = |selector, owner: &str, tags: &[&str]| Owner {
        selector,
        owner: owner.to_owned(),
        tags: tags.iter().map(ToString::to_string).collect(),
    };
    let both = Selector {
        names: by_names(&["*.example.com"]).names,
        ..in_networks(&["192.0.2.0/24"])
    };
    let judge = Judge::new(Policy {
        owners: vec![
            owner(both, "neither", &[]),
            owner(by_issuers(&["CN=Example Root,*"]), "crypto", &["kmip", "x"]),
            owner(Selector::default(), "everybody", &[]),
        ],
        ..Policy::default()
    });
    let mut scene = Scene::new();
    scene.now = time("2026-08-05T00:00:00Z");
    let judgement = scene.judge(&judge);
    assert_eq!(judgement.owner.as_deref(), Some("crypto"));
    assert_eq!(judgement.tags, ["kmip", "x"]);
    // 24 days left of 90: by the tag, and not without it.
    assert!(found(&judgement).contains(&("expiring", Severity::Warning)));
    scene.assessment.root = None;
    let judgement = scene.judge(&judge);
    assert_eq!(judgement.owner.as_deref(), Some("everybody"));
    assert!(
        !found(&judgement)
            .iter()
            .any(|(rule, _)| *rule == "expiring")
    );
}

#[test]
fn a_selector_looks_at_every_name_and_an_import_has_no_network() {
    let owns = |selector: Selector, scene: &Scene| {
        let judge = Judge::new(Policy {
            owners: vec![Owner {
                selector,
                owner: "a".to_owned(),
                tags: Vec::new(),
            }],
            ..Policy::default()
        });
        scene.judge(&judge).owner.is_some()
    };
    let mut scene = Scene::new();
    scene.facts().subject.common_name = Some("common".to_owned());
    scene.place().server_name = Some("asked".to_owned());
    for name in ["asked", "host7.*", "10.0.0.7", "common", "www.example.com"] {
        assert!(owns(by_names(&["no", name]), &scene), "{name}");
    }
    assert!(!owns(by_names(&["example.com"]), &scene));
    assert!(owns(in_networks(&["10.0.0.0/8"]), &scene));
    assert!(!owns(by_names(&["shop.test"]), &scene));
    scene.place().declined_names = vec!["shop.test".to_owned()];
    assert!(owns(by_names(&["shop.test"]), &scene), "declined");
    scene.place = None;
    assert!(!owns(in_networks(&["0.0.0.0/0"]), &scene));
    assert!(owns(by_names(&["common"]), &scene));
}

#[test]
fn issuers_are_known_by_either_name_of_theirs_and_of_their_root() {
    for name in [
        "Example Issuing CA 1",
        "CN=Example Issuing CA 1",
        "Example Root",
        "CN=Example Root,O=Example Trust",
    ] {
        let owner = Owner {
            selector: by_issuers(&[name]),
            owner: "crypto".to_owned(),
            tags: Vec::new(),
        };
        let judge = Judge::new(Policy {
            owners: vec![owner],
            ..Policy::default()
        });
        let mut scene = Scene::new();
        assert!(scene.judge(&judge).owner.is_some(), "{name}");
        scene.limits.approved_issuers = vec![name.parse().unwrap()];
        assert_eq!(
            scene.verdict("issuer-not-approved"),
            Verdict::Pass,
            "{name}"
        );
    }
}

#[test]
fn an_accepted_finding_does_not_count_until_its_acceptance_lapses() {
    let until = "2026-07-01T00:00:00Z";
    let judge = Judge::new(Policy {
        acceptances: vec![acceptance(
            in_networks(&["10.0.0.7"]),
            "name-mismatch",
            until,
        )],
        ..Policy::default()
    });
    let mut scene = spoiled();
    scene.place().last_checked = Some(time(until));
    scene.now = Timestamp::from_micros(time(until).micros() - 1);
    let judgement = scene.judge(&judge);
    assert_eq!(judgement.severity(), Some(Severity::Warning));
    let [accepted] = judgement.accepted.as_slice() else {
        panic!("{judgement:?}");
    };
    assert_eq!(accepted.finding.rule, "name-mismatch");
    assert_eq!(accepted.finding.severity, Severity::Error);
    assert_eq!(accepted.owner, "ops");
    assert_eq!(accepted.until, time(until));
    scene.now = time(until);
    let judgement = scene.judge(&judge);
    assert_eq!(judgement.accepted, []);
    assert_eq!(judgement.severity(), Some(Severity::Error));
}

#[test]
fn of_several_acceptances_the_first_that_still_holds_counts() {
    let everywhere = || in_networks(&["0.0.0.0/0"]);
    let judge = Judge::new(Policy {
        acceptances: vec![
            acceptance(everywhere(), "no-san", "2026-06-01T00:00:00Z"),
            acceptance(everywhere(), "no-san", "2027-01-01T00:00:00Z"),
            acceptance(everywhere(), "no-san", "2028-01-01T00:00:00Z"),
        ],
        ..Policy::default()
    });
    let judgement = spoiled().judge(&judge);
    assert_eq!(judgement.accepted.len(), 1);
    assert_eq!(judgement.accepted[0].until, time("2027-01-01T00:00:00Z"));
}

#[test]
fn acceptances_that_no_finding_matches_are_known() {
    let until = "2026-06-01T00:00:00Z";
    let judge = Judge::new(Policy {
        acceptances: vec![
            acceptance(in_networks(&["192.0.2.0/24"]), "no-san", until),
            acceptance(by_names(&["www.*"]), "expired", until),
            acceptance(by_names(&["www.*"]), "wildcard", until),
        ],
        ..Policy::default()
    });
    assert_eq!(judge.unmatched().len(), 3, "before anything was judged");
    let _ = spoiled().judge(&judge);
    let unmatched: Vec<_> = judge.unmatched().iter().map(|it| it.finding).collect();
    assert_eq!(
        unmatched,
        ["no-san", "expired"],
        "the third lapsed, but matches"
    );
}
