//! The engine on a simulated network, under a paused clock.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use certsweep::domain::{EarlyEnd, OutcomeKind, ScanState};
use certsweep::pace::{Rate, Rates};
use certsweep::scan::{RETRY_SPACING, ScanError};
use certsweep::target::Shard;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::rig::{Rig, varied};
use crate::simulation::{Memory, Names, Network, Peer, covered};

#[tokio::test(start_paused = true)]
async fn every_target_has_one_outcome_and_every_certificate_is_found() {
    let rig = Rig::new(
        Network::new(varied),
        &["10.0.0.0/24", "10.0.0.128/25", "10.0.0.7"],
    );
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.targets, 256, "overlapping targets are one");
    for (kind, expected) in [
        (OutcomeKind::Certificate, 32),
        (OutcomeKind::Refused, 32),
        (OutcomeKind::Silent, 32),
        (OutcomeKind::NotTls, 32),
        (OutcomeKind::Unreachable, 32),
        (OutcomeKind::Filtered, 96),
    ] {
        assert_eq!(summary.outcomes.count(kind), expected, "{kind}");
        assert_eq!(
            covered(&rig.memory.stored().coverage, kind),
            u128::from(expected),
            "{kind}"
        );
    }
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.certificates, 32);
    assert_eq!(
        rig.memory.stored().certificates,
        33,
        "the shared intermediate is parsed once"
    );
}

#[tokio::test(start_paused = true)]
async fn silence_costs_its_time_out_and_no_more() {
    let network = Network::new(|_, _| Peer::Dark);
    let rig = Rig::new(network, &["10.0.0.0/23"]);
    let began = Instant::now();
    rig.run().await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(3600),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn no_second_sees_more_dials_than_any_rate_allows() {
    let per_second = |number| Rate::PerSecond(NonZeroU32::new(number).unwrap());
    let mut rig = Rig::new(
        Network::new(varied),
        &["10.0.0.0/26:443,8443", "10.0.1.0/26:1-8"],
    );
    rig.rates = Rates {
        overall: per_second(50),
        per_host: per_second(2),
        per_network: per_second(30),
    };
    rig.retries = 1;
    rig.run().await.unwrap();
    assert!(rig.network.peak(|_| ()) <= 50);
    assert!(rig.network.peak(|address| address.ip()) <= 2);
    assert!(
        rig.network
            .peak(|address| address.to_string().starts_with("10.0.0."))
            <= 30
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_is_never_dialled_not_even_by_name() {
    let mut rig = Rig::new(
        Network::new(varied),
        &["10.0.0.0/24", "inside.sim", "both.sim"],
    );
    rig.exclude = ["10.0.0.8/29", "10.0.9.0/24"].map(str::to_owned).to_vec();
    rig.names = Names::of(&[
        ("inside.sim", &["10.0.9.8", "::ffff:10.0.9.16"]),
        ("both.sim", &["10.0.9.8", "10.0.1.8"]),
    ]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Excluded), 8 + 1);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 32 - 1 + 1);
    for (_, dialled) in rig.network.dials() {
        let text = dialled.to_string();
        assert!(!text.starts_with("10.0.9."), "{dialled}");
        assert!(
            !(8..16).any(|last| text == format!("10.0.0.{last}:443")),
            "{dialled}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_without_an_answer_is_looked_at_again_later() {
    let network = Network::new(|address, earlier| match earlier {
        0 => Peer::Dark,
        _ => varied(address, earlier),
    });
    let mut rig = Rig::new(network, &["10.0.0.8"]);
    rig.retries = 1;
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    let dials = rig.network.dials();
    assert_eq!(dials.len(), 2);
    assert!(dials[1].0 - dials[0].0 >= RETRY_SPACING);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_ours_is_never_booked_on_the_target() {
    let network =
        Network::new(
            |address, earlier| match (address.ip().to_string().as_str(), earlier) {
                ("10.0.0.16", _) | (_, 0..2) => Peer::OutOfDescriptors,
                _ => varied(address, earlier),
            },
        );
    let rig = Rig::new(network, &["10.0.0.8", "10.0.0.16"]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(summary.outcomes.count(OutcomeKind::LocalError), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_scan_keeps_what_it_has_and_accounts_for_the_rest() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/22"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(100).unwrap());
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Interrupted);
    let attempted = summary.targets - summary.outcomes.count(OutcomeKind::NotAttempted);
    let dialled = u64::try_from(rig.network.dials().len()).unwrap();
    assert!((400..=600).contains(&dialled), "{dialled}");
    assert!(attempted <= dialled, "{attempted} of {dialled}");
    let found = rig
        .memory
        .stored()
        .observations
        .iter()
        .filter(|seen| seen.outcome.kind() == OutcomeKind::Certificate)
        .count();
    assert_eq!(
        summary.outcomes.count(OutcomeKind::Certificate),
        found as u64
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_scan_at_once() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/20"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(100).unwrap());
    rig.memory = Memory::failing_at(2);
    let error = rig.run().await.unwrap_err();
    assert!(matches!(error, ScanError::Store(_)), "{error}");
    assert!(
        rig.network.dials().len() < 1000,
        "{}",
        rig.network.dials().len()
    );
    let end = rig.memory.stored().end.clone();
    assert_eq!(end.map(|end| end.state), Some(ScanState::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_asked_at_each_of_its_addresses() {
    let mut rig = Rig::new(Network::new(varied), &["www.sim", "10.0.0.8", "gone.sim"]);
    rig.names = Names::of(&[("www.sim", &["10.0.0.8", "10.0.0.9", "10.0.0.16"])]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.targets, 3, "a name and an address never merge");
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 2);
    assert_eq!(summary.outcomes.count(OutcomeKind::Unresolved), 1);
    let stored = rig.memory.stored();
    let asked = stored
        .observations
        .iter()
        .filter(|seen| seen.server_name.is_some());
    assert_eq!(asked.count(), 3);
    let pointer = stored
        .observations
        .iter()
        .find_map(|seen| seen.pointer.name());
    assert!(pointer.is_some_and(|name| name.starts_with("host-10.0.0.")));
    assert_eq!(stored.names.len(), 2);
    let led: BTreeSet<_> = stored.leads.iter().map(|lead| lead.address).collect();
    assert_eq!(led.len(), 3, "where it led is told, {:?}", stored.leads);
    let refused = covered(&stored.coverage, OutcomeKind::Refused);
    assert_eq!(refused, 1, "each address of a name is in the ledger");
}

#[tokio::test(start_paused = true)]
async fn a_dark_network_is_one_run_of_the_ledger_however_long_it_took() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Dark), &["10.0.0.0/24"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::MIN);
    rig.run().await.unwrap();
    let stored = rig.memory.stored();
    assert_eq!(stored.coverage.len(), 1, "{:#?}", stored.coverage);
}

/// Some of 10.0.0.0/24 at some ports.
#[derive(Clone, Debug)]
struct Patch {
    last_octets: RangeInclusive<u8>,
    ports: RangeInclusive<u16>,
}

/// Overlaps are the rule.
fn patch() -> impl Strategy<Value = Patch> {
    let corner = (0..250_u8, 0..40_u8, 1..6_u16, 0..3_u16);
    corner.prop_map(|(octet, more, port, ports)| Patch {
        last_octets: octet..=octet.saturating_add(more),
        ports: port..=port + ports,
    })
}

fn written(patches: &[Patch]) -> Vec<String> {
    let one = |Patch { last_octets, ports }: &Patch| {
        let (first, last) = (last_octets.start(), last_octets.end());
        format!(
            "10.0.0.{first}-10.0.0.{last}:{}-{}",
            ports.start(),
            ports.end()
        )
    };
    patches.iter().map(one).collect()
}

fn endpoints(patches: &[Patch]) -> BTreeSet<SocketAddr> {
    let one = |Patch { last_octets, ports }: &Patch| {
        let ports = ports.clone();
        last_octets.clone().flat_map(move |last| {
            ports
                .clone()
                .map(move |port| SocketAddr::from(([10, 0, 0, last], port)))
        })
    };
    patches.iter().flat_map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_target_is_dialled_once_by_one_shard_and_no_excluded_one_ever(
        targets in prop::collection::vec(patch(), 1..8),
        exclude in prop::collection::vec(patch(), 0..4),
        shards in 1..4_u32,
    ) {
        let expected: Vec<_> = endpoints(&targets).difference(&endpoints(&exclude)).copied().collect();
        let mut rig = Rig::new(Network::new(|_, _| Peer::Closed), &[]);
        rig.targets = written(&targets);
        rig.exclude = written(&exclude);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let mut counted = 0;
        for number in 1..=shards {
            rig.shard = Shard::new(number, shards).unwrap();
            counted += runtime.block_on(rig.run()).unwrap().targets;
        }
        prop_assert_eq!(counted, endpoints(&targets).len() as u64);
        let mut dialled: Vec<_> = rig.network.dials().iter().map(|(_, address)| *address).collect();
        dialled.sort_unstable();
        prop_assert_eq!(dialled, expected);
    }
}
