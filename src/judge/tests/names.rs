//! Which names a certificate has to be for.

use super::scene::Scene;
use super::{detail, flaws};
use crate::domain::Trust;
use crate::judge::{Judge, PointerNames, Policy, Verdict};

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

/// What a server shows without a name in place of these, which it declined.
fn instead_of(names: &[&str]) -> Scene {
    let mut scene = Scene::new();
    scene.place().server_name = None;
    scene.place().declined_names = names.iter().map(ToString::to_string).collect();
    scene
}

#[test]
fn what_is_shown_in_place_of_a_declined_name_should_be_for_it() {
    let mut scene = instead_of(&["mail.example.com"]);
    assert_eq!(
        detail(&scene, "name-mismatch").as_deref(),
        Some("not for mail.example.com, which the server does not know, but for www.example.com")
    );
    let judgement = scene.judge(&Judge::new(Policy::default()));
    assert_eq!(judgement.trust, Trust::Trusted, "no name was sent");
    let verdict = |scene: &Scene| scene.verdict("name-mismatch");
    assert_eq!(verdict(&instead_of(&["WWW.example.com"])), Verdict::Pass);
    assert_eq!(verdict(&instead_of(&[])), Verdict::NotApplicable);
    scene.facts().alternative_names.clear();
    assert_eq!(
        detail(&scene, "name-mismatch").as_deref(),
        Some("not for mail.example.com, which the server does not know")
    );
    scene.place = None;
    assert_eq!(verdict(&scene), Verdict::NotApplicable, "an import");
}

#[test]
fn however_many_names_were_declined_it_is_one_flaw() {
    let names = ["a.test", "b.test", "www.example.com", "c.test", "d.test"];
    let names = [&names[..], &["e.test", "f.test", "g.test"]].concat();
    let flaws = flaws(&instead_of(&names), "name-mismatch");
    assert_eq!(flaws.len(), 1);
    let told = "not for a.test, b.test, c.test, d.test, e.test and 2 more, \
        which the server does not know, but for www.example.com";
    assert_eq!(flaws[0].detail, told);
}

#[test]
fn a_name_that_only_the_common_name_has_is_no_match() {
    let mut scene = Scene::with_leaf(|leaf| leaf.subject_alt_names.clear());
    let detail_of = |scene: &Scene| detail(scene, "name-mismatch").unwrap();
    assert!(detail_of(&scene).contains("by its common name only"));
    scene.place().server_name = Some("else.example.com".to_owned());
    assert_eq!(detail_of(&scene), "not for else.example.com");
}
