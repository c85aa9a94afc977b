//! What a scan makes of a network that begins to filter it, on a simulated
//! one under a paused clock: it goes there last and slowly, and what stays
//! silent is told as suspected.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use certsweep::domain::{EarlyEnd, OutcomeKind, ScanState};
use certsweep::pace::Rate;
use certsweep::scan::{REST, Stop, Summary};
use tokio::time::Instant;

use crate::rig::{Rig, varied};
use crate::simulation::{Network, Peer, covered};

const SECOND: Duration = Duration::from_secs(1);

fn third(address: SocketAddr) -> u8 {
    match address.ip() {
        IpAddr::V4(ip) => ip.octets()[2],
        IpAddr::V6(_) => panic!("not of this network"),
    }
}

/// A network that is as `varied` says, whose 10.0.1.0/24 is dark from second
/// to second.
fn filtering(from: u64, to: u64) -> Network {
    let began = Instant::now();
    Network::new(move |address, earlier| {
        let now = began.elapsed().as_secs();
        if third(address) == 1 && (from..to).contains(&now) {
            Peer::Dark
        } else {
            varied(address, earlier)
        }
    })
}

/// What `varied` has in a /22 when nothing fails.
fn assert_as_without_filter(summary: &Summary) {
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.trouble.outages.count, 0);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Refused), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::NotTls), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 384);
}

/// When each dial into the filtering network was made, in seconds.
fn dials_there(rig: &Rig, began: Instant) -> Vec<f64> {
    let dials = rig.network.dials().into_iter();
    dials
        .filter(|(_, address)| third(*address) == 1)
        .map(|(at, _)| at.duration_since(began).as_secs_f64())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_network_that_filters_for_a_while_is_found_whole_at_the_end() {
    for retries in [0, 1] {
        let mut rig = Rig::of_forty_seconds(filtering(15, 60));
        rig.retries = retries;
        let summary = rig.run().await.unwrap();
        assert_as_without_filter(&summary);
        let [slowed] = summary.trouble.slowed.as_slice() else {
            panic!("{:?}", summary.trouble.slowed);
        };
        assert_eq!((slowed.network.as_str(), slowed.silent), ("10.0.1.0/24", 0));
        let stored = rig.memory.stored();
        assert_eq!(stored.observations.len(), 1024, "each is told once");
        assert!(stored.coverage.iter().all(|run| run.detail.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_stays_silent_in_a_filtering_network_is_marked_and_no_observation() {
    let mut rig = Rig::of_forty_seconds(filtering(15, 100_000));
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.trouble.slowed.len(), 1);
    let silent = summary.trouble.slowed[0].silent;
    assert!((100..=256).contains(&silent), "{silent}");
    let stored = rig.memory.stored();
    let marked: Vec<_> = stored
        .coverage
        .iter()
        .filter(|run| !run.detail.is_empty())
        .cloned()
        .collect();
    assert_eq!(covered(&marked, OutcomeKind::Filtered), u128::from(silent));
    for run in marked {
        assert!(run.first.to_string().starts_with("10.0.1."), "{run:?}");
        assert!(run.detail.contains("stopped answering"), "{run:?}");
    }
    assert_eq!(stored.observations.len() as u64 + silent, 1024);
}

#[tokio::test(start_paused = true)]
async fn a_filtering_network_is_left_alone_and_then_asked_slowly() {
    let began = Instant::now();
    let mut rig = Rig::new(filtering(2, 100_000), &["10.0.0.0/20"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(100).unwrap());
    rig.run().await.unwrap();
    let there = dials_there(&rig, began);
    // The sweep of the others takes forty seconds.
    let meanwhile = there.iter().filter(|at| (25.0..40.0).contains(*at));
    let meanwhile = meanwhile.count();
    assert!(meanwhile <= 3, "{meanwhile}");
    let at_the_end: Vec<_> = there.iter().filter(|at| **at > 40.0).collect();
    assert!(at_the_end.len() > 100, "{}", at_the_end.len());
    for five in at_the_end.windows(6) {
        assert!(five[5] - five[0] > 0.9, "{five:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_with_few_hosts_costs_a_few_connections_and_no_time() {
    let began = Instant::now();
    let network = Network::new(|address, _| match address.ip() {
        IpAddr::V4(ip) if ip.octets()[3] % 64 == 0 => Peer::Closed,
        _ => Peer::Dark,
    });
    let mut rig = Rig::new(network, &["10.0.0.0/22"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(50).unwrap());
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 1024 - 16);
    assert!(summary.trouble.slowed.is_empty());
    let dials = rig.network.dials().len();
    assert!(dials <= 1024 + 4 * 5, "{dials}");
    assert!(began.elapsed() < 30 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_takes_of_a_filtering_network_is_had_by_the_next_run() {
    let mut rig = Rig::of_forty_seconds(filtering(15, 100_000));
    rig.retries = 1;
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(40 * SECOND + REST / 2).await;
        stop.stop(EarlyEnd::Window);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Stopped);
    assert!(summary.outcomes.count(OutcomeKind::NotAttempted) > 50);

    rig.network = Network::new(varied);
    rig.stop = Stop::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_as_without_filter(&summary);
}
