//! A certificate in place of one of another key type.

use super::moves::DAY;
use super::versions::{climbed, see};
use super::*;
use crate::report::{EventKind, InstallationState};

/// Ends 9 days after the beginning, and is due from the fourth day on.
const OLD: &str = "ecdsa-old";
/// Ends 12 days after it.
const NEW: &str = "rsa-renewing";

/// A batch of looks at one host, whose certificates are all for the same.
fn showing(looks: Vec<Observation>) -> Batch {
    let mut seen = batch(looks);
    for certificate in seen.certificates.values_mut() {
        let facts = certificate.facts.as_mut().unwrap();
        facts.subject = named("host.example");
        facts.alternative_names = vec!["host.example".to_owned()];
    }
    seen
}

fn open(name: &str, day: i64) -> Observation {
    presenting("10.0.0.1", 443, &[name], day * DAY)
}

/// A look for the first key type alone, soon after the other.
fn asked_for_old(mut observation: Observation) -> Observation {
    observation.at = Timestamp::from_seconds(observation.at.seconds() + 1);
    restricted(KeyType::Ecdsa, observation)
}

fn denied(day: i64) -> Observation {
    asked_for_old(looking("10.0.0.1", 443, refused(), day * DAY))
}

/// What there is, and the events that say so.
async fn told(store: &Store) -> (Vec<(Fingerprint, InstallationState)>, Vec<String>) {
    let rows = store.history().await;
    let states = rows.iter().map(|row| (row.certificate.sha256, row.state));
    (states.collect(), store.events().await)
}

#[tokio::test]
async fn a_renewal_may_change_the_key_type() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = Store::new().await;
    store.scan(showing(vec![open(OLD, 0)])).await;
    store.scan(showing(vec![open(NEW, 5)])).await;
    let (states, events) = told(&store).await;
    // Nobody asked whether the first is there still.
    assert_eq!(states, [(hash_of(OLD), Current), (hash_of(NEW), Current)]);
    assert_eq!(events, ["1 new 10.0.0.1", "2 renewed 10.0.0.1"]);
    let rows = store.history().await;
    let previous: Vec<_> = rows.iter().map(|row| row.previous).collect();
    assert_eq!(previous, [None, Some(hash_of(OLD))]);
    let dossiers = dossiers::dossiers(&store).await;
    assert_eq!(dossiers[1].predecessor, Some(hash_of(OLD)));
    assert_eq!(dossiers[0].successor, None, "it was not left behind");

    for (day, state) in [(6, Missing), (11, Missing), (12, Gone)] {
        store.scan(showing(vec![open(NEW, day), denied(day)])).await;
        let (states, _) = told(&store).await;
        assert_eq!(states, [(hash_of(OLD), state), (hash_of(NEW), Current)]);
    }
    let (_, events) = told(&store).await;
    assert_eq!(events[2..], ["3 missing 10.0.0.1", "5 gone 10.0.0.1"]);
}

#[tokio::test]
async fn a_key_type_that_was_asked_for_in_vain_was_renewed_whenever_that_was() {
    let mut store = Store::new().await;
    store.scan(showing(vec![open(OLD, 0)])).await;
    store.scan(showing(vec![open(NEW, 1), denied(1)])).await;
    let (_, events) = told(&store).await;
    let expected = ["1 new 10.0.0.1", "2 renewed 10.0.0.1", "2 missing 10.0.0.1"];
    assert_eq!(events, expected);
    let renewed = store.event_rows(&Filter::default()).await;
    let renewed = renewed.iter().find(|it| it.kind == EventKind::Renewed);
    assert_eq!(renewed.unwrap().previous, Some(hash_of(OLD)));
}

#[tokio::test]
async fn a_denial_that_is_stored_later_tells_the_same() {
    let mut store = Store::new().await;
    store.scan(showing(vec![open(OLD, 0)])).await;
    let scan = store.begin().await;
    for look in [open(NEW, 1), denied(1)] {
        let seen = showing(vec![look]);
        store.sink.write(scan, &seen).await.unwrap();
    }
    store.finish(scan).await;
    let (_, events) = told(&store).await;
    let expected = ["1 new 10.0.0.1", "2 renewed 10.0.0.1", "2 missing 10.0.0.1"];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn what_may_be_shown_beside_the_first_is_just_new() {
    let other_names = || batch(vec![open(NEW, 5)]);
    let ends_first = || showing(vec![open("rsa", 5)]);
    let found_by_asking = || {
        let second = restricted(KeyType::Rsa, open(NEW, 5));
        showing(vec![open(OLD, 5), second])
    };
    let both = || {
        let first = asked_for_old(open(OLD, 5));
        showing(vec![open(NEW, 5), first])
    };
    for second in [
        showing(vec![open(NEW, 3)]), // The first is not due.
        other_names(),
        ends_first(),
        found_by_asking(),
        both(),
    ] {
        let mut store = Store::new().await;
        store.scan(showing(vec![open(OLD, 0)])).await;
        store.scan(second).await;
        let (states, events) = told(&store).await;
        let current = states
            .iter()
            .filter(|(_, state)| *state == InstallationState::Current);
        assert_eq!(current.count(), 2);
        assert_eq!(events, ["1 new 10.0.0.1", "2 new 10.0.0.1"]);
    }
}

#[tokio::test]
async fn what_the_same_scan_sees_after_all_was_not_renewed() {
    let mut store = Store::new().await;
    store.scan(showing(vec![open(OLD, 0)])).await;
    let scan = store.begin().await;
    for look in [open(NEW, 5), asked_for_old(open(OLD, 5)), open(NEW, 5)] {
        let seen = showing(vec![look]);
        store.sink.write(scan, &seen).await.unwrap();
    }
    store.finish(scan).await;
    let (_, events) = told(&store).await;
    assert_eq!(events, ["1 new 10.0.0.1", "2 new 10.0.0.1"]);
    let rows = store.history().await;
    assert!(rows.iter().all(|row| row.previous.is_none()));
}

#[tokio::test]
async fn both_of_a_pair_behind_one_address_stay_current() {
    let mut store = Store::new().await;
    for (day, name) in (5..).zip([OLD, NEW, OLD, OLD, NEW, OLD]) {
        store.scan(showing(vec![open(name, day)])).await;
    }
    let (states, events) = told(&store).await;
    let current = InstallationState::Current;
    assert_eq!(states, [(hash_of(OLD), current), (hash_of(NEW), current)]);
    assert_eq!(events, ["1 new 10.0.0.1", "2 renewed 10.0.0.1"]);
}

/// What nobody can read.
const UNREADABLE: [u8; 1] = [0xff];

/// A look that shows that instead.
fn unread(mut look: Observation) -> Observation {
    let chain = Chain::from_wire(vec![Der::from(UNREADABLE.as_slice())]);
    presented(&mut look).chain = chain.unwrap();
    look
}

/// A batch of looks at one host, some of which show what nobody can read.
fn unreadable(days: &[(i64, bool)]) -> Vec<Batch> {
    let look = |(day, is_readable): &(i64, bool)| {
        let look = open(NEW, *day);
        batch(vec![if *is_readable { look } else { unread(look) }])
    };
    days.iter().map(look).collect()
}

/// How the one that nobody can read stands.
async fn unreadable_one(store: &Store) -> InstallationState {
    let (states, _) = told(store).await;
    let is_it = |(hash, _): &(Fingerprint, _)| *hash == Fingerprint::of(&UNREADABLE);
    let mut of_it = states.into_iter().filter(is_it).map(|(_, state)| state);
    // Its intervals begin one after the other.
    of_it.next_back().unwrap()
}

#[tokio::test]
async fn what_no_hello_can_ask_for_is_missing_after_three_looks_that_showed_another() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = Store::new().await;
    let days = [0, 1, 2, 3, 4, 10].map(|day| (day, day > 0));
    let mut states = Vec::new();
    for seen in unreadable(&days) {
        store.scan(seen).await;
        states.push(unreadable_one(&store).await);
    }
    let expected = [Current, Current, Current, Missing, Missing, Missing];
    assert_eq!(states, expected);
    for day in 11..14 {
        store.scan(showing(vec![open(NEW, day)])).await;
    }
    assert_eq!(unreadable_one(&store).await, Gone);
}

#[tokio::test]
async fn what_no_hello_can_ask_for_stays_beside_what_a_look_could_not_have_been_it() {
    let mut by_turns = Store::new().await;
    for seen in unreadable(&[
        (0, false),
        (1, true),
        (2, true),
        (3, false),
        (4, true),
        (5, true),
    ]) {
        by_turns.scan(seen).await;
    }
    let mut by_rare_turns = Store::new().await;
    for day in 0..40 {
        let seen = unreadable(&[(day, day % 5 > 0)]).remove(0);
        by_rare_turns.scan(seen).await;
    }
    let (_, events) = told(&by_rare_turns).await;
    let missing = events.iter().filter(|event| event.contains("missing"));
    assert_eq!(missing.count(), 1, "it is known then: {events:?}");
    let mut restricted_to_rsa = Store::new().await;
    restricted_to_rsa
        .scan(unreadable(&[(0, false)]).remove(0))
        .await;
    for day in 1..9 {
        let look = restricted(KeyType::Rsa, open(NEW, day));
        restricted_to_rsa.scan(batch(vec![look])).await;
    }
    for store in [by_turns, by_rare_turns, restricted_to_rsa] {
        let (states, _) = told(&store).await;
        let current = |(_, state): &(_, _)| *state == InstallationState::Current;
        assert!(states.iter().all(current), "{states:?}");
    }
}

#[tokio::test]
async fn what_no_hello_can_ask_for_is_missing_where_the_server_is_another_one() {
    use InstallationState::{Current, Gone, Missing};
    let old_device = |refused: &[&str]| unread(climbed(refused, TlsVersion::TLS_1_3, NEW, 0));
    let standing = async |first: Observation| {
        let mut store = Store::new().await;
        see(&mut store, first).await;
        for day in 1..4 {
            see(&mut store, climbed(&[], TlsVersion::TLS_1_2, NEW, day)).await;
        }
        let after_three = unreadable_one(&store).await;
        for day in 10..13 {
            see(&mut store, climbed(&[], TlsVersion::TLS_1_2, NEW, day)).await;
        }
        (after_three, unreadable_one(&store).await)
    };
    let refusing = old_device(&["tls1.2+tls1.1+tls1.0"]);
    assert_eq!(standing(refusing).await, (Missing, Gone));
    // It may have both.
    assert_eq!(standing(old_device(&[])).await, (Current, Current));
}

/// Day 4: what nobody can read was missing, and is back.
async fn back_again() -> Store {
    let mut store = Store::new().await;
    for seen in unreadable(&[(0, false), (1, true), (2, true), (3, true), (4, false)]) {
        store.scan(seen).await;
    }
    assert_eq!(unreadable_one(&store).await, InstallationState::Current);
    let (_, events) = told(&store).await;
    assert_eq!(events[2..], ["4 missing 10.0.0.1", "5 returned 10.0.0.1"]);
    store
}

#[tokio::test]
async fn what_no_hello_can_ask_for_and_came_back_is_missing_after_thirty_looks() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = back_again().await;
    for (days, state) in [
        (5..34, Current),
        (34..35, Missing),
        (35..64, Missing),
        (64..65, Gone),
    ] {
        for day in days {
            assert_ne!(unreadable_one(&store).await, Gone);
            store.scan(unreadable(&[(day, true)]).remove(0)).await;
        }
        assert_eq!(unreadable_one(&store).await, state);
    }
    // Each time that it is seen, they count from the first again.
    let mut store = back_again().await;
    for day in 5..60 {
        let seen = unreadable(&[(day, day != 30)]).remove(0);
        store.scan(seen).await;
        assert_eq!(unreadable_one(&store).await, Current);
    }
}

#[tokio::test]
async fn what_came_back_is_missing_after_three_looks_without_an_answer() {
    use InstallationState::{Current, Missing};
    let mut store = back_again().await;
    for (day, state) in [(5, Current), (6, Current), (7, Missing)] {
        let silent = looking("10.0.0.1", 443, Outcome::Filtered, day * DAY);
        store.scan(batch(vec![silent])).await;
        assert_eq!(unreadable_one(&store).await, state);
    }
}
