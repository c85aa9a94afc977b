//! What names ask without one, in place of their own or beside it.

use std::sync::atomic::Ordering;

use super::super::address::AddressKey;
use super::super::declined;
use super::declined::{NAME, being, declining, leading, told, told_at};
use super::moves::{WEEK, count_steps};
use super::*;
use crate::domain::Unresolved;
use crate::report::InstallationState;

/// The names that have asked without one at an address.
async fn names_at(store: &Store, address: &str) -> Vec<String> {
    let names = "select d.name from declined_names d join endpoints e on e.id = d.endpoint_id \
                  where e.address = $1 order by d.name";
    sqlx::query_scalar(names)
        .bind(AddressKey::from(ip(address)).to_blob())
        .fetch_all(&mut store.raw().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn pruning_keeps_the_names_that_alone_ask_for_what_is_there() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    for week in 2..8 {
        store.sink.prune(at(3 * WEEK)).await.unwrap();
        assert_eq!(names_at(&store, "10.0.0.1").await, [NAME], "week {week}");
        store.scan(declining("10.0.0.2", "c", week)).await;
    }
    assert_eq!(state_without_a_name(&store).await, InstallationState::Gone);
    store.sink.prune(at(3 * WEEK)).await.unwrap();
    assert_eq!(names_at(&store, "10.0.0.1").await, [""; 0]);
    assert_eq!(names_at(&store, "10.0.0.2").await, [NAME]);
}

/// What was shown at 10.0.0.1 without a name, and how it stands.
async fn state_without_a_name(store: &Store) -> InstallationState {
    let rows = store.history().await;
    let of = |row: &&Installation| row.ip == Some(ip("10.0.0.1")) && row.sni.is_none();
    rows.iter().find(of).unwrap().state
}

#[tokio::test]
async fn what_names_alone_have_asked_goes_missing_once_they_lead_elsewhere() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    for (week, state) in (2..).zip([Current, Current, Missing, Missing, Missing, Gone]) {
        store.scan(declining("10.0.0.2", "c", week)).await;
        assert_eq!(state_without_a_name(&store).await, state, "week {week}");
    }
}

#[tokio::test]
async fn what_names_alone_have_asked_is_current_while_they_come_back_to_it() {
    let mut store = Store::new().await;
    for week in (1..20).step_by(3) {
        store.scan(declining("10.0.0.1", "b", week)).await;
        store.scan(declining("10.0.0.2", "c", week + 1)).await;
        store.scan(declining("10.0.0.3", "d", week + 2)).await;
        assert_eq!(
            state_without_a_name(&store).await,
            InstallationState::Current
        );
    }
}

/// A target's name leads to 10.0.0.1, where it is known, and this is shown
/// without it: it asks for that beside its own.
fn asking_beside(name: &str, shown: &str, week: i64) -> Batch {
    let second = week * WEEK;
    let own = asking(name, presenting("10.0.0.1", 443, &[name], second));
    let beside = Observation {
        left_out: Some(LeftOut::Beside(name.parse().unwrap())),
        ..presenting("10.0.0.1", 443, &[shown], second + 1)
    };
    let mut found = batch(vec![own, beside]);
    found.leads.push(lead(name, "10.0.0.1", 443));
    found.names.push(led(name, 443, second + 2));
    found
}

#[tokio::test]
async fn what_a_name_asks_without_one_is_its_own_also_once_the_server_knows_it() {
    use InstallationState::{Current, Gone, Missing};
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    store.scan(asking_beside(NAME, "b", 2)).await;
    assert_eq!(told(&store).await, [""; 0]);
    for (week, state) in (3..).zip([Current, Current, Missing, Missing, Missing, Gone]) {
        store.scan(declining("10.0.0.2", "c", week)).await;
        assert_eq!(state_without_a_name(&store).await, state, "week {week}");
    }
}

#[tokio::test]
async fn a_known_name_that_asks_without_one_counts_where_it_leads() {
    use InstallationState::{Current, Missing};
    const KNOWN: &str = "known.example";
    let leads_to = |address: &str, week: i64| {
        let seen = presenting(address, 443, &[KNOWN], week * WEEK);
        let mut found = declining("10.0.0.2", "c", week);
        found.observations.push(asking(KNOWN, seen));
        found.leads.push(lead(KNOWN, address, 443));
        found.names.push(led(KNOWN, 443, week * WEEK));
        found
    };
    for (address, state) in [("10.0.0.1", Current), ("10.0.0.3", Missing)] {
        let mut store = Store::new().await;
        store.scan(declining("10.0.0.1", "b", 1)).await;
        store.scan(asking_beside(KNOWN, "b", 2)).await;
        assert_eq!(names_at(&store, "10.0.0.1").await, [NAME, KNOWN]);
        assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
        for week in 3..7 {
            store.scan(leads_to(address, week)).await;
        }
        assert_eq!(state_without_a_name(&store).await, state, "{address}");
        for week in [1, 2, 3] {
            let then = told_at(&store, Some(at(week * WEEK + 9))).await;
            assert!(!then.iter().any(|row| row.contains(KNOWN)), "{then:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_asks_without_one_and_is_written_again_is_the_same() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    let scan = store.begin().await;
    for found in [
        asking_beside(NAME, "b", 2),
        asking_beside("known.example", "b", 2),
    ] {
        store.sink.write(scan, &found).await.unwrap();
        let before = store.dump_all().await;
        store.sink.write(scan, &found).await.unwrap();
        assert_eq!(store.dump_all().await, before);
    }
    let again = Observation {
        left_out: Some(LeftOut::Declined("known.example".parse().unwrap())),
        ..presenting("10.0.0.1", 443, &["b"], 3 * WEEK)
    };
    store.scan(batch(vec![again])).await;
    assert_eq!(told(&store).await, ["10.0.0.1 b: known.example"]);
}

#[tokio::test]
async fn pruning_keeps_the_names_that_ask_without_one_still() {
    let mut store = Store::new().await;
    let by_address = batch(vec![presenting("10.0.0.1", 443, &["b"], WEEK + 9)]);
    for found in [
        declining("10.0.0.1", "b", 1),
        by_address,
        asking_beside(NAME, "b", 5),
        batch(Vec::new()),
    ] {
        store.scan(found).await;
    }
    for (week, names) in [(3, &[NAME][..]), (6, &[])] {
        store.sink.prune(at(week * WEEK)).await.unwrap();
        assert_eq!(names_at(&store, "10.0.0.1").await, names, "week {week}");
    }
}

/// Another name is declined where [`NAME`] is.
fn another_declined() -> Batch {
    let instead = Observation {
        left_out: Some(LeftOut::Declined("b.example".parse().unwrap())),
        ..presenting("10.0.0.1", 443, &["b"], WEEK + 3)
    };
    batch(vec![instead])
}

#[tokio::test]
async fn what_others_may_ask_without_a_name_is_theirs_to_miss() {
    let by_address = |second| batch(vec![presenting("10.0.0.1", 443, &["b"], second)]);
    let silent = looking("10.0.0.1", 443, Outcome::Silent(Phase::Hello), WEEK + 9);
    let names = || declining("10.0.0.1", "b", 1);
    let cases = [
        ("its address was asked before", vec![by_address(1), names()]),
        (
            "its address was asked after",
            vec![names(), by_address(WEEK + 9)],
        ),
        (
            "its address was asked in vain",
            vec![names(), batch(vec![silent])],
        ),
        (
            "another name may lead there",
            vec![names(), another_declined()],
        ),
    ];
    for (why, batches) in cases {
        let mut store = Store::new().await;
        for batch in batches {
            store.scan(batch).await;
        }
        for week in 2..12 {
            store.scan(declining("10.0.0.2", "c", week)).await;
        }
        let state = state_without_a_name(&store).await;
        assert_eq!(state, InstallationState::Current, "{why}");
    }
}

#[tokio::test]
async fn what_names_have_asked_is_not_missed_by_scans_that_tell_nothing() {
    let unresolved = |why: Unresolved, week| {
        let detail = Outcome::Unresolved(why).detail();
        being(OutcomeKind::Unresolved, detail, week)
    };
    let in_another_family = |week: i64| {
        let seen = presenting("2001:db8::1", 443, &["b"], week * WEEK);
        leading("2001:db8::1", vec![asking(NAME, seen)], week)
    };
    let to_both = |week: i64| {
        let seen = looking("10.0.0.1", 443, refused(), week * WEEK);
        let mut both = declining("10.0.0.2", "c", week);
        both.observations.push(asking(NAME, seen));
        both.leads.push(lead(NAME, "10.0.0.1", 443));
        both
    };
    let refused_elsewhere = |week: i64| {
        let mut found = declining("10.0.0.2", "c", week);
        for name in &mut found.names {
            name.outcome = OutcomeKind::Refused;
        }
        found
    };
    let stopped = |week| declining("10.0.0.2", "c", week);
    stays_current(ScanState::Stopped, &stopped, "stopped").await;
    let complete = ScanState::Complete;
    for why in [Unresolved::NoSuchName, Unresolved::ServerFailure] {
        stays_current(complete, &|week| unresolved(why, week), "unresolved").await;
    }
    stays_current(complete, &in_another_family, "another family").await;
    stays_current(complete, &to_both, "both").await;
    stays_current(complete, &refused_elsewhere, "refused elsewhere").await;
    let without_it = |week| batch(vec![presenting("10.0.0.9", 443, &["z"], week * WEEK)]);
    stays_current(complete, &without_it, "not looked for").await;
}

/// Whether what a name has asked is current after scans that end so, be it that
/// the name had led elsewhere before them or not.
async fn stays_current(state: ScanState, of_week: &impl Fn(i64) -> Batch, why: &str) {
    for before in [1, 2] {
        let mut store = Store::new().await;
        for (week, address) in (1..=before).zip(["10.0.0.1", "10.0.0.2"]) {
            store.scan(declining(address, "b", week)).await;
        }
        for week in before + 1..12 {
            let scan = store.begin().await;
            store.sink.write(scan, &of_week(week)).await.unwrap();
            store.sink.finish(scan, ended(state)).await.unwrap();
        }
        let state = state_without_a_name(&store).await;
        assert_eq!(state, InstallationState::Current, "{why}");
    }
}

#[tokio::test]
async fn names_that_are_declined_at_one_place_are_not_compared_with_each_other() {
    let mut taken = Vec::new();
    for count in [100, 400] {
        let mut store = Store::new().await;
        let names = || (0..count).map(|number| format!("host-{number}.example"));
        let instead = names().map(|name| Observation {
            left_out: Some(LeftOut::Declined(name.parse().unwrap())),
            ..presenting("10.0.0.1", 443, &["b"], 1)
        });
        store.scan(batch(instead.collect())).await;
        let seen = names().map(|name| asking(&name, presenting("10.0.0.2", 443, &["c"], WEEK)));
        let mut found = batch(seen.collect());
        found.names = names().map(|name| led(&name, 443, WEEK)).collect();
        found.leads = names().map(|name| lead(&name, "10.0.0.2", 443)).collect();
        let scan = store.scan(found).await;
        let mut raw = store.raw().await;
        let steps = count_steps(&mut raw).await;
        declined::leave(&mut raw, scan).await.unwrap();
        taken.push(steps.load(Ordering::Relaxed));
    }
    assert!(taken[1] < taken[0] * 6, "of four times as many: {taken:?}");
}
