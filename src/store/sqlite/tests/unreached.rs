//! What the ledger says of questions that were not asked.

use super::*;
use crate::report::InstallationState::{self, Current, Missing};

const WEEK: i64 = 7 * 86_400;

/// An address with a certificate for itself, one for a name and one in a
/// dialect; and a neighbour.
async fn store() -> Store {
    let mut store = Store::new().await;
    let mut dialect = presenting("10.0.0.1", 443, &["smtp"], 2);
    dialect.endpoint.dialect = Dialect::Smtp;
    store
        .scan(batch(vec![
            presenting("10.0.0.1", 443, &["own"], 0),
            asking("www.example", presenting("10.0.0.1", 443, &["www"], 1)),
            dialect,
            presenting("10.0.0.2", 443, &["neighbour"], 3),
            presenting("10.0.0.1", 8443, &["other port"], 4),
        ]))
        .await;
    store
}

fn later(time: Timestamp, weeks: i64) -> Timestamp {
    Timestamp::from_micros(time.micros() + weeks * WEEK * 1_000_000)
}

/// The states after some weekly scans that saw this, and wrote this ledger.
async fn states(seen: &[Observation], runs: &[AddressRun], scans: i64) -> Vec<InstallationState> {
    let mut store = store().await;
    for week in 1..=scans {
        let scan = store.begin().await;
        let seen = seen.iter().map(|look| Observation {
            at: later(look.at, week),
            ..look.clone()
        });
        let seen = batch(seen.collect());
        store.sink.write(scan, &seen).await.unwrap();
        let coverage = runs.iter().map(|run| AddressRun {
            at: later(run.at, week),
            ..run.clone()
        });
        let ledger = Batch {
            coverage: coverage.collect(),
            ..Batch::default()
        };
        for _ in 0..2 {
            store.sink.write(scan, &ledger).await.unwrap();
        }
        store.finish(scan).await;
    }
    let rows = store.history().await;
    rows.iter().map(|row| row.state).collect()
}

#[tokio::test]
async fn what_is_refused_at_an_address_is_refused_to_every_question_there() {
    let seen = [looking("10.0.0.1", 443, Outcome::Refused, 0)];
    let runs = [run("10.0.0.0", "10.0.0.1", 443, OutcomeKind::Refused, 1)];
    // The dialect, the address, the name; the other port; the neighbour.
    assert_eq!(
        states(&seen, &runs, 1).await,
        [Missing, Missing, Missing, Current, Current]
    );
}

#[tokio::test]
async fn silence_is_no_answer_to_any_question_and_takes_three_looks() {
    let seen = [looking("10.0.0.1", 443, Outcome::Filtered, 0)];
    let runs = [run("10.0.0.1", "10.0.0.1", 443, OutcomeKind::Filtered, 1)];
    assert_eq!(states(&seen, &runs, 2).await, [Current; 5]);
    assert_eq!(
        states(&seen, &runs, 3).await,
        [Missing, Missing, Missing, Current, Current]
    );
}

#[tokio::test]
async fn one_connection_is_enough_for_the_rest_not_to_be_doubted() {
    // A server that turns connections away when there are many.
    let mut dialect = presenting("10.0.0.1", 443, &["smtp"], 0);
    dialect.endpoint.dialect = Dialect::Smtp;
    let seen = [
        dialect,
        presenting("10.0.0.1", 443, &["own"], 0),
        asking(
            "other.example",
            looking("10.0.0.1", 443, Outcome::Refused, 1),
        ),
    ];
    let runs = [run("10.0.0.1", "10.0.0.1", 443, OutcomeKind::Refused, 1)];
    assert_eq!(states(&seen, &runs, 3).await, [Current; 5]);
}

#[tokio::test]
async fn other_outcomes_of_the_ledger_say_nothing_of_questions() {
    for outcome in [
        OutcomeKind::Certificate,
        OutcomeKind::TlsRefused,
        OutcomeKind::Excluded,
        OutcomeKind::Fresh,
        OutcomeKind::NotAttempted,
        OutcomeKind::LocalError,
        OutcomeKind::Unresolved,
    ] {
        let runs = [run("10.0.0.0", "10.0.0.255", 443, outcome, 1)];
        assert_eq!(states(&[], &runs, 4).await, [Current; 5], "{outcome}");
    }
}

#[tokio::test]
async fn an_endpoint_in_a_dialect_that_was_not_asked_shows_what_was_seen() {
    let mut store = store().await;
    let mut seen = batch(vec![looking("10.0.0.1", 443, Outcome::Refused, WEEK)]);
    seen.coverage = vec![run("10.0.0.1", "10.0.0.1", 443, OutcomeKind::Refused, WEEK)];
    let scan = store.scan(seen).await;
    let inventory = store.inventory().await;
    let endpoints = inventory.endpoint(ip("10.0.0.1"), port(443)).await.unwrap();
    let told: Vec<_> = endpoints
        .iter()
        .map(|row| (row.outcome, row.scan, row.last_checked))
        .collect();
    assert_eq!(told, [(OutcomeKind::Refused, scan, at(WEEK)); 2]);
}
