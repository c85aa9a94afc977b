//! Faults by counting: each call that may fail fails once, the first, the
//! second, and so on until there is none left. Whichever it is, outcomes add
//! up (the rig checks), nothing is told as dark that is not, and a scan that
//! lost something does not end as complete.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certsweep::domain::{OutcomeKind, ScanId, ScanState, Tally, Unresolved};
use certsweep::pace::Rate;
use certsweep::resolve::LookupError;
use certsweep::scan::Summary;

use crate::rig::{Rig, varied};
use crate::simulation::{Names, Network, Peer};

fn rig(network: Network) -> Rig {
    let mut rig = Rig::new(network, &["10.0.0.0/27", "a.sim", "b.sim"]);
    rig.names = Names::new(|name, _| Ok(addresses(name)));
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(16).unwrap());
    rig.retries = 1;
    rig
}

fn addresses(name: &str) -> Vec<IpAddr> {
    let last = if name == "a.sim" { 8 } else { 1 };
    vec![IpAddr::from([10, 0, 1, last])]
}

async fn outcomes_without_fault() -> Tally {
    let summary = rig(Network::new(varied)).run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    summary.outcomes
}

fn dark(outcomes: &Tally) -> u64 {
    outcomes.count(OutcomeKind::Filtered) + outcomes.count(OutcomeKind::Unreachable)
}

/// Nothing was lost but what is told as a fault of ours.
fn assert_honest(summary: &Summary, expected: &Tally, what: &str) {
    assert!(dark(&summary.outcomes) <= dark(expected), "{what}");
    let lost = summary.outcomes.count(OutcomeKind::LocalError);
    assert!(lost <= 1, "{what}");
    for kind in [
        OutcomeKind::Certificate,
        OutcomeKind::NotTls,
        OutcomeKind::Silent,
        OutcomeKind::Refused,
    ] {
        let found = summary.outcomes.count(kind);
        assert!(found + lost >= expected.count(kind), "{what}: {kind}");
        assert!(found <= expected.count(kind), "{what}: {kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_of_the_inventory_fails_the_scan_fails_and_goes_on_later() {
    let expected = outcomes_without_fault().await;
    for call in 1.. {
        let mut rig = rig(Network::new(varied));
        rig.memory.stored().fail_call = Some(call);
        let ended = rig.run().await;
        if rig.memory.stored().calls < call {
            assert!(ended.is_ok());
            assert!(call > 6, "begin, pages, a ledger, end and close");
            return;
        }
        ended.unwrap_err();
        if let Some(end) = &rig.memory.stored().end {
            let lost = end.outcomes.count(OutcomeKind::NotAttempted);
            assert_eq!(end.outcomes.total(), expected.total());
            assert!(dark(&end.outcomes) <= dark(&expected));
            assert!(lost == 0 || end.state == ScanState::Failed, "call {call}");
        }
        rig.memory.stored().fail_call = None;
        rig.resumes = (call > 1).then(|| ScanId::new(1));
        let summary = rig.run().await.unwrap();
        assert_eq!(summary.state, ScanState::Complete, "call {call}");
        assert_eq!(summary.outcomes, expected, "call {call}");
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_connection_fails_nothing_is_told_as_dark_that_is_not() {
    let expected = outcomes_without_fault().await;
    for fault in [
        Peer::Dark,
        Peer::Unreachable,
        Peer::OutOfDescriptors,
        Peer::NoRoute,
        Peer::Bug,
    ] {
        for number in 1.. {
            let what = format!("{fault:?} at dial {number}");
            let dials = Arc::new(AtomicUsize::new(0));
            let (counted, peer) = (Arc::clone(&dials), fault.clone());
            let network = Network::new(move |address, earlier| {
                if counted.fetch_add(1, Ordering::Relaxed) + 1 == number {
                    peer.clone()
                } else {
                    varied(address, earlier)
                }
            });
            let summary = rig(network).run().await.unwrap();
            if dials.load(Ordering::Relaxed) < number {
                break;
            }
            assert_eq!(summary.state, ScanState::Complete, "{what}");
            assert_honest(&summary, &expected, &what);
            let lost = summary.outcomes.count(OutcomeKind::LocalError);
            match fault {
                Peer::Bug => assert_eq!(lost, summary.internal_errors, "{what}"),
                Peer::NoRoute => {}
                _ => assert_eq!(lost, 0, "{what}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_answer_of_the_dns_fails_nothing_is_told_as_dark() {
    let expected = outcomes_without_fault().await;
    let silence = LookupError::Resolver("no answer in time".to_owned());
    let failure = LookupError::Unresolved(Unresolved::ServerFailure);
    for fault in [silence, failure] {
        for number in 1.. {
            let what = format!("{fault:?} at answer {number}");
            let answers = Arc::new(AtomicUsize::new(0));
            let (counted, fault) = (Arc::clone(&answers), fault.clone());
            let mut rig = rig(Network::new(varied));
            let is_silence = matches!(fault, LookupError::Resolver(_));
            rig.names = Names::new(move |name, _| {
                if counted.fetch_add(1, Ordering::Relaxed) + 1 == number {
                    Err(fault.clone())
                } else {
                    Ok(addresses(name))
                }
            });
            let summary = rig.run().await.unwrap();
            if answers.load(Ordering::Relaxed) < number {
                break;
            }
            if is_silence {
                assert_eq!(summary.outcomes, expected, "{what}");
            } else {
                assert!(dark(&summary.outcomes) <= dark(&expected), "{what}");
                let unresolved = summary.outcomes.count(OutcomeKind::Unresolved);
                assert_eq!(unresolved, 1, "{what}: as the DNS says");
            }
        }
    }
}
