//! Certificates that depend on the version that was offered.

use super::dossiers::dossiers;
use super::*;
use crate::domain::{Attempt, NoCertificate};

const DAY: i64 = 86_400;

fn attempt(offered: &str, outcome: OutcomeKind) -> Attempt {
    Attempt {
        offered: offered.parse().unwrap(),
        resort: None,
        outcome,
        detail: String::new(),
    }
}

/// A look that was refused with these rungs of a ladder, then brought a
/// certificate by this version alone.
pub(super) fn climbed(
    refused: &[&str],
    version: TlsVersion,
    certificate: &str,
    day: i64,
) -> Observation {
    let mut look = presenting("10.0.0.1", 443, &[certificate], day * DAY);
    presented(&mut look).session.version = version;
    let word = match version {
        TlsVersion::TLS_1_3 => "tls1.3",
        _ => "tls1.2",
    };
    let refused = refused.iter();
    look.attempts = refused
        .map(|rung| attempt(rung, OutcomeKind::TlsRefused))
        .chain([attempt(word, OutcomeKind::Certificate)])
        .collect();
    look
}

pub(super) async fn see(store: &mut Store, look: Observation) {
    store.scan(batch(vec![look])).await;
}

/// `new-one current` for each installation, in the order of their names.
pub(super) async fn states(store: &Store) -> Vec<String> {
    let rows = store.history().await;
    let line = |row: &Installation| {
        let name = row.certificate.subject_cn.as_deref().unwrap();
        format!("{name} {}", row.state.as_str())
    };
    let mut lines: Vec<_> = rows.iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_certificate_says_nothing_of_one_by_a_version_that_was_not_offered() {
    let mut store = Store::new().await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_3, "b", 0)).await;
    for day in 1..10 {
        see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "a", day)).await;
    }
    assert_eq!(states(&store).await, ["a current", "b current"]);
    // Each is replaced by what its own version brings.
    see(&mut store, climbed(&[], TlsVersion::TLS_1_3, "c", 10)).await;
    let told = ["a current", "b gone", "c current"];
    assert_eq!(states(&store).await, told);
    assert_eq!(
        store.events().await,
        ["1 new 10.0.0.1", "2 new 10.0.0.1", "11 replaced 10.0.0.1"]
    );
    // And comes back beside the others.
    see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "a", 11)).await;
    assert_eq!(states(&store).await, told);
}

#[tokio::test]
async fn what_one_scan_sees_by_two_versions_is_told_alike_in_either_order() {
    for newer_first in [false, true] {
        let mut store = Store::new().await;
        see(&mut store, climbed(&[], TlsVersion::TLS_1_3, "b", 0)).await;
        let mut versions = [(TlsVersion::TLS_1_2, "a"), (TlsVersion::TLS_1_3, "b")];
        if newer_first {
            versions.reverse();
        }
        let looks = (1..).zip(versions);
        let looks = looks.map(|(day, (version, name))| climbed(&[], version, name, day));
        store.scan(batch(looks.collect())).await;
        assert_eq!(states(&store).await, ["a current", "b current"]);
        let told = ["1 new 10.0.0.1", "2 alternating 10.0.0.1"];
        assert_eq!(store.events().await, told);
    }
}

#[tokio::test]
async fn a_server_that_takes_what_it_refused_is_another_one() {
    let mut store = Store::new().await;
    let ladder = ["tls1.2+tls1.1+tls1.0"];
    see(&mut store, climbed(&ladder, TlsVersion::TLS_1_3, "b", 0)).await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "a", 1)).await;
    assert_eq!(states(&store).await, ["a current", "b gone"]);
    assert_eq!(store.events().await[1..], ["2 replaced 10.0.0.1"]);
}

#[tokio::test]
async fn a_renewal_ends_what_it_renews_by_whatever_version_it_comes() {
    let mut store = Store::new().await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_3, "old", 0)).await;
    let mut renewed = batch(vec![climbed(&[], TlsVersion::TLS_1_2, "newer", 1)]);
    let facts = renewed.certificates.get_mut(&hash_of("newer")).unwrap();
    let facts = facts.facts.as_mut().unwrap();
    facts.subject = named("old");
    facts.alternative_names = vec!["old".to_owned(), "www.old".to_owned()];
    store.scan(renewed).await;
    assert_eq!(store.events().await[1..], ["2 renewed 10.0.0.1"]);
}

#[tokio::test]
async fn only_what_could_have_come_goes_missing() {
    let mut store = Store::new().await;
    let both = vec![
        climbed(&[], TlsVersion::TLS_1_2, "a", 0),
        climbed(&[], TlsVersion::TLS_1_3, "b", 1),
    ];
    store.scan(batch(both)).await;
    for (day, rung, told) in [
        (2, "tls1.2", ["a missing", "b current"]),
        (3, "tls1.3", ["a missing", "b missing"]),
    ] {
        let look = Observation {
            attempts: vec![attempt(rung, OutcomeKind::TlsRefused)],
            ..looking("10.0.0.1", 443, refused(), day * DAY)
        };
        see(&mut store, look).await;
        assert_eq!(states(&store).await, told, "{rung}");
    }
}

/// A hello of each rung, and what it met.
pub(super) fn tried(day: i64, outcome: Outcome, attempts: &[(&str, OutcomeKind)]) -> Observation {
    Observation {
        attempts: attempts
            .iter()
            .map(|(rung, met)| attempt(rung, *met))
            .collect(),
        ..looking("10.0.0.1", 443, outcome, day * DAY)
    }
}

#[tokio::test]
async fn a_hello_that_is_lost_denies_nothing_whatever_the_next_ones_are_told() {
    let lost = ("tls1.2+tls1.1+tls1.0", OutcomeKind::Silent);
    let heard = ("tls1.0+ssl3", OutcomeKind::TlsRefused);
    for (day, told) in [(1, "current"), (2, "current"), (3, "missing")] {
        let mut store = Store::new().await;
        see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "a", 0)).await;
        for day in 1..=day {
            see(&mut store, tried(day, refused(), &[lost, heard])).await;
        }
        assert_eq!(states(&store).await, [format!("a {told}")], "day {day}");
    }
    // What the server has heard, it has denied.
    for (version, told) in [
        (TlsVersion::TLS_1_2, "current"),
        (TlsVersion::TLS_1_0, "missing"),
    ] {
        let mut store = Store::new().await;
        see(&mut store, climbed(&[], version, "a", 0)).await;
        see(&mut store, tried(1, refused(), &[lost, heard])).await;
        assert_eq!(states(&store).await, [format!("a {told}")], "{version}");
    }
}

#[tokio::test]
async fn what_denies_one_certificate_says_no_more_of_another_than_it_does() {
    let heard = ("tls1.2", OutcomeKind::TlsRefused);
    let lost = ("tls1.3", OutcomeKind::Silent);
    let mut store = Store::new().await;
    let both = vec![
        climbed(&[], TlsVersion::TLS_1_2, "a", 0),
        climbed(&[], TlsVersion::TLS_1_3, "b", 1),
    ];
    store.scan(batch(both)).await;
    for (day, b) in [(2, "current"), (3, "current"), (4, "missing")] {
        see(&mut store, tried(day, refused(), &[heard, lost])).await;
        let told = ["a missing".to_owned(), format!("b {b}")];
        assert_eq!(states(&store).await, told, "day {day}");
    }
}

#[tokio::test]
async fn looks_that_can_not_have_brought_a_certificate_are_not_counted_against_it() {
    let mut store = Store::new().await;
    let both = vec![
        climbed(&[], TlsVersion::TLS_1_2, "a", 0),
        climbed(&[], TlsVersion::TLS_1_3, "b", 1),
    ];
    store.scan(batch(both)).await;
    let denied = ("tls1.2", OutcomeKind::TlsRefused);
    for day in 2..6 {
        see(&mut store, tried(day, refused(), &[denied])).await;
    }
    let lost = ("tls1.2", OutcomeKind::Silent);
    for (day, told) in [(6, "current"), (7, "current"), (8, "missing")] {
        see(
            &mut store,
            tried(day, Outcome::Silent(Phase::Hello), &[lost]),
        )
        .await;
        assert_eq!(states(&store).await[1], format!("b {told}"), "day {day}");
    }
}

#[tokio::test]
async fn what_went_missing_by_a_denial_is_gone_only_after_enough_looks_since() {
    let mut store = Store::new().await;
    let both = vec![
        climbed(&[], TlsVersion::TLS_1_2, "a", 0),
        climbed(&[], TlsVersion::TLS_1_3, "b", 1),
    ];
    store.scan(batch(both)).await;
    let silent = || Outcome::Silent(Phase::Hello);
    let lost = [
        ("tls1.2", OutcomeKind::Silent),
        ("tls1.3", OutcomeKind::Silent),
    ];
    for day in [2, 3] {
        see(&mut store, tried(day, silent(), &lost)).await;
    }
    let denied = ("tls1.2", OutcomeKind::TlsRefused);
    see(&mut store, tried(4, refused(), &[denied])).await;
    see(&mut store, tried(12, silent(), &lost)).await;
    assert_eq!(states(&store).await, ["a missing", "b missing"]);
}

#[tokio::test]
async fn failed_looks_count_only_against_what_they_might_have_brought() {
    let mut store = Store::new().await;
    let both = vec![
        climbed(&[], TlsVersion::TLS_1_3, "a", 0),
        climbed(&[], TlsVersion::TLS_1_2, "b", 1),
    ];
    store.scan(batch(both)).await;
    let silent = || Outcome::Silent(Phase::Hello);
    let newer = ("tls1.3", OutcomeKind::Silent);
    let older = ("tls1.2", OutcomeKind::Silent);
    for day in [2, 3] {
        see(&mut store, tried(day, silent(), &[newer])).await;
    }
    for (day, b) in [(4, "current"), (5, "current"), (6, "missing")] {
        see(&mut store, tried(day, silent(), &[older, newer])).await;
        let told = ["a missing".to_owned(), format!("b {b}")];
        assert_eq!(states(&store).await, told, "day {day}");
    }
    // Nor does one of the other, or the news of it, make any begin anew.
    let mut store = Store::new().await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_3, "a", 0)).await;
    for day in 1..3 {
        see(&mut store, tried(day, silent(), &[newer])).await;
    }
    assert_eq!(store.dump("failures").await.len(), 1);
    see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "b", 4)).await;
    assert_eq!(store.dump("failures").await.len(), 0, "an answer came");
    see(&mut store, tried(5, silent(), &[newer])).await;
    assert_eq!(states(&store).await, ["a current", "b current"]);
}

#[tokio::test]
async fn a_certificate_behind_a_hello_that_is_lost_stands_beside_what_that_asked_for() {
    let mut store = Store::new().await;
    see(&mut store, climbed(&[], TlsVersion::TLS_1_2, "b", 0)).await;
    let mut look = climbed(&[], TlsVersion::TLS_1_0, "a", 1);
    look.attempts = vec![
        attempt("tls1.2+tls1.1+tls1.0", OutcomeKind::Silent),
        attempt("tls1.0+ssl3", OutcomeKind::Certificate),
    ];
    see(&mut store, look).await;
    assert_eq!(states(&store).await, ["a current", "b current"]);
}

#[tokio::test]
async fn what_was_offered_to_a_server_that_chose_an_older_version_is_told() {
    let mut store = Store::new().await;
    let answering = |address: &str, offered: &str, version| {
        let mut look = presenting(address, 443, &[address], 10);
        presented(&mut look).session.version = version;
        look.attempts = vec![
            attempt("tls1.3", OutcomeKind::TlsRefused),
            attempt(offered, OutcomeKind::Certificate),
        ];
        look
    };
    let old = answering("10.0.0.1", "tls1.3+tls1.2", TlsVersion::TLS_1_2);
    let new = answering("10.0.0.2", "tls1.3+tls1.2", TlsVersion::TLS_1_3);
    let restricted = answering("10.0.0.3", "tls1.2+tls1.1+tls1.0", TlsVersion::TLS_1_2);
    let one_key = Observation {
        asked_for: Some(KeyType::Rsa),
        ..answering("10.0.0.4", "tls1.3+tls1.2", TlsVersion::TLS_1_2)
    };
    store
        .scan(batch(vec![old.clone(), new, restricted, one_key]))
        .await;
    let told = async |store: &Store| {
        let all = dossiers(store).await;
        let sets = all.iter().map(|dossier| {
            let set = dossier.offered;
            set.map(|set| set.to_string()).unwrap_or_default()
        });
        sets.collect::<Vec<_>>()
    };
    let first = ["tls1.3+tls1.2", "", "tls1.2+tls1.1+tls1.0", ""];
    assert_eq!(told(&store).await, first);
    // What is offered at the next look is what holds, and silence takes nothing away.
    let mut narrower = answering("10.0.0.1", "tls1.2", TlsVersion::TLS_1_2);
    narrower.at = at(DAY);
    see(&mut store, narrower).await;
    assert_eq!(told(&store).await[0], "tls1.2");
    see(
        &mut store,
        Observation {
            at: at(2 * DAY),
            ..old
        },
    )
    .await;
    assert_eq!(told(&store).await[0], "tls1.3+tls1.2");
    let silent = looking("10.0.0.1", 443, Outcome::Filtered, 3 * DAY);
    see(&mut store, silent).await;
    assert_eq!(told(&store).await[0], "tls1.3+tls1.2");
}

/// A server that had refused the version shows its default certificate by it: it
/// is another server.
#[tokio::test]
async fn a_default_certificate_is_missed_for_one_that_came_where_its_version_was_refused() {
    let default = |day| {
        let mut look = asking("a.corp", climbed(&[], TlsVersion::TLS_1_2, "b", day));
        let session = Some(Box::new(presented(&mut look).session.clone()));
        look.outcome = Outcome::NoCertificate(NoCertificate::Default, session);
        look
    };
    for (refused, expected) in [(&["tls1.2"][..], "a missing"), (&["tls1.1"], "a current")] {
        let mut store = Store::new().await;
        let first = climbed(refused, TlsVersion::TLS_1_3, "a", 0);
        see(&mut store, asking("a.corp", first)).await;
        for day in 1..=2 {
            see(&mut store, default(day)).await;
        }
        assert_eq!(
            states(&store).await,
            ["a current"],
            "the name may come back"
        );
        see(&mut store, default(3)).await;
        assert_eq!(states(&store).await, [expected]);
    }
}
