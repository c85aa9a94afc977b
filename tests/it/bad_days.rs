//! What a scan makes of faults, on a simulated network under a paused clock.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use certsweep::domain::{EarlyEnd, OutcomeKind, ScanId, ScanState, Unresolved};
use certsweep::pace::Rate;
use certsweep::probe::Timeouts;
use certsweep::resolve::LookupError;
use certsweep::scan::{RETRY_SPACING, Reach, Stop};
use certsweep::store::AddressRun;
use tokio::time::{Instant, timeout};

use crate::rig::{Rig, varied};
use crate::simulation::{Memory, Names, Network, Peer, alert, flight};

fn one_address() -> Vec<IpAddr> {
    vec![IpAddr::from([10, 0, 0, 8])]
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_target_is_that_targets_outcome_and_the_scan_goes_on() {
    let network = Network::new(|address, earlier| match address.ip() {
        IpAddr::V4(ip) if ip.octets()[3] == 9 => Peer::Bug,
        _ => varied(address, earlier),
    });
    let mut rig = Rig::new(network, &["bug.sim", "a.sim", "10.0.0.8/29"]);
    rig.names = Names::new(|name, _| {
        assert_ne!(name, "bug.sim", "a bug");
        Ok(one_address())
    });
    let ended = timeout(Duration::from_mins(10), rig.run()).await;
    let summary = ended.expect("the scan hangs").unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.internal_errors, 2);
    assert_eq!(summary.outcomes.count(OutcomeKind::LocalError), 2);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 2);
    let stored = rig.memory.stored();
    let of_bug = |run: &&AddressRun| run.outcome == OutcomeKind::LocalError;
    let detail = stored.coverage.iter().find(of_bug).map(|run| &*run.detail);
    assert_eq!(detail, Some("internal: a bug at 10.0.0.9:443"));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_retries_too() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/19"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(1000).unwrap());
    rig.retries = 3;
    rig.memory = Memory::failing_at(1);
    let began = Instant::now();
    rig.run().await.unwrap_err();
    // A question that had begun may take its time; three retries take longer.
    assert!(
        began.elapsed() < Timeouts::default().target + RETRY_SPACING,
        "{:?}",
        began.elapsed()
    );
    let end = rig.memory.stored().end.clone().unwrap();
    assert_eq!(
        end.outcomes.count(OutcomeKind::NotAttempted),
        8192,
        "nothing was stored"
    );
}

/// protocol_version.
const NO_SUCH_VERSION: u8 = 70;

#[tokio::test(start_paused = true)]
async fn a_server_whose_second_connection_is_lost_is_looked_at_again() {
    let network = Network::new(|_, earlier| match earlier {
        0 => Peer::Says(alert(NO_SUCH_VERSION)),
        1 => Peer::Dark,
        _ => Peer::Says(flight(&[b"leaf"])),
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_heard_one_hello_and_not_another_is_looked_at_again() {
    let network = Network::new(|_, earlier| match earlier {
        0 => Peer::Silent,
        1 => Peer::Says(alert(NO_SUCH_VERSION)),
        _ => Peer::Says(flight(&[b"leaf"])),
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.ladder = "tls1.2+tls1.1+tls1.0,tls1.0+ssl3";
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(rig.network.dials().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_spoke_once_is_not_forgotten_when_it_is_dark_later() {
    let network = Network::new(|_, earlier| match earlier {
        0 => Peer::Says(alert(NO_SUCH_VERSION)),
        _ => Peer::Dark,
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::TlsRefused), 1);
}

#[tokio::test(start_paused = true)]
async fn a_later_fault_of_ours_does_not_hide_what_was_seen() {
    let network = Network::new(|_, earlier| match earlier {
        0 => Peer::Dark,
        _ => Peer::OutOfDescriptors,
    });
    let mut rig = Rig::new(network, &["10.0.0.1"]);
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 1);

    let mut rig = Rig::new(Network::new(|_, _| Peer::Dark), &["a.sim"]);
    rig.retries = 1;
    rig.names = Names::new(|_, earlier| match earlier {
        0 => Ok(one_address()),
        _ => Err(LookupError::Unresolved(Unresolved::ServerFailure)),
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_resolver_does_not_hold_up_the_stop() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Dark), &["10.0.0.0/28", "a.sim"]);
    rig.retries = 3;
    rig.names = Names::new(|_, _| Err(LookupError::Resolver("no answer in time".to_owned())));
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let began = Instant::now();
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Interrupted);
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        summary.outcomes.count(OutcomeKind::Filtered),
        16,
        "one look was had"
    );
    assert_eq!(summary.outcomes.count(OutcomeKind::LocalError), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_last_target_takes_nothing_from_the_scan() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Silent), &["10.0.0.1"]);
    let stop = rig.stop.clone();
    rig.retries = 1;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Silent), 1);
    assert_eq!(summary.state, ScanState::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_whose_further_questions_wait_for_an_answer_is_told_at_the_stop() {
    // The first of its questions has an answer, and nobody vouches for the
    // silence after it.
    let network = Network::new(|address, earlier| match (address.ip(), earlier) {
        (IpAddr::V4(ip), 0) if ip.octets()[3] == 8 => Peer::Says(flight(&[b"leaf"])),
        _ => Peer::Dark,
    });
    let mut rig = Rig::new(network, &["10.0.0.0/27"]);
    rig.first = vec!["10.0.0.8".to_owned()];
    rig.further = vec!["a.sim"];
    rig.reach = Reach::Everywhere;
    rig.retries = 1;
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(2).unwrap());
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(6)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Interrupted);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    // Those that had their first look, and no second.
    assert!(summary.outcomes.count(OutcomeKind::Filtered) >= 4);
    assert_eq!(rig.memory.stored().certificates, 1);

    rig.network = Network::new(varied);
    rig.stop = Stop::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 4);
}

#[tokio::test(start_paused = true)]
async fn an_inventory_that_others_lock_for_too_long_ends_the_scan() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/19"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(1000).unwrap());
    rig.memory.stored().busy_until = usize::MAX;
    let began = Instant::now();
    let error = rig.run().await.unwrap_err();
    assert!(error.to_string().contains("locked by another"), "{error}");
    let waited = began.elapsed();
    let minute = Duration::from_mins(1);
    assert!((5 * minute..6 * minute).contains(&waited), "{waited:?}");
    // All wait: what was found and not written bounds what is sent.
    let dials = rig.network.dials().len();
    assert!(dials < 8192, "{dials}");

    rig.memory.stored().busy_until = 0;
    rig.resumes = Some(ScanId::new(1));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1024);
}

#[tokio::test(start_paused = true)]
async fn an_inventory_that_others_lock_for_a_while_loses_nothing() {
    let rig = Rig::new(Network::new(varied), &["10.0.0.0/24"]);
    rig.memory.stored().busy_until = 30;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(rig.memory.stored().observations.len(), 256);
}
