//! What a scan makes of a network that goes away, on a simulated one under a
//! paused clock: it waits, and nothing that it missed is told as silence.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use certsweep::domain::{Dialect, EarlyEnd, Host, OutcomeKind, Port, ScanState, Unresolved};
use certsweep::pace::Rate;
use certsweep::resolve::LookupError;
use certsweep::scan::{LONGEST_OUTAGE, Stop, Summary};
use certsweep::store::KnownTarget;
use tokio::time::Instant;

use crate::rig::{Rig, varied};
use crate::simulation::{Names, Network, Peer};

const SECOND: Duration = Duration::from_secs(1);

/// A network that is as `varied` says, and from second to second of the
/// outages as `down` says.
fn failing(outages: &'static [(u64, u64)], down: Peer) -> Network {
    let began = Instant::now();
    Network::new(move |address, earlier| {
        let now = began.elapsed().as_secs();
        if outages.iter().any(|(from, to)| (*from..*to).contains(&now)) {
            down.clone()
        } else {
            varied(address, earlier)
        }
    })
}

/// What `varied` has in a /22 when nothing fails.
fn assert_as_without_outage(summary: &Summary) {
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Refused), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Silent), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::NotTls), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Unreachable), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 384);
}

fn known(places: impl IntoIterator<Item = [u8; 4]>) -> Vec<KnownTarget> {
    let known = |address: [u8; 4]| KnownTarget {
        host: Host::Address(IpAddr::from(address)),
        port: Port::HTTPS,
        dialect: Dialect::Tls,
    };
    places.into_iter().map(known).collect()
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_the_middle_changes_nothing_but_the_time() {
    for down in [Peer::Dark, Peer::NoRoute, Peer::Unreachable] {
        let rig = Rig::of_forty_seconds(failing(&[(15, 200)], down.clone()));
        let summary = rig.run().await.unwrap();
        assert_as_without_outage(&summary);
        assert_eq!(summary.trouble.outages.count, 1, "{down:?}");
        assert!(summary.trouble.outages.paused > 150 * SECOND, "{down:?}");
        let stored = rig.memory.stored();
        assert_eq!(stored.observations.len(), 1024, "each is told once");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_but_canaries_is_dialled_while_the_network_is_down() {
    let began = Instant::now();
    let rig = Rig::of_forty_seconds(failing(&[(15, 200)], Peer::Dark));
    rig.run().await.unwrap();
    let dials = rig.network.dials();
    let within =
        |(at, _): &&(Instant, SocketAddr)| (30..200).contains(&at.duration_since(began).as_secs());
    let within: Vec<_> = dials.iter().filter(within).collect();
    assert!(within.len() < 60, "{} dials", within.len());
    assert!(!within.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_network_that_flaps_is_waited_for_each_time() {
    let rig = Rig::of_forty_seconds(failing(&[(8, 25), (60, 75), (110, 125)], Peer::Dark));
    let summary = rig.run().await.unwrap();
    assert_as_without_outage(&summary);
    assert!(
        summary.trouble.outages.count >= 2,
        "{:?}",
        summary.trouble.outages
    );
}

#[tokio::test(start_paused = true)]
async fn a_network_that_never_comes_back_ends_the_scan_and_another_run_goes_on() {
    let began = Instant::now();
    let mut rig = Rig::of_forty_seconds(failing(&[(15, 100_000)], Peer::Dark));
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Stopped);
    let why = EarlyEnd::NetworkDown.to_string();
    assert_eq!(summary.ended_by, Some(why));
    let elapsed = began.elapsed();
    assert!(elapsed > LONGEST_OUTAGE && elapsed < LONGEST_OUTAGE + 60 * SECOND);
    assert!(summary.outcomes.count(OutcomeKind::NotAttempted) > 500);
    // What was seen before the outage is told, and no more of it.
    let silence = summary.outcomes.count(OutcomeKind::Filtered);
    assert!(silence <= 15 * 25 / 2, "{silence}");

    rig.network = Network::new(varied);
    rig.stop = Stop::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_as_without_outage(&summary);
}

#[tokio::test(start_paused = true)]
async fn a_network_without_anybody_trips_nothing() {
    let mut rig = Rig::of_forty_seconds(Network::new(|_, _| Peer::Dark));
    rig.targets = vec!["10.0.0.0/18".to_owned()];
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(1000).unwrap());
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 1 << 14);
    assert_eq!(summary.trouble.outages.count, 0);
    assert_eq!(rig.network.dials().len(), 1 << 14);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_really_gone_is_told_as_gone() {
    let mut rig = Rig::of_forty_seconds(Network::new(|address, earlier| match address.ip() {
        IpAddr::V4(ip) if ip.octets()[2] != 0 => Peer::Dark,
        _ => varied(address, earlier),
    }));
    rig.known = known((0..32).map(|host| [10, 0, 1, 8 * host]));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.trouble.outages.count, 0);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 768 + 96);
}

#[tokio::test(start_paused = true)]
async fn known_endpoints_that_are_all_silent_from_the_first_are_an_outage() {
    let mut rig = Rig::of_forty_seconds(failing(&[(0, 180)], Peer::Dark));
    rig.known = known((0..32).map(|host| [10, 0, 1, 8 * host]));
    let summary = rig.run().await.unwrap();
    assert_as_without_outage(&summary);
    assert_eq!(summary.trouble.outages.count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_a_pause_at_once() {
    let began = Instant::now();
    let rig = Rig::of_forty_seconds(failing(&[(15, 100_000)], Peer::Dark));
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(60 * SECOND).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Interrupted);
    assert!(began.elapsed() < 65 * SECOND, "{:?}", began.elapsed());
    assert_eq!(summary.trouble.outages.count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_dns_keeps_the_names_from_an_outcome_and_nothing_else() {
    let began = Instant::now();
    let mut rig = Rig::of_forty_seconds(Network::new(varied));
    rig.targets
        .extend((0..100).map(|number| format!("n{number}.sim")));
    rig.names = Names::new(move |_, _| {
        if began.elapsed() > 5 * SECOND {
            return Err(LookupError::Resolver("no answer in time".to_owned()));
        }
        Ok(vec![IpAddr::from([10, 9, 9, 8])])
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.trouble.outages.count, 0, "the addresses answer");
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 384);
    let lost = summary.outcomes.count(OutcomeKind::NotAttempted);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate) + lost, 228);
    assert!(lost > 20, "{lost}");
    assert_eq!(summary.state, ScanState::Stopped);
    assert_eq!(summary.ended_by.as_deref(), Some("network-down"));
    assert_eq!(summary.trouble.name_outages.count, 1);

    rig.names = Names::new(|_, _| Ok(vec![IpAddr::from([10, 9, 9, 8])]));
    rig.stop = Stop::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 228);
}

#[tokio::test(start_paused = true)]
async fn a_dns_that_fails_for_a_while_loses_no_name() {
    let silence = LookupError::Resolver("no answer in time".to_owned());
    let refusal = LookupError::Unresolved(Unresolved::ServerFailure);
    for failure in [silence, refusal] {
        let began = Instant::now();
        let mut rig = Rig::of_forty_seconds(Network::new(varied));
        let names = (0..100).map(|number| format!("n{number}.sim"));
        rig.targets = names.collect();
        let look_ups = AtomicUsize::new(0);
        rig.names = Names::new(move |_, _| {
            let earlier = look_ups.fetch_add(1, Ordering::Relaxed);
            if earlier >= 10 && began.elapsed() < 20 * SECOND {
                return Err(failure.clone());
            }
            Ok(vec![IpAddr::from([10, 9, 9, 8])])
        });
        rig.rates.overall = Rate::PerSecond(NonZeroU32::new(5).unwrap());
        let summary = rig.run().await.unwrap();
        assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 100);
        assert_eq!(summary.state, ScanState::Complete);
        assert_eq!(summary.trouble.name_outages.count, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_resolver_says_without_a_network_is_no_word_on_a_name() {
    // Of forty, too few are looked up before the outage shows to tell of the
    // DNS.
    for names in [40, 100] {
        let began = Instant::now();
        let mut rig = Rig::of_forty_seconds(failing(&[(15, 200)], Peer::Dark));
        rig.targets
            .extend((0..names).map(|number| format!("n{number}.sim")));
        rig.names = Names::new(move |_, _| {
            if (15..200).contains(&began.elapsed().as_secs()) {
                return Err(LookupError::Unresolved(Unresolved::ServerFailure));
            }
            Ok(vec![IpAddr::from([10, 9, 9, 8])])
        });
        let summary = rig.run().await.unwrap();
        assert_eq!(summary.state, ScanState::Complete);
        assert_eq!(summary.outcomes.count(OutcomeKind::Unresolved), 0);
        let found = summary.outcomes.count(OutcomeKind::Certificate);
        assert_eq!(found, 128 + names);
        assert_eq!(summary.trouble.outages.count, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn canaries_that_could_not_be_asked_are_not_silent() {
    let began = Instant::now();
    let mut rig = Rig::of_forty_seconds(Network::new(move |address, earlier| {
        let is_short = earlier > 0 && (15..60).contains(&began.elapsed().as_secs());
        match (address.port(), is_short) {
            (_, true) => Peer::OutOfDescriptors,
            (443, false) if address.ip() < IpAddr::from([10, 0, 0, 200]) => Peer::Closed,
            _ => Peer::Dark,
        }
    }));
    rig.targets = vec!["10.0.0.0/22".to_owned()];
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.trouble.outages.count, 0);
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Refused), 200);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 824);
}

#[tokio::test(start_paused = true)]
async fn the_dns_is_tried_again_while_others_are_asked() {
    // Everybody answers, so that nothing but the DNS is ever in doubt.
    let mut rig = Rig::new(Network::new(|_, _| Peer::Closed), &["10.0.0.0/17"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(40).unwrap());
    let names = (0..100).map(|number| format!("n{number}.sim"));
    rig.targets.extend(names);
    let look_ups = AtomicUsize::new(0);
    rig.names = Names::new(move |_, _| match look_ups.fetch_add(1, Ordering::Relaxed) {
        2..12 => Err(LookupError::Resolver("no answer in time".to_owned())),
        _ => Ok(vec![IpAddr::from([10, 9, 9, 8])]),
    });
    let began = Instant::now();
    let summary = rig.run().await.unwrap();
    assert!(began.elapsed() > LONGEST_OUTAGE, "{:?}", began.elapsed());
    assert_eq!(summary.ended_by, None);
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Unresolved), 0);
    let names = summary.trouble.name_outages;
    assert_eq!(names.count, 1);
    assert!(names.paused < 60 * SECOND, "{:?}", names.paused);
}

#[tokio::test(start_paused = true)]
async fn names_that_a_resolver_refuses_are_told_so_after_a_while() {
    let began = Instant::now();
    let mut rig = Rig::of_forty_seconds(Network::new(varied));
    let good = (0..10).map(|number| format!("n{number}.sim"));
    let bad = (0..100).map(|number| format!("b{number}.sim"));
    rig.targets = good.chain(bad).collect();
    rig.names = Names::new(|name, _| {
        if name.starts_with('b') {
            return Err(LookupError::Unresolved(Unresolved::ServerFailure));
        }
        Ok(vec![IpAddr::from([10, 9, 9, 8])])
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 10);
    assert_eq!(summary.outcomes.count(OutcomeKind::Unresolved), 100);
    assert!(began.elapsed() < 180 * SECOND, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_machine_with_few_descriptors_finds_what_another_finds() {
    // Silent and dark targets keep hundreds of connections open at once.
    for descriptors in [8, 40] {
        let network = Network::new(varied).with_descriptors(descriptors);
        let mut rig = Rig::new(network, &["10.0.0.0/22"]);
        rig.retries = 1;
        let summary = rig.run().await.unwrap();
        assert_as_without_outage(&summary);
    }
}
