//! Scans by clocks that were wrong.

use super::*;
use crate::report::InstallationState;

const DAY: i64 = 86_400;

/// What becomes of a certificate that is there at first and then refused, by
/// scans that began on these days, in the order in which they really did.
async fn fate(there: &[i64], refused: &[i64]) -> InstallationState {
    let mut store = Store::new().await;
    let looks = there
        .iter()
        .map(|day| presenting("10.0.0.1", 443, &["a"], day * DAY + 60));
    let refusals = refused
        .iter()
        .map(|day| looking("10.0.0.1", 443, Outcome::Refused, day * DAY + 60));
    for look in looks.chain(refusals) {
        let record = NewScan {
            started_at: Timestamp::from_micros(look.at.micros() - 60_000_000),
            ..new_scan()
        };
        let scan = store.sink.begin(record).await.unwrap();
        let seen = batch(vec![look]);
        store.sink.write(scan, &seen).await.unwrap();
        store.finish(scan).await;
    }
    let rows = store.history().await;
    let [row] = <[_; 1]>::try_from(rows).unwrap();
    row.state
}

#[tokio::test]
async fn a_clock_that_was_behind_makes_nothing_gone_early() {
    use InstallationState::{Gone, Missing};
    for (refused, expected) in [
        (&[10, 11][..], Missing),
        (&[10, 17], Gone),
        (&[2, 10], Missing),
        (&[2, 10, 15], Missing),
        (&[2, 10, 17], Gone),
        (&[2, 3, 10, 11], Missing),
    ] {
        assert_eq!(fate(&[3, 10], refused).await, expected, "{refused:?}");
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_nothing_missing_for_ever() {
    use InstallationState::{Gone, Missing};
    for (refused, expected) in [
        (&[3650, 7][..], Missing),
        (&[3650, 7, 12], Missing),
        (&[3650, 7, 14], Gone),
    ] {
        assert_eq!(fate(&[0], refused).await, expected, "{refused:?}");
    }
    assert_eq!(fate(&[0, 3650], &[7, 14]).await, Gone);
}
