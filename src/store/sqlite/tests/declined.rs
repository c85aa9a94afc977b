//! Names of targets that their server does not know.

use super::moves::WEEK;
use super::*;
use crate::domain::{Alert, Unresolved};

pub(super) const NAME: &str = "a.example";

/// A target's name leads to an address, where it is declined, and without it
/// this is shown.
pub(super) fn declining(address: &str, shown: &str, week: i64) -> Batch {
    let second = week * WEEK;
    let unknown = Refusal::Alert(Phase::Hello, Alert::UNRECOGNIZED_NAME);
    let unknown = looking(address, 443, Outcome::TlsRefused(unknown), second);
    let instead = Observation {
        left_out: Some(LeftOut::Declined(NAME.parse().unwrap())),
        ..presenting(address, 443, &[shown], second + 1)
    };
    leading(address, vec![asking(NAME, unknown), instead], week)
}

/// It leads there, and this is seen.
pub(super) fn leading(address: &str, seen: Vec<Observation>, week: i64) -> Batch {
    let mut found = batch(seen);
    found.leads.push(lead(NAME, address, 443));
    found.names.push(led(NAME, 443, week * WEEK + 2));
    found
}

/// The names that are told of by each row, by its address and its certificate.
pub(super) async fn told_at(store: &Store, known_at: Option<Timestamp>) -> Vec<String> {
    let filter = Filter {
        known_at,
        ..every_state()
    };
    let rows = store.installations(&filter).await;
    let told = rows.iter().filter(|row| !row.declined_names.is_empty());
    told.map(|row| {
        let subject = row.certificate.subject_cn.as_deref().unwrap();
        let names = row.declined_names.join(" ");
        format!("{} {subject}: {names}", row.ip.unwrap())
    })
    .collect()
}

pub(super) async fn told(store: &Store) -> Vec<String> {
    told_at(store, None).await
}

#[tokio::test]
async fn a_declined_name_is_told_with_what_is_shown_without_it() {
    let mut store = Store::new().await;
    let named = asking("b.example", presenting("10.0.0.1", 443, &["b"], 1));
    let elsewhere = presenting("10.0.0.2", 443, &["b"], 1);
    store.scan(batch(vec![named, elsewhere])).await;
    assert_eq!(told(&store).await, [""; 0]);
    store.scan(declining("10.0.0.1", "b", 1)).await;
    assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
    assert_eq!(store.dump("declined_names").await.len(), 1);
}

#[tokio::test]
async fn a_declined_name_that_is_written_again_is_the_same() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let declined = declining("10.0.0.1", "b", 1);
    let elsewhere = asking(NAME, presenting("10.0.0.2", 443, &["a"], WEEK));
    let later = asking(NAME, presenting("10.0.0.1", 443, &["a"], WEEK + 9));
    let later = leading("10.0.0.1", vec![later], 1);
    for (batch, names) in [(&declined, 1), (&batch(vec![elsewhere]), 1), (&later, 0)] {
        store.sink.write(scan, batch).await.unwrap();
        let before = store.dump_all().await;
        store.sink.write(scan, &declined).await.unwrap();
        assert_eq!(store.dump_all().await, before);
        assert_eq!(told(&store).await.len(), names);
    }
}

#[tokio::test]
async fn a_name_is_declined_until_it_has_a_certificate_there() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    for week in [2, 3] {
        store.scan(declining("10.0.0.1", "b", week)).await;
        assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
    }
    let now = looking("10.0.0.1", 443, refused(), 4 * WEEK);
    store
        .scan(leading("10.0.0.1", vec![asking(NAME, now)], 4))
        .await;
    assert_eq!(told(&store).await.len(), 1, "nothing else is known");
    let now = presenting("10.0.0.1", 443, &["a"], 5 * WEEK);
    store
        .scan(leading("10.0.0.1", vec![asking(NAME, now)], 5))
        .await;
    assert_eq!(told(&store).await, [""; 0]);
    let then = told_at(&store, Some(at(4 * WEEK + 9))).await;
    assert_eq!(then, ["10.0.0.1 b: a.example"]);
}

#[tokio::test]
async fn a_name_that_is_declined_in_turn_is_told_of_while_it_is() {
    let mut store = Store::new().await;
    for week in [1, 3] {
        store.scan(declining("10.0.0.1", "b", week)).await;
        assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
        let answered = presenting("10.0.0.1", 443, &["a"], (week + 1) * WEEK);
        let answered = leading("10.0.0.1", vec![asking(NAME, answered)], week + 1);
        store.scan(answered).await;
        assert_eq!(told(&store).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_says_nothing_any_more() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    let mut unresolved = Batch::default();
    unresolved.names.push(NameLook {
        outcome: OutcomeKind::Unresolved,
        detail: Outcome::Unresolved(Unresolved::ServerFailure).detail(),
        ..led(NAME, 443, 2 * WEEK)
    });
    store.scan(unresolved).await;
    assert_eq!(
        told(&store).await,
        ["10.0.0.1 b: a.example"],
        "nobody says where"
    );
    store.scan(declining("10.0.0.2", "c", 3)).await;
    assert_eq!(told(&store).await, ["10.0.0.2 c: a.example"]);
    let then = Some(at(2 * WEEK));
    assert_eq!(told_at(&store, then).await, ["10.0.0.1 b: a.example"]);
    store.scan(declining("10.0.0.1", "b", 4)).await;
    assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
}

/// A scan to which the name is this.
pub(super) fn being(outcome: OutcomeKind, detail: String, week: i64) -> Batch {
    let mut found = Batch::default();
    found.names.push(NameLook {
        outcome,
        detail,
        ..led(NAME, 443, week * WEEK)
    });
    found
}

#[tokio::test]
async fn a_name_that_was_not_looked_for_has_not_left() {
    let unresolved = |why: Unresolved| {
        let why = Outcome::Unresolved(why).detail();
        (OutcomeKind::Unresolved, why)
    };
    let cases = [
        ((OutcomeKind::Excluded, "a printer".to_owned()), 1),
        // This scan looked for the other family alone.
        (unresolved(Unresolved::NoData), 1),
        (unresolved(Unresolved::ServerFailure), 1),
        (unresolved(Unresolved::NoSuchName), 0),
    ];
    for ((outcome, detail), names) in cases {
        let mut store = Store::new().await;
        store.scan(declining("10.0.0.1", "b", 1)).await;
        store.scan(being(outcome, detail.clone(), 2)).await;
        assert_eq!(told(&store).await.len(), names, "{outcome}: {detail}");
    }
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    let seen = presenting("2001:db8::1", 443, &["b"], 2 * WEEK);
    let seen = leading("2001:db8::1", vec![asking(NAME, seen)], 2);
    store.scan(seen).await;
    assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
}

#[tokio::test]
async fn a_name_that_leads_to_a_further_address_is_declined_still() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    for order in [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"]] {
        let scan = store.begin().await;
        for address in order {
            let seen = looking(address, 443, refused(), 2 * WEEK);
            let seen = leading(address, vec![asking(NAME, seen)], 2);
            store.sink.write(scan, &seen).await.unwrap();
        }
        let end = ended(ScanState::Complete);
        store.sink.finish(scan, end).await.unwrap();
        assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"], "{order:?}");
    }
}

#[tokio::test]
async fn a_name_that_comes_back_is_declined_from_then_on() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    store.scan(declining("10.0.0.2", "c", 2)).await;
    let seen = looking("10.0.0.1", 443, refused(), 3 * WEEK);
    store
        .scan(leading("10.0.0.1", vec![asking(NAME, seen)], 3))
        .await;
    assert_eq!(told(&store).await, [""; 0], "nobody declined it");
    for week in [4, 5] {
        store.scan(declining("10.0.0.1", "b", week)).await;
        assert_eq!(told(&store).await, ["10.0.0.1 b: a.example"]);
        let told_then = async |at_week: i64| told_at(&store, Some(at(at_week * WEEK + 9))).await;
        assert_eq!(told_then(1).await, ["10.0.0.1 b: a.example"], "week {week}");
        assert_eq!(told_then(3).await, [""; 0], "week {week}");
    }
}

#[tokio::test]
async fn only_a_complete_scan_tells_that_a_name_leads_elsewhere() {
    use ScanState::{Complete, Failed, Interrupted, Stopped};
    for (state, names) in [(Stopped, 1), (Interrupted, 1), (Failed, 1), (Complete, 0)] {
        let mut store = Store::new().await;
        store.scan(declining("10.0.0.1", "b", 1)).await;
        let scan = store.begin().await;
        let seen = presenting("10.0.0.2", 443, &["a"], 2 * WEEK);
        let seen = leading("10.0.0.2", vec![asking(NAME, seen)], 2);
        store.sink.write(scan, &seen).await.unwrap();
        store.sink.finish(scan, ended(state)).await.unwrap();
        assert_eq!(told(&store).await.len(), names, "{state}");
    }
}

#[tokio::test]
async fn a_scan_that_is_gone_on_with_declines_anew() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    let second = store.begin().await;
    let stopped = ended(ScanState::Stopped);
    store.sink.finish(second, stopped).await.unwrap();
    store.scan(declining("10.0.0.2", "c", 3)).await;
    assert_eq!(told(&store).await, ["10.0.0.2 c: a.example"]);
    store.sink.resume(second, new_scan()).await.unwrap();
    let again = declining("10.0.0.1", "b", 4);
    store.sink.write(second, &again).await.unwrap();
    store.finish(second).await;
    let both = ["10.0.0.1 b: a.example", "10.0.0.2 c: a.example"];
    assert_eq!(told(&store).await, both);
    store.scan(again).await;
    assert_eq!(told(&store).await, both[..1]);
}

#[tokio::test]
async fn a_name_is_told_of_the_time_in_which_it_was_declined() {
    let mut store = Store::new().await;
    for (week, leaf) in [(0, "old"), (1, "between")] {
        let seen = presenting("10.0.0.1", 443, &[leaf], week * WEEK);
        store.scan(batch(vec![seen])).await;
    }
    store.scan(declining("10.0.0.1", "between", 2)).await;
    store.scan(declining("10.0.0.1", "new", 9)).await;
    let both = ["10.0.0.1 between: a.example", "10.0.0.1 new: a.example"];
    let mut now = told(&store).await;
    now.sort();
    assert_eq!(now, both, "`old` was over by then");
    assert_eq!(told_at(&store, Some(at(WEEK))).await, [""; 0]);
    assert_eq!(told_at(&store, Some(at(3 * WEEK))).await, both[..1]);
}

#[tokio::test]
async fn no_row_tells_more_names_than_a_page_can_hold() {
    let mut store = Store::new().await;
    let instead = (0..150).map(|number| Observation {
        left_out: Some(LeftOut::Declined(
            format!("host-{number}.example").parse().unwrap(),
        )),
        ..presenting("10.0.0.1", 443, &["b"], number)
    });
    store.scan(batch(instead.collect())).await;
    assert_eq!(store.dump("declined_names").await.len(), 150);
    let rows = store.history().await;
    assert_eq!(rows[0].declined_names.len(), crate::store::MAX_KIN as usize);
}

#[tokio::test]
async fn what_is_pruned_takes_the_names_that_it_declined_along() {
    let mut store = Store::new().await;
    store.scan(declining("10.0.0.1", "b", 1)).await;
    let seen = presenting("10.0.0.1", 443, &["b"], 5 * WEEK);
    store.scan(batch(vec![seen])).await;
    assert_eq!(store.dump("declined_names").await.len(), 1);
    store.sink.prune(at(2 * WEEK)).await.unwrap();
    assert_eq!(store.dump("declined_names").await.len(), 0);
    assert_eq!(store.history().await.len(), 1, "the place is still there");

    store.scan(declining("10.0.0.1", "b", 6)).await;
    let mut raw = store.raw().await;
    sqlx::raw_sql("update installations set state = 'gone', last_seen = 0, last_scan = 1")
        .execute(&mut raw)
        .await
        .unwrap();
    raw.close().await.unwrap();
    let pruned = store.sink.prune(at(9 * WEEK)).await.unwrap();
    assert_eq!(pruned.endpoints, 1);
    assert_eq!(store.dump("declined_names").await.len(), 0);
    let broken = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut store.raw().await)
        .await
        .unwrap();
    assert!(broken.is_empty());
}
