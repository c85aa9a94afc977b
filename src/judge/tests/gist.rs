use std::time::Duration;

use proptest::prelude::*;

use super::scene::Scene;
use crate::domain::Timestamp;
use crate::judge::{
    Acceptance, Gist, Judge, LimitChanges, Override, Owner, Place, PointerNames, Policy, Selector,
};

const DAY: u64 = 86_400;

fn selectors() -> impl Strategy<Value = Selector> {
    let names = prop::sample::select(vec!["*", "10.0.0.*", "host7.*", "www.example.com"]);
    let networks = prop::sample::select(vec!["10.0.0.0/24", "10.0.1.0/24"]);
    let issuers = prop::sample::select(vec!["Example *", "Another *"]);
    let any = prop::option::of;
    (any(names), any(networks), any(issuers)).prop_map(|(name, network, issuer)| Selector {
        names: name.into_iter().map(|it| it.parse().unwrap()).collect(),
        networks: network.into_iter().map(|it| it.parse().unwrap()).collect(),
        issuers: issuer.into_iter().map(|it| it.parse().unwrap()).collect(),
    })
}

fn limits() -> impl Strategy<Value = LimitChanges> {
    let ages = prop::option::of((0..20_u64).prop_map(|days| Duration::from_secs(days * DAY)));
    let ports = prop::option::of(0..4_u32);
    let pointers = [PointerNames::Required, PointerNames::Ignored];
    let pointers = prop::option::of(prop::sample::select(pointers.to_vec()));
    (ages, ports, pointers).prop_map(|(max_age, ports_per_host, pointer_names)| LimitChanges {
        max_age,
        ports_per_host,
        pointer_names,
        ..LimitChanges::default()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let some = |of| prop::collection::vec(of, 0..3);
    let overrides = prop::collection::vec((selectors(), limits()), 0..3);
    (limits(), overrides, some(selectors()), some(selectors())).prop_map(
        |(limits, overrides, owners, accepted)| {
            let mut policy = Policy::default();
            limits.apply(&mut policy.limits);
            let overrides = overrides.into_iter();
            policy.overrides = overrides
                .map(|(selector, limits)| Override {
                    selector,
                    limits,
                    ..Override::default()
                })
                .collect();
            let owners = owners.into_iter().zip(["web", "mail"]);
            policy.owners = owners
                .map(|(selector, owner)| Owner {
                    selector,
                    owner: owner.to_owned(),
                    tags: Vec::new(),
                })
                .collect();
            policy.acceptances = accepted.into_iter().map(accepted_staleness).collect();
            policy
        },
    )
}

fn accepted_staleness(selector: Selector) -> Acceptance {
    Acceptance {
        selector,
        finding: "stale-endpoint",
        owner: "somebody".to_owned(),
        reason: String::new(),
        until: Timestamp::from_micros(i64::MAX),
        origin: String::new(),
    }
}

/// The scene's place, but for what a gist may leave out.
fn places() -> impl Strategy<Value = Place> {
    let addresses = prop::sample::select(vec![[10, 0, 0, 7], [10, 0, 0, 8], [10, 0, 1, 7]]);
    let pointers = prop::sample::select(vec!["host7.example.net", "www.example.com"]);
    (addresses, prop::option::of(pointers), -1..20_i64, 1..5_u32).prop_map(
        |(address, pointer, days, ports_with_it)| {
            let scene = Scene::new();
            let day = i64::try_from(DAY * 1_000_000).unwrap();
            let checked = scene.now.micros() - days * day;
            Place {
                address: address.into(),
                pointer: pointer.map(str::to_owned),
                last_checked: (days != 7).then(|| Timestamp::from_micros(checked)),
                ports_with_it,
                ..scene.place.unwrap()
            }
        },
    )
}

proptest! {
    #[test]
    fn a_place_and_its_gist_are_judged_alike(policy in policies(), place in places()) {
        let mut scene = Scene::new();
        let gist = Gist::of(&policy).take(place.clone(), scene.now);
        let judge = Judge::new(policy);
        scene.place = Some(place);
        let judgement = scene.judge(&judge);
        scene.place = Some(gist);
        prop_assert_eq!(scene.judge(&judge), judgement);
    }
}

#[test]
fn neighbours_have_the_same_gist_where_nobody_tells_them_apart() {
    let now = Scene::new().now;
    let place = |address: [u8; 4], pointer: &str| Place {
        address: address.into(),
        pointer: Some(pointer.to_owned()),
        ..Scene::new().place.unwrap()
    };
    let (one, other) = (place([10, 0, 0, 7], "a"), place([10, 0, 0, 8], "b"));
    let mut policy = Policy::default();
    let gists = |policy: &Policy| {
        let gist = Gist::of(policy);
        [one.clone(), other.clone()].map(|place| gist.take(place, now))
    };
    let [first, second] = gists(&policy);
    assert_eq!(first, second);
    policy.owners.push(Owner {
        selector: Selector {
            networks: vec!["10.0.0.8/32".parse().unwrap()],
            ..Selector::default()
        },
        owner: "mail".to_owned(),
        tags: Vec::new(),
    });
    let [first, second] = gists(&policy);
    assert_ne!(first, second);
}

#[test]
fn what_was_not_looked_at_for_long_keeps_its_day() {
    let scene = Scene::new();
    let place = scene.place.clone().unwrap();
    let policy = Policy::default();
    let late = scene.now.micros() + i64::try_from(30 * DAY * 1_000_000).unwrap();
    let gist = Gist::of(&policy).take(place.clone(), Timestamp::from_micros(late));
    assert_eq!(gist.last_checked, place.last_checked);
}
