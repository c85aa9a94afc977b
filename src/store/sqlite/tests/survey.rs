//! What endpoints accept, version by version.

use super::*;
use crate::domain::{Acceptance, HybridGroup, Survey};

const X25519_MLKEM768: HybridGroup = HybridGroup::Agreed(NamedGroup(0x11ec));

fn surveying(
    accepted: &[TlsVersion],
    refused: &[TlsVersion],
    hybrid_group: Option<HybridGroup>,
    observation: Observation,
) -> Observation {
    let accepted = accepted
        .iter()
        .map(|version| (*version, Acceptance::Accepted));
    let refused = refused
        .iter()
        .map(|version| (*version, Acceptance::Refused));
    let survey = Survey {
        versions: accepted.chain(refused).collect(),
        hybrid_group,
    };
    Observation {
        survey: Some(survey),
        ..observation
    }
}

fn by(version: TlsVersion, second: i64) -> Observation {
    let mut look = presenting("10.0.0.1", 443, &["a"], second);
    presented(&mut look).session.version = version;
    look
}

/// What is known to be accepted and refused.
async fn told(store: &Store) -> (Vec<String>, Vec<String>) {
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    let rows = store.history().await;
    assert_eq!(rows[0].session.protocols, endpoint.protocols);
    assert_eq!(
        rows[0].session.protocols_refused,
        endpoint.protocols_refused
    );
    assert_eq!(rows[0].session.hybrid_group, endpoint.hybrid_group);
    (endpoint.protocols, endpoint.protocols_refused)
}

fn words(versions: &[&str]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn protocols_are_those_that_answers_came_by_and_those_a_survey_saw_accepted() {
    let mut store = Store::new().await;
    let seen = surveying(
        &[TlsVersion::TLS_1_0, TlsVersion::TLS_1_3],
        &[TlsVersion::SSL_3],
        Some(X25519_MLKEM768),
        by(TlsVersion::TLS_1_2, 10),
    );
    store.scan(batch(vec![seen])).await;
    let accepted = words(&["TLSv1.0", "TLSv1.2", "TLSv1.3"]);
    assert_eq!(told(&store).await, (accepted, words(&["SSLv3"])));
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    assert_eq!(endpoint.hybrid_group.as_deref(), Some("X25519MLKEM768"));
    // A look without a survey takes nothing of it away.
    store.scan(batch(vec![by(TlsVersion::TLS_1_2, 20)])).await;
    assert_eq!(store.endpoint("10.0.0.1", 443).await.protocols.len(), 3);
    let asked = |group, second| surveying(&[], &[], group, by(TlsVersion::TLS_1_2, second));
    store.scan(batch(vec![asked(None, 30)])).await;
    let refused = asked(Some(HybridGroup::Refused), 40);
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    assert_eq!(endpoint.hybrid_group.as_deref(), Some("X25519MLKEM768"));
    store.scan(batch(vec![refused])).await;
    let endpoint = store.endpoint("10.0.0.1", 443).await;
    assert_eq!(endpoint.hybrid_group.as_deref(), Some("refused"));
}

#[tokio::test]
async fn a_later_survey_takes_a_refused_version_away() {
    let mut store = Store::new().await;
    let old = [TlsVersion::TLS_1_0, TlsVersion::TLS_1_2];
    let seen = surveying(&old, &[], None, by(TlsVersion::TLS_1_2, 10));
    store.scan(batch(vec![seen])).await;
    assert_eq!(told(&store).await.0, words(&["TLSv1.0", "TLSv1.2"]));
    // The answer by TLS 1.2 is older than its refusal, whatever the clock says.
    let failed = looking("10.0.0.1", 443, refused(), 5);
    let new = surveying(&[TlsVersion::TLS_1_3], &old, None, failed);
    store.scan(batch(vec![new])).await;
    let refused = words(&["TLSv1.0", "TLSv1.2"]);
    assert_eq!(told(&store).await, (words(&["TLSv1.3"]), refused));
}

#[tokio::test]
async fn a_version_that_an_answer_came_by_is_accepted_whatever_the_survey_beside_it_says() {
    let mut store = Store::new().await;
    let version = TlsVersion::TLS_1_1;
    let seen = surveying(&[], &[version], None, by(version, 10));
    store.scan(batch(vec![seen])).await;
    assert_eq!(told(&store).await, (words(&["TLSv1.1"]), Vec::new()));
    let seen = surveying(&[TlsVersion::TLS_1_2], &[version], None, by(version, 20));
    store
        .scan(batch(vec![Observation {
            outcome: refused(),
            ..seen
        }]))
        .await;
    let refused = words(&["TLSv1.1"]);
    assert_eq!(told(&store).await, (words(&["TLSv1.2"]), refused));
    store.scan(batch(vec![by(version, 30)])).await;
    let accepted = words(&["TLSv1.1", "TLSv1.2"]);
    assert_eq!(told(&store).await, (accepted, Vec::new()));
}

#[tokio::test]
async fn the_version_of_an_answer_that_is_over_is_accepted_no_more() {
    const WEEK: i64 = 7 * 86_400;
    let mut store = Store::new().await;
    let named = |look| asking("old.example", look);
    let mut old = named(presenting("10.0.0.1", 443, &["old"], 0));
    presented(&mut old).session.version = TlsVersion::TLS_1_0;
    store
        .scan(batch(vec![by(TlsVersion::TLS_1_2, 0), old]))
        .await;
    assert_eq!(told(&store).await.0, words(&["TLSv1.0", "TLSv1.2"]));
    for week in 1..=2 {
        let own = by(TlsVersion::TLS_1_2, week * WEEK);
        let refused = named(looking("10.0.0.1", 443, refused(), week * WEEK));
        store.scan(batch(vec![own, refused])).await;
        assert_eq!(told(&store).await.0, words(&["TLSv1.2"]), "{week}");
    }
    // Of an endpoint with nothing else the last that is known stays.
    let closed = looking("10.0.0.1", 443, Outcome::Refused, 3 * WEEK);
    store.scan(batch(vec![closed])).await;
    assert_eq!(told(&store).await.0, words(&["TLSv1.0", "TLSv1.2"]));
}

#[tokio::test]
async fn an_endpoint_with_several_questions_or_surveys_is_marked() {
    let mut store = Store::new().await;
    let plain = presenting("10.0.0.3", 443, &["a"], 10);
    store
        .scan(batch(vec![by(TlsVersion::TLS_1_2, 10), plain]))
        .await;
    assert_eq!(store.marked().await, (0, 0));
    let survey = surveying(
        &[TlsVersion::TLS_1_1],
        &[],
        None,
        by(TlsVersion::TLS_1_2, 20),
    );
    store.scan(batch(vec![survey])).await;
    assert_eq!(store.marked().await, (1, 0));
    let named = asking("a.example", presenting("10.0.0.3", 443, &["a"], 30));
    store.scan(batch(vec![named])).await;
    assert_eq!(store.marked().await, (2, 0));
    let renewed = presenting("10.0.0.3", 443, &["b"], 40);
    store.scan(batch(vec![renewed])).await;
    assert_eq!(store.marked().await, (2, 2));
}

#[tokio::test]
async fn an_unchanged_survey_grows_nothing() {
    let mut store = Store::new().await;
    let survey = |second| {
        let accepted = [TlsVersion::TLS_1_2, TlsVersion::TLS_1_3];
        let refused = [TlsVersion::SSL_3];
        let look = by(TlsVersion::TLS_1_2, second);
        batch(vec![surveying(
            &accepted,
            &refused,
            Some(X25519_MLKEM768),
            look,
        )])
    };
    store.scan(survey(10)).await;
    let identity = ["installations", "questions", "chains", "certificates"];
    let mut before = Vec::new();
    for table in identity {
        before.push(store.dump(table).await);
    }
    store.scan(survey(20)).await;
    for (table, before) in identity.iter().zip(before) {
        assert_eq!(store.dump(table).await, before, "{table}");
    }
    assert_eq!(store.dump("surveys").await.len(), 4);
}

#[tokio::test]
async fn a_survey_written_again_or_late_changes_nothing() {
    let mut store = Store::new().await;
    let scan = store.begin().await;
    let version = TlsVersion::TLS_1_0;
    let early = surveying(&[version], &[], None, by(TlsVersion::TLS_1_2, 10));
    let late = surveying(&[], &[version], None, by(TlsVersion::TLS_1_2, 20));
    let both = batch(vec![late, early.clone()]);
    store.sink.write(scan, &both).await.unwrap();
    let before = store.dump_all().await;
    for again in [batch(vec![early]), both] {
        store.sink.write(scan, &again).await.unwrap();
        assert_eq!(store.dump_all().await, before);
    }
    assert_eq!(told(&store).await.1, words(&["TLSv1.0"]));
}
