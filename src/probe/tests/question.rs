//! Questions, rung by rung.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::network::{Manner, Simulated, Then, endpoint, observe, pacer, probe, words};
use crate::domain::{
    Alert, Broken, ClientAuth, KeyExchange, LocalFault, NotTls, Outcome, OutcomeKind, Phase,
    Refusal, TlsVersion,
};
use crate::net::DialError;
use crate::pace::{Pacer, Rate, Rates};
use crate::probe::{Prober, Timeouts};
use crate::tls::tests::servers::Wanted;
use crate::tls::tests::transcript::{LEAF, alert, certificate, full_flight, records, server_hello};

#[tokio::test(start_paused = true)]
async fn a_certificate_in_clear_takes_one_connection() {
    let flight = records(&full_flight(), 1000);
    let (observation, _) = observe(move |_| Manner::Say(flight.clone(), Then::Wait)).await;
    let Outcome::Certificate(presented) = observation.outcome else {
        panic!("{:?}", observation.outcome);
    };
    assert_eq!(presented.chain.leaf().as_bytes(), LEAF);
    assert_eq!(presented.truncated, None);
    assert_eq!(
        words(&observation.attempts),
        ["tls1.2+tls1.1+tls1.0: certificate"]
    );
    assert_eq!(observation.endpoint, endpoint());
}

#[tokio::test(start_paused = true)]
async fn a_real_server_of_tls_1_2_shows_its_certificate_in_clear() {
    let (server, leaf) = Wanted {
        client_certificate: true,
        ..Wanted::version(&TLS12)
    }
    .build();
    let (observation, _) = observe(move |_| Manner::Speak(server.clone())).await;
    let Outcome::Certificate(presented) = observation.outcome else {
        panic!("{:?}", observation.outcome);
    };
    assert_eq!(presented.chain.leaf().as_bytes(), leaf);
    assert_eq!(presented.session.version, TlsVersion::TLS_1_2);
    assert_eq!(presented.session.client_auth, Some(ClientAuth::Requested));
    assert!(matches!(
        presented.session.key_exchange,
        Some(KeyExchange::Group(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_server_of_tls_1_3_alone_is_found_on_the_second_rung() {
    let (server, leaf) = Wanted::version(&TLS13).build();
    let (observation, _) = observe(move |_| Manner::Speak(server.clone())).await;
    let Outcome::Certificate(presented) = observation.outcome else {
        panic!("{:?}", observation.outcome);
    };
    assert_eq!(presented.chain.leaf().as_bytes(), leaf);
    assert_eq!(presented.session.version, TlsVersion::TLS_1_3);
    assert_eq!(
        words(&observation.attempts),
        [
            "tls1.2+tls1.1+tls1.0: tls-refused (alert protocol_version(70) at hello)",
            "tls1.3: certificate"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_costs_one_handshake_timeout() {
    let (observation, took) = observe(|_| Manner::Say(Vec::new(), Then::Wait)).await;
    assert_eq!(observation.outcome, Outcome::Silent(Phase::Hello));
    assert_eq!(observation.attempts.len(), 1);
    assert_eq!(took, Timeouts::default().handshake);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_peer_costs_one_handshake_timeout() {
    let flight = records(&full_flight(), 1000);
    let (observation, took) = observe(move |_| Manner::Drip(flight.clone())).await;
    assert_eq!(observation.outcome, Outcome::Broken(Broken::Deadline));
    assert_eq!(took, Timeouts::default().handshake);
}

#[tokio::test(start_paused = true)]
async fn a_dark_host_costs_one_connect_timeout() {
    let (observation, took) = observe(|_| Manner::Drop).await;
    assert_eq!(observation.outcome, Outcome::Filtered);
    assert_eq!(
        words(&observation.attempts),
        ["tls1.2+tls1.1+tls1.0: filtered"]
    );
    assert_eq!(took, Timeouts::default().connect);
}

#[tokio::test(start_paused = true)]
async fn a_failed_dial_is_never_retried_as_tls() {
    let fault = LocalFault::Exhausted("no descriptors".to_owned());
    let dials = [
        (DialError::Refused, Outcome::Refused),
        (DialError::Unreachable, Outcome::Unreachable),
        (DialError::TimedOut, Outcome::Filtered),
        (DialError::Local(fault.clone()), Outcome::LocalError(fault)),
    ];
    for (error, expected) in dials {
        let (observation, _) = observe(move |_| Manner::Refuse(error.clone())).await;
        assert_eq!(observation.outcome, expected);
        assert_eq!(observation.attempts.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_asked_is_not_silent() {
    let shortage = LocalFault::Exhausted("no descriptors".to_owned());
    for (error, expected) in [
        (DialError::Refused, Some(true)),
        (DialError::Unreachable, Some(false)),
        (DialError::TimedOut, Some(false)),
        (DialError::Local(shortage), None),
    ] {
        assert_eq!(
            reaches(move |_| Manner::Refuse(error.clone())).await,
            expected
        );
    }
    assert_eq!(reaches(|_| Manner::Drop).await, Some(false));
    assert_eq!(reaches(|_| Manner::Deaf).await, Some(true));
}

async fn reaches(behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Option<bool> {
    let prober = Prober::new(
        Simulated::new(behaviour),
        pacer(|_, _| None),
        Timeouts::default(),
    );
    prober.reaches(&endpoint()).await
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_something_else_ends_the_probe_with_its_words() {
    let banner = b"SSH-2.0-OpenSSH_9.6\r\n".to_vec();
    let expected = Outcome::NotTls(NotTls::Other, banner.clone());
    let greeting = banner.clone();
    let (observation, _) = observe(move |_| Manner::Greet(greeting.clone())).await;
    assert_eq!(observation.outcome, expected, "said and reset");
    let (observation, took) = observe(move |_| Manner::Say(banner.clone(), Then::Wait)).await;
    assert_eq!(observation.outcome, expected, "said and waits");
    assert_eq!(observation.attempts.len(), 1);
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_gives_a_reason_stands_for_all_attempts() {
    let alerts = [alert(2, 47), alert(2, 70)];
    let behaviour = move |n: usize| Manner::Say(alerts[n].clone(), Then::Close);
    let (observation, _) = observe(behaviour).await;
    let reason = Refusal::Alert(Phase::Hello, Alert::ILLEGAL_PARAMETER);
    assert_eq!(observation.outcome, Outcome::TlsRefused(reason));
    assert_eq!(observation.attempts.len(), 2);
    let ends = [
        (Then::Close, Refusal::Closed(Phase::Hello)),
        (Then::Reset, Refusal::Reset(Phase::Hello)),
    ];
    for (then, refusal) in ends {
        let (observation, _) = observe(move |_| Manner::Say(Vec::new(), then)).await;
        assert_eq!(observation.outcome, Outcome::TlsRefused(refusal));
        assert_eq!(observation.attempts.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_certificate_is_told_from_one_that_refuses() {
    let anonymous = records(&server_hello(0x0303, 0x0034, &[]), 1000);
    let answers = [alert(2, 40), alert(2, 70), anonymous];
    let behaviour = move |n: usize| Manner::Say(answers[n].clone(), Then::Wait);
    let (observation, _) = observe(behaviour).await;
    assert_eq!(observation.outcome.kind(), OutcomeKind::NoCertificate);
    assert_eq!(observation.outcome.detail(), "anonymous");
}

#[tokio::test(start_paused = true)]
async fn a_leaf_that_arrived_stays_when_the_peer_leaves_or_stalls() {
    let begun = [server_hello(0x0303, 0xc02f, &[]), certificate(&[LEAF])].concat();
    let bytes = records(&begun, 1000);
    let ends = [
        (Then::Close, "truncated: closed at flight"),
        (Then::Reset, "truncated: reset at flight"),
        (Then::Wait, "truncated: stalled at flight"),
    ];
    for (then, detail) in ends {
        let bytes = bytes.clone();
        let (observation, _) = observe(move |_| Manner::Say(bytes.clone(), then)).await;
        assert_eq!(observation.outcome.kind(), OutcomeKind::Certificate);
        assert_eq!(observation.outcome.detail(), detail);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_ours_on_a_later_rung_leaves_the_question_open() {
    let fault = LocalFault::Exhausted("no descriptors".to_owned());
    let expected = Outcome::LocalError(fault.clone());
    let (observation, _) = observe(move |n| match n {
        0 => Manner::Say(alert(2, 40), Then::Close),
        _ => Manner::Refuse(DialError::Local(fault.clone())),
    })
    .await;
    assert_eq!(observation.outcome, expected);
    assert_eq!(observation.attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_target_ends_its_ladder() {
    let dialer = Simulated::new(|_| Manner::Drip(b"\x15\x03\x03\x00\x02\x02\x28".to_vec()));
    let timeouts = Timeouts {
        handshake: Duration::from_secs(10),
        target: Duration::from_secs(12),
        ..Timeouts::default()
    };
    let begun = Instant::now();
    let prober = Prober::new(dialer, pacer(|_, _| None), timeouts);
    let observation = prober.run(probe(), &CancellationToken::new()).await;
    assert_eq!(begun.elapsed(), timeouts.target);
    assert_eq!(
        words(&observation.attempts),
        [
            "tls1.2+tls1.1+tls1.0: tls-refused (alert handshake_failure(40) at hello)",
            "tls1.3: broken (deadline)"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_rate_is_left_out_of_the_time_for_a_target() {
    let slow = Rates {
        overall: Rate::Unlimited,
        per_host: "1".parse().unwrap(),
        per_network: Rate::Unlimited,
    };
    let pacer = Arc::new(Pacer::new(slow, NonZeroUsize::new(2).unwrap(), |_, _| None));
    let timeouts = Timeouts {
        target: Duration::from_millis(500),
        ..Timeouts::default()
    };
    let dialer = Simulated::new(|_| Manner::Say(alert(2, 40), Then::Close));
    let observation = Prober::new(dialer, pacer, timeouts)
        .run(probe(), &CancellationToken::new())
        .await;
    assert_eq!(observation.attempts.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_excluded_address_is_never_dialled() {
    let dialer = Simulated::new(|_| Manner::Drop);
    let excluded = pacer(|_, _| Some("10.0.0.0/8".to_owned()));
    let dials = dialer.dials.clone();
    let prober = Prober::new(dialer, excluded, Timeouts::default());
    let observation = prober.run(probe(), &CancellationToken::new()).await;
    assert_eq!(
        observation.outcome,
        Outcome::Excluded("10.0.0.0/8".to_owned())
    );
    assert_eq!(observation.attempts, []);
    assert_eq!(dials.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_the_limit_of_a_host_is_not_an_attempt() {
    let flight = records(&full_flight(), 1000);
    let dialer = Simulated::new(move |_| Manner::Say(flight.clone(), Then::Wait));
    let prober = Prober::new(dialer, pacer(|_, _| None), Timeouts::default());
    let stop = CancellationToken::new();
    let runs = (0..20).map(|_| prober.run(probe(), &stop));
    for observation in futures_util::future::join_all(runs).await {
        assert_eq!(observation.outcome.kind(), OutcomeKind::Certificate);
        assert_eq!(observation.attempts.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_probe_that_still_waits_was_not_attempted() {
    let dialer = Simulated::new(|_| Manner::Drop);
    let prober = Prober::new(dialer, pacer(|_, _| None), Timeouts::default());
    let stop = CancellationToken::new();
    stop.cancel();
    let observation = prober.run(probe(), &stop).await;
    assert_eq!(observation.outcome, Outcome::NotAttempted);
    assert!(observation.attempts.is_empty());
}

/// A pacer whose hours are over before the third dial.
fn closing() -> Arc<Pacer> {
    let unlimited = Rates {
        overall: Rate::Unlimited,
        per_host: Rate::Unlimited,
        per_network: Rate::Unlimited,
    };
    let dials = AtomicUsize::new(0);
    let pacer = Pacer::new(unlimited, NonZeroUsize::MIN, |_, _| None);
    Arc::new(pacer.within(move |_, _| dials.fetch_add(1, Ordering::Relaxed) < 2))
}

#[tokio::test(start_paused = true)]
async fn a_question_that_may_not_be_asked_to_its_end_was_not_asked() {
    let dialer = Simulated::new(|_| Manner::Say(alert(2, 40), Then::Close));
    let dials = dialer.dials.clone();
    let prober = Prober::new(dialer, closing(), Timeouts::default());
    let stop = CancellationToken::new();
    let observation = prober.run(probe(), &stop).await;
    assert_eq!(observation.outcome, Outcome::NotAttempted);
    assert_eq!(dials.load(Ordering::Relaxed), 2);
    assert_eq!(observation.attempts.len(), 2, "what was said is told");
    assert_eq!(prober.reaches(&endpoint()).await, None);
    assert_eq!(dials.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_found_within_the_hours_stands() {
    let flight = records(&full_flight(), 1000);
    let dialer = Simulated::new(move |dialled| match dialled {
        0 => Manner::Say(alert(2, 40), Then::Close),
        _ => Manner::Say(flight.clone(), Then::Wait),
    });
    let prober = Prober::new(dialer, closing(), Timeouts::default());
    let observation = prober.run(probe(), &CancellationToken::new()).await;
    assert_eq!(observation.outcome.kind(), OutcomeKind::Certificate);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_says_what_sets_its_hello_apart() {
    let (observation, _) = observe(|dialled| {
        let code = if dialled == 0 { 120 } else { 40 };
        Manner::Say(alert(2, code), Then::Close)
    })
    .await;
    let told = words(&observation.attempts);
    let hellos: Vec<_> = told.iter().filter_map(|it| it.split(": ").next()).collect();
    assert_eq!(hellos[0], "tls1.2+tls1.1+tls1.0");
    assert_eq!(hellos[1], "tls1.2+tls1.1+tls1.0, without alpn");
    let last = hellos.last().unwrap();
    assert!(last.ends_with(", anonymous suites"), "{told:?}");
}
