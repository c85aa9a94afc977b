//! What stays behind where a certificate moved away, and what becomes of it.

use super::known::known;
use super::moves::{DAY, find_name};
use super::versions::{climbed, see, tried};
use super::*;
use crate::report::{EventKind, InstallationState};

/// A scan a day from this one on, each of which finds one of these at an
/// address.
async fn take_turns(store: &mut Store, address: &str, turns: &[&str]) {
    for (day, name) in (0..).zip(turns) {
        let seen = presenting(address, 443, &[name], day * DAY);
        store.scan(batch(vec![seen])).await;
    }
}

/// A scan that finds these certificates, and nobody where they had been.
async fn find_elsewhere(store: &mut Store, found: &[(&str, &str)], day: i64) {
    let left = looking("10.0.0.1", 443, Outcome::Refused, day * DAY);
    let found = found.iter();
    let found = found.map(|(at, name)| presenting(at, 443, &[name], day * DAY));
    store.scan(batch(found.chain([left]).collect())).await;
}

/// What there was at the address that others left.
async fn left_behind(store: &Store) -> Vec<(Fingerprint, InstallationState)> {
    let rows = store.history().await;
    let left = rows.iter().filter(|row| row.ip == Some(ip("10.0.0.1")));
    left.map(|row| (row.certificate.sha256, row.state))
        .collect()
}

#[tokio::test]
async fn what_took_turns_with_a_certificate_that_moves_is_missing_until_it_is_gone() {
    use InstallationState::{Gone, Missing};
    for turns in [["a", "b", "a", "b", "a"], ["b", "a", "b", "a", "b"]] {
        let mut store = Store::new().await;
        take_turns(&mut store, "10.0.0.1", &turns).await;
        let before = store.events().await.len();
        find_elsewhere(&mut store, &[("10.0.0.2", "a")], 5).await;
        assert_eq!(
            store.events().await[before..],
            ["6 moved 10.0.0.2", "6 missing 10.0.0.1"]
        );
        let mut left = [(hash_of("a"), Gone), (hash_of("b"), Missing)];
        for day in [6, 10, 11] {
            let mut found = left_behind(&store).await;
            found.sort_by_key(|(certificate, _)| *certificate != hash_of("a"));
            assert_eq!(found, left, "before day {day}");
            find_elsewhere(&mut store, &[("10.0.0.2", "a")], day).await;
        }
        left[1].1 = Gone;
        let mut found = left_behind(&store).await;
        found.sort_by_key(|(certificate, _)| *certificate != hash_of("a"));
        assert_eq!(found, left);
        assert_eq!(store.events().await[before + 2..], ["9 gone 10.0.0.1"]);
    }
}

#[tokio::test]
async fn two_that_took_turns_move_each_for_itself() {
    let mut store = Store::new().await;
    take_turns(&mut store, "10.0.0.1", &["a", "b", "a", "b"]).await;
    let before = store.events().await.len();
    let found = [("10.0.0.2", "a"), ("10.0.0.3", "b")];
    find_elsewhere(&mut store, &found, 4).await;
    assert_eq!(
        store.events().await[before..],
        ["5 moved 10.0.0.2", "5 moved 10.0.0.3"]
    );
}

#[tokio::test]
async fn a_name_takes_along_one_of_those_that_took_turns() {
    let mut store = Store::new().await;
    for (week, name) in (0..).zip(["a", "b", "a", "b"]) {
        find_name(&mut store, "10.0.0.1", name, week).await;
    }
    let before = store.events().await.len();
    let mut told = Vec::new();
    for week in 4..10 {
        find_name(&mut store, "10.0.0.2", "a", week).await;
        let mut left = left_behind(&store).await;
        left.retain(|(certificate, _)| *certificate == hash_of("b"));
        told.extend(left.iter().map(|(_, state)| state.as_str()));
    }
    let expected = "current current missing missing missing gone";
    assert_eq!(told.join(" "), expected);
    assert_eq!(
        store.events().await[before..],
        [
            "5 moved www.example",
            "7 missing www.example",
            "10 gone www.example"
        ]
    );
    let events = store.event_rows(&Filter::default()).await;
    assert!(events.iter().all(|event| event.kind != EventKind::Moved
        || (event.sha256, event.previous) == (hash_of("a"), None)));
}

#[tokio::test]
async fn the_place_that_a_certificate_left_is_known_until_it_is_certain() {
    let mut store = Store::new().await;
    find_elsewhere(&mut store, &[("10.0.0.9", "other")], 0).await;
    take_turns(&mut store, "10.0.0.1", &["a"]).await;
    find_elsewhere(&mut store, &[("10.0.0.2", "a")], 1).await;
    let is_known = async |store: &Store, day: i64| {
        let known = known(store, day * DAY + 1).await;
        known.iter().any(|target| target.starts_with("10.0.0.1:"))
    };
    for day in 2..7 {
        find_elsewhere(&mut store, &[("10.0.0.2", "a")], day).await;
        assert!(is_known(&store, day).await, "day {day}");
    }
    assert!(is_known(&store, 100).await, "nobody looked");
    find_elsewhere(&mut store, &[("10.0.0.2", "a")], 7).await;
    assert!(!is_known(&store, 7).await);
    assert!(is_known(&store, 6).await, "as of then");
    let told = store.events().await;
    assert_eq!(told.last().unwrap(), "3 moved 10.0.0.2", "{told:?}");
}

#[tokio::test]
async fn a_twin_that_was_down_while_another_came_returns() {
    let mut store = Store::new().await;
    take_turns(&mut store, "10.0.0.1", &["a"]).await;
    find_elsewhere(&mut store, &[("10.0.0.2", "a")], 1).await;
    let both = ["10.0.0.1", "10.0.0.2"].map(|at| presenting(at, 443, &["a"], 2 * DAY));
    store.scan(batch(both.to_vec())).await;
    assert_eq!(
        store.events().await,
        ["1 new 10.0.0.1", "2 moved 10.0.0.2", "3 returned 10.0.0.1"]
    );
    // Once it is gone for good, nothing of the first time keeps it known.
    for day in [3, 9] {
        find_elsewhere(&mut store, &[("10.0.0.2", "a")], day).await;
    }
    assert_eq!(known(&store, 10 * DAY).await, ["10.0.0.2:443 tls"]);
}

/// A certificate by TLS 1.2 has moved, and another is where it was, by TLS 1.3,
/// after these hellos were refused.
async fn followed_by_another(refused: &[&str]) -> Store {
    let mut store = Store::new().await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "a", 0)).await;
    find_elsewhere(&mut store, &[("10.0.0.2", "a")], 1).await;
    see(&mut store, climbed(refused, TlsVersion::TLS_1_3, "b", 2)).await;
    store
}

#[tokio::test]
async fn what_is_said_of_a_certificate_that_moved_is_not_said_of_the_one_after_it() {
    use InstallationState::{Current, Gone, Missing};
    let heard = ("tls1.2", OutcomeKind::TlsRefused);
    let lost = ("tls1.3", OutcomeKind::Silent);
    for hellos in [&[][..], &["tls1.2"]] {
        let mut store = followed_by_another(hellos).await;
        let told = [(3, Current), (4, Current), (5, Missing), (8, Missing)];
        let later = [(9, Missing), (11, Gone)];
        for (day, state) in told.into_iter().chain(later) {
            see(&mut store, tried(day, refused(), &[heard, lost])).await;
            let mut left = left_behind(&store).await;
            left.retain(|(certificate, _)| *certificate == hash_of("b"));
            assert_eq!(left, [(hash_of("b"), state)], "{hellos:?}, day {day}");
        }
    }
    // Nor is it one of the looks that are enough together.
    let mut store = followed_by_another(&[]).await;
    for day in 3..9 {
        see(&mut store, tried(day, refused(), &[heard])).await;
    }
    see(&mut store, tried(9, refused(), &[lost])).await;
    let left = left_behind(&store).await;
    assert!(left.contains(&(hash_of("b"), Current)), "{left:?}");
}

#[tokio::test]
async fn nobody_looks_for_what_moved_where_an_answer_might_have_been_it() {
    let heard = ("tls1.3", OutcomeKind::TlsRefused);
    for (hellos, is_left) in [(&["tls1.2"][..], true), (&[], false)] {
        let mut store = followed_by_another(hellos).await;
        for day in [3, 9] {
            see(&mut store, tried(day, refused(), &[heard])).await;
        }
        let known = known(&store, 10 * DAY).await;
        let is_known = known.iter().any(|at| at.starts_with("10.0.0.1:"));
        assert_eq!(is_known, !is_left, "{hellos:?}: {known:?}");
    }
}

#[tokio::test]
async fn a_twin_that_comes_back_after_another_took_its_place_returns() {
    let mut store = followed_by_another(&["tls1.2"]).await;
    let both = ["10.0.0.1", "10.0.0.2"].map(|at| presenting(at, 443, &["a"], 3 * DAY));
    store.scan(batch(both.to_vec())).await;
    let told = store.events().await;
    assert!(told.contains(&"4 returned 10.0.0.1".to_owned()), "{told:?}");
}
