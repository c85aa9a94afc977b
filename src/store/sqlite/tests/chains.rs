//! A certificate sent in two chains by turns, in all that is told of it.

use super::*;
use crate::report::EventKind;
use crate::report::InstallationState::{self, Current, Gone, Missing};

const DAY: i64 = 86_400;

/// One certificate, with and without its issuer, until day 4.
async fn in_turn() -> Store {
    let mut store = Store::new().await;
    for day in 0..5 {
        let chain = ["a", "ca"];
        let chain = if day % 2 == 0 { &chain[..1] } else { &chain };
        let seen = presenting("10.0.0.1", 443, chain, day * DAY);
        store.scan(batch(vec![seen])).await;
    }
    store
}

impl Store {
    async fn fails(&mut self, outcome: Outcome, day: i64) {
        let failed = looking("10.0.0.1", 443, outcome, day * DAY);
        self.scan(batch(vec![failed])).await;
    }

    /// The state of the one row that a report has, at a day or now.
    async fn state(&self, day: Option<i64>) -> InstallationState {
        let filter = Filter {
            known_at: day.map(|day| at(day * DAY)),
            ..every_state()
        };
        let [row] = <[_; 1]>::try_from(self.installations(&filter).await).unwrap();
        row.state
    }

    /// How often it was told missing and gone, by the events of scans; those of
    /// the certificate and the view have the same ones.
    async fn absences(&self) -> (usize, usize) {
        let count = |kinds: &[EventKind]| {
            let of = |kind| kinds.iter().filter(|it| **it == kind).count();
            (of(EventKind::Missing), of(EventKind::Gone))
        };
        let rows = self.event_rows(&Filter::default()).await;
        let told = count(&rows.iter().map(|row| row.kind).collect::<Vec<_>>());
        let life = self.inventory().await.life(hash_of("a")).await.unwrap();
        let lived = count(&life.iter().map(|row| row.kind).collect::<Vec<_>>());
        assert_eq!(lived, told);
        let viewed: Vec<String> = sqlx::query_scalar("select kind from v_events")
            .fetch_all(&mut self.raw().await)
            .await
            .unwrap();
        let viewed: Vec<_> = viewed.iter().map(|kind| kind.parse().unwrap()).collect();
        assert_eq!(count(&viewed), told);
        let state: String = sqlx::query_scalar("select state from v_installations")
            .fetch_one(&mut self.raw().await)
            .await
            .unwrap();
        assert_eq!(state, self.state(None).await.as_str());
        told
    }
}

#[tokio::test]
async fn everything_that_is_told_of_a_certificate_in_two_chains_agrees() {
    let mut store = in_turn().await;
    assert_eq!(
        (store.state(None).await, store.absences().await),
        (Current, (0, 0))
    );
    store.fails(Outcome::Refused, 6).await;
    assert_eq!(
        (store.state(None).await, store.absences().await),
        (Missing, (1, 0))
    );
    store.fails(Outcome::Refused, 13).await;
    assert_eq!(
        (store.state(None).await, store.absences().await),
        (Gone, (1, 1))
    );
    for (day, state) in [
        (3, Current),
        (5, Current),
        (6, Missing),
        (12, Missing),
        (13, Gone),
    ] {
        assert_eq!(store.state(Some(day)).await, state, "day {day}");
    }
}

#[tokio::test]
async fn a_certificate_in_two_chains_goes_missing_by_as_many_failed_looks_as_any() {
    let mut store = in_turn().await;
    for (day, state, told) in [
        (6, Current, (0, 0)),
        (7, Current, (0, 0)),
        (8, Missing, (1, 0)),
    ] {
        store.fails(Outcome::Filtered, day).await;
        assert_eq!(
            (store.state(None).await, store.absences().await),
            (state, told)
        );
    }
}

#[tokio::test]
async fn a_certificate_in_two_chains_is_back_where_its_scan_looks_again() {
    let mut store = in_turn().await;
    let intervals = store.dump("installations").await;
    let scan = store.begin().await;
    let failed = looking("10.0.0.1", 443, Outcome::Refused, 6 * DAY);
    let again = presenting("10.0.0.1", 443, &["a"], 6 * DAY + 9);
    for look in [failed, again] {
        store.sink.write(scan, &batch(vec![look])).await.unwrap();
    }
    store.finish(scan).await;
    assert_eq!(store.dump("installations").await, intervals);
    assert_eq!(
        (store.state(None).await, store.absences().await),
        (Current, (0, 0))
    );
}
