//! What else an endpoint accepts.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::kx_group;
use rustls::version::{TLS12, TLS13};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::network::{Manner, Simulated, Then, pacer, probe};
use crate::domain::{
    Acceptance, HybridGroup, NamedGroup, Observation, Outcome, Survey, TlsVersion,
};
use crate::net::DialError;
use crate::probe::{Prober, Timeouts};
use crate::tls::tests::servers::Wanted;
use crate::tls::tests::transcript::{alert, full_flight, records, server_hello};

use Acceptance::{Accepted, Refused};

const PROTOCOL_VERSION: u8 = 70;

fn prober(behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Prober<Simulated> {
    Prober::new(
        Simulated::new(behaviour),
        pacer(|_, _| None),
        Timeouts::default(),
    )
}

/// The survey of a peer of which nothing is known, and how long it took.
async fn survey(behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static) -> (Survey, Duration) {
    let begun = Instant::now();
    let stop = CancellationToken::new();
    let (survey, _) = prober(behaviour).survey(&probe(), None, &stop).await;
    (survey, begun.elapsed())
}

fn refuses() -> Manner {
    Manner::Say(alert(2, PROTOCOL_VERSION), Then::Close)
}

fn versions<const N: usize>(
    told: [(TlsVersion, Acceptance); N],
) -> BTreeMap<TlsVersion, Acceptance> {
    told.into()
}

const NONE_OLD: [(TlsVersion, Acceptance); 4] = [
    (TlsVersion::SSL_2, Refused),
    (TlsVersion::SSL_3, Refused),
    (TlsVersion::TLS_1_0, Refused),
    (TlsVersion::TLS_1_1, Refused),
];

#[tokio::test(start_paused = true)]
async fn each_version_is_asked_by_itself_newest_first() {
    // TLS 1.3, 1.2, 1.1, 1.0, SSL 3 and SSL 2, in this order.
    let (survey, took) = survey(move |n| match n {
        1 => Manner::Say(records(&full_flight(), 1000), Then::Wait),
        3 => Manner::Say(
            records(&server_hello(0x0301, 0x002f, &[]), 1000),
            Then::Close,
        ),
        6.. => panic!("more than a connection a version"),
        _ => refuses(),
    })
    .await;
    let expected = versions([
        (TlsVersion::SSL_2, Refused),
        (TlsVersion::SSL_3, Refused),
        (TlsVersion::TLS_1_0, Accepted),
        (TlsVersion::TLS_1_1, Refused),
        (TlsVersion::TLS_1_2, Accepted),
        (TlsVersion::TLS_1_3, Refused),
    ]);
    assert_eq!(survey.versions, expected);
    assert_eq!(
        survey.hybrid_group, None,
        "there is no TLS 1.3 to ask it in"
    );
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_another_version_is_a_refusal() {
    let (survey, _) = survey(|n| match n {
        2 => Manner::Say(records(&full_flight(), 1000), Then::Wait),
        _ => refuses(),
    })
    .await;
    let told = survey.versions.get(&TlsVersion::TLS_1_1);
    assert_eq!(told, Some(&Refused), "1.2 where 1.1 was asked");
}

#[tokio::test(start_paused = true)]
async fn a_server_of_tls_1_3_is_asked_for_a_hybrid_group() {
    let hybrid = vec![kx_group::X25519MLKEM768];
    let wanted = Wanted {
        groups: hybrid,
        ..Wanted::version(&TLS13)
    };
    let (server, _) = wanted.build();
    let (survey, _) = survey(move |_| Manner::Speak(server.clone())).await;
    let told = survey.versions.get(&TlsVersion::TLS_1_3);
    assert_eq!(told, Some(&Accepted));
    let group = NamedGroup(0x11ec);
    assert_eq!(survey.hybrid_group, Some(HybridGroup::Agreed(group)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_hybrid_groups_says_so() {
    let (server, _) = Wanted::version(&TLS13).build();
    let (survey, _) = survey(move |n| match n {
        0 => Manner::Speak(server.clone()),
        _ => Manner::Say(alert(2, 40), Then::Close),
    })
    .await;
    assert_eq!(survey.hybrid_group, Some(HybridGroup::Refused));
    let mut expected = versions(NONE_OLD);
    expected.insert(TlsVersion::TLS_1_2, Refused);
    expected.insert(TlsVersion::TLS_1_3, Accepted);
    assert_eq!(survey.versions, expected);
}

async fn observed(prober: &Prober<Simulated>) -> Observation {
    prober.run(probe(), &CancellationToken::new()).await
}

#[tokio::test(start_paused = true)]
async fn what_the_main_question_showed_is_not_asked_again() {
    let (modern, _) = Wanted::version(&TLS13).build();
    // Refused 1.2 to 1.0 together, then found by 1.3: only 1.3 is known.
    let dialer = Simulated::new(move |n| match n {
        1 | 2 => Manner::Speak(modern.clone()),
        _ => refuses(),
    });
    let dials = dialer.dials.clone();
    let prober = Prober::new(dialer, pacer(|_, _| None), Timeouts::default());
    let seen = observed(&prober).await;
    assert_eq!(dials.load(Ordering::Relaxed), 2);
    let stop = CancellationToken::new();
    let (survey, _) = prober.survey(&probe(), Some(&seen), &stop).await;
    assert_eq!(survey.versions.len(), 6);
    assert_eq!(survey.accepted().collect::<Vec<_>>(), [TlsVersion::TLS_1_3]);
    assert_eq!(
        dials.load(Ordering::Relaxed),
        2 + 5 + 1,
        "five versions, one group"
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_refused_alone_is_known_to_be_refused() {
    let (old, _) = Wanted::version(&TLS12).build();
    let dialer = Simulated::new(move |n| match n {
        0 => refuses(),
        _ => Manner::Speak(old.clone()),
    });
    let dials = dialer.dials.clone();
    let prober = Prober::new(dialer, pacer(|_, _| None), Timeouts::default());
    let mut question = probe();
    question.ladder = "tls1.3,tls1.2".parse().unwrap();
    let seen = prober.run(question, &CancellationToken::new()).await;
    let stop = CancellationToken::new();
    let (survey, _) = prober.survey(&probe(), Some(&seen), &stop).await;
    assert_eq!(survey.versions.get(&TlsVersion::TLS_1_3), Some(&Refused));
    assert_eq!(survey.versions.get(&TlsVersion::TLS_1_2), Some(&Accepted));
    assert_eq!(dials.load(Ordering::Relaxed), 2 + 4);
}

#[tokio::test(start_paused = true)]
async fn silence_says_nothing_of_a_version_and_each_shape_of_hello_meets_it_once() {
    let (survey, took) = survey(|n| match n {
        0 => refuses(),
        4.. => panic!("more than a silence a shape"),
        _ => Manner::Say(Vec::new(), Then::Wait),
    })
    .await;
    assert_eq!(survey.versions, versions([(TlsVersion::TLS_1_3, Refused)]));
    assert_eq!(took, 3 * Timeouts::default().handshake);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_ends_the_survey() {
    let (survey, _) = survey(|n| match n {
        0 | 1 => refuses(),
        2 => Manner::Refuse(DialError::Refused),
        _ => panic!("dialled after a failure"),
    })
    .await;
    assert_eq!(survey.versions.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_survey_between_two_connections() {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let prober = prober(move |_| {
        stopping.cancel();
        refuses()
    });
    let (survey, _) = prober.survey(&probe(), None, &stop).await;
    assert_eq!(survey.versions, versions([(TlsVersion::TLS_1_3, Refused)]));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_speaks_no_tls_has_an_answer_to_each_question() {
    let (survey, _) = survey(|_| Manner::Greet(b"SSH-2.0-x\n".to_vec())).await;
    assert!(survey.versions.values().all(|told| *told == Refused));
    assert!(survey.accepted().next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_only_another_version_shows_is_not_thrown_away() {
    let (old, _) = Wanted::version(&TLS12).build();
    let (modern, leaf) = Wanted::version(&TLS13).build();
    let prober = prober(move |n| match n {
        0 => Manner::Speak(old.clone()),
        1 | 2 => Manner::Speak(modern.clone()),
        _ => refuses(),
    });
    let mut question = probe();
    question.ladder = "tls1.2".parse().unwrap();
    let stop = CancellationToken::new();
    let seen = prober.run(question, &stop).await;
    let (survey, others) = prober.survey(&probe(), Some(&seen), &stop).await;
    assert_eq!(survey.accepted().count(), 2);
    let leaves = others.iter().map(|other| match &other.outcome {
        Outcome::Certificate(presented) => presented.chain.leaf().as_bytes(),
        outcome => panic!("{outcome:?}"),
    });
    assert_eq!(leaves.collect::<Vec<_>>(), [leaf]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_name_says_nothing_of_a_version() {
    const UNRECOGNIZED_NAME: u8 = 112;
    let prober = prober(|_| Manner::Say(alert(2, UNRECOGNIZED_NAME), Then::Close));
    let mut question = probe();
    question.ladder = "tls1.3".parse().unwrap();
    let stop = CancellationToken::new();
    let seen = prober.run(question, &stop).await;
    let (survey, others) = prober.survey(&probe(), Some(&seen), &stop).await;
    assert_eq!((survey, others), (Survey::default(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_classical_group_in_answer_to_the_hybrid_ones_is_no_hybrid_group() {
    let (server, _) = Wanted::version(&TLS13).build();
    let (survey, _) = survey(move |n| match n {
        0 => Manner::Speak(server.clone()),
        1 => {
            let version = [0, 43, 0, 2, 3, 4];
            let x25519 = [&[0, 51, 0, 36, 0, 0x1d, 0, 32][..], &[7; 32]].concat();
            let hello = server_hello(0x0303, 0x1301, &[&version[..], &x25519].concat());
            Manner::Say(records(&hello, 1000), Then::Close)
        }
        _ => refuses(),
    })
    .await;
    assert_eq!(survey.hybrid_group, Some(HybridGroup::Refused));
}

#[tokio::test(start_paused = true)]
async fn the_hybrid_question_does_not_wait_behind_the_silence_of_old_versions() {
    let hybrid = Wanted {
        groups: vec![kx_group::X25519MLKEM768],
        ..Wanted::version(&TLS13)
    };
    let (server, _) = hybrid.build();
    let (survey, _) = survey(move |n| match n {
        0 | 1 => Manner::Speak(server.clone()),
        _ => Manner::Say(Vec::new(), Then::Wait),
    })
    .await;
    let group = NamedGroup(0x11ec);
    assert_eq!(survey.hybrid_group, Some(HybridGroup::Agreed(group)));
}
