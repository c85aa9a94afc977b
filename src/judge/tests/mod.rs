mod chain;
mod connection;
mod examples;
mod gist;
mod limits;
mod names;
mod policy;
mod scene;
mod strength;

use std::collections::BTreeSet;
use std::path::Path;

use super::{ALL, Flaw, Judge, KeyFaults, Policy, Verdict};
use crate::domain::{Timestamp, Trust};
use examples::EXAMPLES;
use scene::Scene;

/// What a rule finds wrong; it must have something to say.
fn flaws(scene: &Scene, rule: &str) -> Vec<Flaw> {
    match scene.verdict(rule) {
        Verdict::NotApplicable => panic!("{rule} is silent"),
        Verdict::Pass => Vec::new(),
        Verdict::Fail(flaws) => flaws,
    }
}

/// The first of it.
fn detail(scene: &Scene, rule: &str) -> Option<String> {
    flaws(scene, rule).first().map(|flaw| flaw.detail.clone())
}

#[test]
fn every_rule_holds_fails_and_is_silent_where_it_should() {
    let ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
    let examples: Vec<_> = EXAMPLES.iter().map(|example| example.rule).collect();
    assert_eq!(ids, examples, "each rule has its example");
    for example in EXAMPLES {
        let id = example.rule;
        assert_eq!((example.passes)().verdict(id), Verdict::Pass, "{id}");
        let failed = (example.fails)().verdict(id);
        let Verdict::Fail(flaws) = failed else {
            panic!("{id}: {failed:?}");
        };
        assert!(!flaws.is_empty(), "{id}");
        assert!(flaws.iter().all(|flaw| !flaw.detail.is_empty()), "{id}");
        let silent = (example.is_silent)().verdict(id);
        assert_eq!(silent, Verdict::NotApplicable, "{id}");
    }
}

#[test]
fn every_file_of_a_rule_is_registered_by_its_id() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge/rules");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            path.file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .replace('_', "-")
        })
        .filter(|name| name != "mod")
        .collect();
    let ids: BTreeSet<String> = ALL.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(files, ids);
    assert_eq!(ids.len(), ALL.len());
}

#[test]
fn where_all_is_right_nothing_is_found() {
    let judgement = Scene::new().judge(&Judge::new(Policy::default()));
    assert_eq!(judgement.findings, []);
    assert_eq!(judgement.severity(), None);
    assert_eq!(judgement.trust, Trust::Trusted);
}

#[test]
fn every_rule_says_who_says_so_and_what_to_do() {
    for rule in ALL {
        for text in [rule.title, rule.citation, rule.advice] {
            assert!(!text.is_empty(), "{}", rule.id);
            assert!(!text.contains("  "), "{}", rule.id);
        }
        assert!(rule.advice.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn no_date_and_no_moment_is_trouble() {
    let ends = [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_micros);
    let judge = Judge::default();
    let mut scene = Scene::new();
    for now in ends {
        for start in ends {
            for end in ends {
                scene.now = now;
                scene.facts().not_before = Some(start);
                scene.facts().not_after = Some(end);
                let _ = scene.judge(&judge);
            }
        }
    }
}

#[test]
fn no_truncation_of_a_key_is_trouble() {
    let whole = scene::fixture("judge/roca");
    assert!(KeyFaults::of(&whole).roca);
    let der = whole.der.as_bytes();
    for end in 0..der.len() {
        let _ = KeyFaults::of(&scene::read(&der[..end]));
    }
}
