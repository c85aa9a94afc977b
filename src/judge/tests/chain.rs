//! What is said of the certificates beside the leaf: those that were sent, those
//! that were sent in vain, and those that were not.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose;

use super::scene::{Scene, fixture, read, time};
use super::{detail, flaws};
use crate::domain::{Fingerprint, Severity, Trust};
use crate::judge::{Judge, Verdict};
use crate::x509::Facts;

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

/// A scene below a root that was not sent, and that ends then.
fn below_a_root_until(end: &str) -> Scene {
    below_a_root_with(|root| root.not_after = Some(time(end)))
}

/// A scene below a root that was not sent, of which this is read.
fn below_a_root_with(change: impl FnOnce(&mut Facts)) -> Scene {
    let mut root = (*Scene::new().chain[1]).clone();
    root.fingerprint = Fingerprint::of(b"root");
    let facts = root.facts.as_mut().unwrap();
    facts.subject.distinguished_name = "CN=Example Root".to_owned();
    facts.not_before = Some(time("2016-06-01T00:00:00Z"));
    facts.not_after = Some(time("2036-06-01T00:00:00Z"));
    change(facts);
    Scene::below_unsent(Arc::new(root))
}

#[test]
fn a_judgement_tells_when_ends_what_was_not_sent() {
    let told = |scene: &Scene| scene.judge(&Judge::default()).unsent_not_after;
    assert_eq!(told(&Scene::new()), None);
    let soon = below_a_root_until("2026-06-04T00:00:00Z");
    assert_eq!(told(&soon), Some(time("2026-06-04T00:00:00Z")));
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
    let early = below_a_root_with(|root| root.not_before = Some(time("2026-06-03T00:00:00Z")));
    let detail = "CN=Example Root: not valid before 2026-06-03T00:00:00Z".to_owned();
    assert_eq!(found(&early, "not-yet-valid"), [(None, detail, root)]);
}

#[test]
fn an_intermediate_that_is_not_for_servers_is_named() {
    use ExtendedKeyUsagePurpose::{Any, EmailProtection, ServerAuth};
    let with_usages = |usages: &[ExtendedKeyUsagePurpose]| {
        Scene::with_intermediate(|authority| authority.extended_key_usages = usages.to_vec())
    };
    let mut scene = with_usages(&[EmailProtection]);
    let [flaw] = &flaws(&scene, "eku-wrong")[..] else {
        panic!("{:?}", scene.verdict("eku-wrong"));
    };
    assert_eq!(flaw.certificate, Some(scene.chain[1].fingerprint));
    let told = "CN=Example Issuing CA 1: only for emailProtection";
    assert_eq!(flaw.detail, told);
    assert_eq!(flaw.severity, None);
    scene.assessment.path = vec![0];
    let verdict = |scene: &Scene| scene.verdict("eku-wrong");
    assert_eq!(verdict(&scene), Verdict::Pass, "it was sent in vain");
    scene.assessment.path = vec![0, 1];
    let root = scene.assessment.root.as_mut().unwrap();
    root.fingerprint = scene.chain[1].fingerprint;
    assert_eq!(verdict(&scene), Verdict::Pass, "it is the root");
    scene.place = None;
    assert_eq!(verdict(&scene), Verdict::NotApplicable, "an import");
    for sound in [&[][..], &[ServerAuth], &[Any, ServerAuth]] {
        assert_eq!(verdict(&with_usages(sound)), Verdict::Pass, "{sound:?}");
    }
}

#[test]
fn to_be_for_anything_is_not_to_be_for_servers() {
    let any = vec![ExtendedKeyUsagePurpose::Any];
    let leaf = Scene::with_leaf(|leaf| leaf.extended_key_usages = any.clone());
    let told = "only for anyExtendedKeyUsage";
    assert_eq!(detail(&leaf, "eku-wrong").as_deref(), Some(told));
    let above = Scene::with_intermediate(|authority| authority.extended_key_usages = any);
    let told = format!("CN=Example Issuing CA 1: {told}");
    assert_eq!(detail(&above, "eku-wrong"), Some(told));
}

#[test]
fn what_was_sent_in_vain_is_counted_and_named() {
    let mut scene = Scene::new();
    scene.chain.push(Arc::clone(&scene.chain[1]));
    scene.chain.push(read(b"no certificate"));
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
fn where_the_path_is_not_known_nothing_is_extra_but_what_was_sent_twice() {
    let spoiled = |trust| {
        let mut scene = Scene::new();
        scene.assessment.extra = vec![1];
        scene.assessment.trust = trust;
        scene
    };
    let mut incomplete = spoiled(Trust::IncompleteChain);
    let whole = detail(&incomplete, "extra-certificates");
    assert_eq!(
        whole.as_deref(),
        Some("1 certificate not needed: Example Issuing CA 1"),
        "it lacks an intermediate that is known"
    );
    incomplete.assessment.root = None;
    let scenes = [
        incomplete,
        spoiled(Trust::Invalid),
        spoiled(Trust::Unchecked),
    ];
    for mut scene in scenes {
        let verdict = scene.verdict("extra-certificates");
        assert_eq!(verdict, Verdict::NotApplicable);
        scene.chain.push(Arc::clone(&scene.chain[1]));
        scene.assessment.duplicates = vec![2];
        let told = detail(&scene, "extra-certificates");
        let again = "1 certificate sent before: Example Issuing CA 1";
        assert_eq!(told.as_deref(), Some(again));
    }
}
