//! Scans that are stopped and gone on with, on a simulated network under a
//! paused clock: what two runs come to is what one would have.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use certsweep::domain::{EarlyEnd, Observation, OutcomeKind, ScanState, Tally};
use certsweep::pace::Rate;
use certsweep::scan::{Stop, Summary};
use certsweep::store::{AddressRun, JournalPage, NameLook, Step};
use proptest::prelude::*;

use crate::rig::{Rig, told_of, varied};
use crate::simulation::{Memory, Names, Network, Peer, covered};

const SECOND: Duration = Duration::from_secs(1);

/// What a scan leaves behind, without the times.
#[derive(Debug, PartialEq)]
struct Result {
    state: ScanState,
    outcomes: Tally,
    observations: BTreeMap<String, OutcomeKind>,
    coverage: BTreeMap<(u16, IpAddr), (OutcomeKind, String)>,
    names: BTreeMap<String, (OutcomeKind, String)>,
}

impl Result {
    fn of(rig: &Rig, summary: &Summary) -> Self {
        let stored = rig.memory.stored();
        Self {
            state: summary.state,
            outcomes: summary.outcomes,
            observations: best_answers(&stored.observations),
            coverage: coverage(&stored.coverage),
            names: names(&stored.names),
        }
    }
}

/// The best answer to each question: a look that a stop fell into may have
/// been had twice.
fn best_answers(observations: &[Observation]) -> BTreeMap<String, OutcomeKind> {
    let mut best: BTreeMap<String, OutcomeKind> = BTreeMap::new();
    for seen in observations {
        let told = told_of(seen);
        let (question, _) = told.rsplit_once(' ').unwrap();
        let kind = seen.outcome.kind();
        let known = best.entry(question.to_owned()).or_insert(kind);
        *known = kind.min(*known);
    }
    best
}

/// The best word on each address, as the inventory would have it.
fn coverage(runs: &[AddressRun]) -> BTreeMap<(u16, IpAddr), (OutcomeKind, String)> {
    let mut ledger = BTreeMap::new();
    for run in runs {
        let (IpAddr::V4(first), IpAddr::V4(last)) = (run.first, run.last) else {
            continue;
        };
        for bits in first.to_bits()..=last.to_bits() {
            let place = (run.port.number(), IpAddr::V4(bits.into()));
            let word = (run.outcome, run.detail.clone());
            better(&mut ledger, place, word);
        }
    }
    ledger
}

fn names(looks: &[NameLook]) -> BTreeMap<String, (OutcomeKind, String)> {
    let mut ledger = BTreeMap::new();
    for look in looks {
        let word = (look.outcome, look.detail.clone());
        better(&mut ledger, look.name.to_string(), word);
    }
    ledger
}

fn better<Place: Ord>(
    ledger: &mut BTreeMap<Place, (OutcomeKind, String)>,
    place: Place,
    word: (OutcomeKind, String),
) {
    let merit = |kind| (kind == OutcomeKind::NotAttempted, kind);
    let known = ledger.entry(place).or_insert_with(|| word.clone());
    if merit(word.0) < merit(known.0) {
        *known = word;
    }
}

/// Addresses of every kind, some of which speak at the second look only, and
/// names that lead to some of them.
fn rig() -> Rig {
    let network = Network::new(|address, earlier| match (last_octet(address), earlier) {
        (last, 0) if last % 16 == 8 => Peer::Dark,
        _ => varied(address, earlier),
    });
    let mut rig = Rig::new(network, &["10.0.0.0/26", "a.sim", "b.sim", "gone.sim"]);
    rig.exclude = vec!["10.0.0.40/29".to_owned()];
    rig.names = Names::of(&[
        ("a.sim", &["10.0.1.16", "10.0.1.1"]),
        ("b.sim", &["10.0.1.1", "10.0.1.3"]),
    ]);
    rig.retries = 1;
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(8).unwrap());
    rig
}

fn last_octet(address: SocketAddr) -> u8 {
    match address.ip() {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(_) => 0,
    }
}

/// Goes on with the rig's scan; stops it after a time, if one is given.
async fn run(rig: &mut Rig, stop_after: Option<Duration>) -> Summary {
    rig.stop = Stop::default();
    let stop = rig.stop.clone();
    let timer = tokio::spawn(async move {
        if let Some(time) = stop_after {
            tokio::time::sleep(time).await;
            stop.stop(EarlyEnd::Duration);
        }
    });
    let summary = rig.run().await.unwrap();
    timer.abort();
    rig.resumes = Some(summary.scan);
    summary
}

async fn uninterrupted() -> Result {
    let mut rig = rig();
    let summary = run(&mut rig, None).await;
    Result::of(&rig, &summary)
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_stopped_and_resumed_comes_to_the_same_as_one_that_is_not() {
    let whole = uninterrupted().await;
    assert_eq!(whole.state, ScanState::Complete);
    for tenths in [0, 1, 5, 13, 35, 60, 99, 120, 150] {
        let mut rig = rig();
        let cut = run(&mut rig, Some(SECOND * tenths / 10)).await;
        assert_eq!(cut.state, ScanState::Stopped, "after {tenths}");
        let summary = run(&mut rig, None).await;
        assert_eq!(
            summary.scan, cut.scan,
            "a scan that resumes keeps its number"
        );
        assert_eq!(
            Result::of(&rig, &summary),
            whole,
            "stopped after {tenths} tenths"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_may_be_stopped_again_and_again() {
    let whole = uninterrupted().await;
    let mut rig = rig();
    let mut runs = 0;
    let summary = loop {
        let summary = run(&mut rig, Some(SECOND * 11)).await;
        runs += 1;
        if summary.state == ScanState::Complete {
            break summary;
        }
    };
    assert!(runs > 1, "{runs}");
    assert_eq!(Result::of(&rig, &summary), whole);
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_is_not_asked_again_and_what_is_not_keeps_its_looks() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Dark), &["10.0.0.0/24"]);
    rig.retries = 1;
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(20).unwrap());
    run(&mut rig, Some(SECOND * 18)).await;
    let summary = run(&mut rig, None).await;
    assert_eq!(summary.state, ScanState::Complete);
    let mut dials: HashMap<SocketAddr, usize> = HashMap::new();
    for (_, address) in rig.network.dials() {
        *dials.entry(address).or_default() += 1;
    }
    // Only a look that the stop fell into is had twice.
    let more = dials.values().filter(|dials| **dials > 2).count();
    let in_flight = 4 * 20;
    assert!(more <= in_flight, "{more} were asked once more");
    assert!(dials.values().all(|dials| (2..=3).contains(dials)));
}

#[tokio::test(start_paused = true)]
async fn an_exclusion_that_is_added_holds_at_once() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/24"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(10).unwrap());
    run(&mut rig, Some(SECOND * 3)).await;
    let before = rig.network.dials().len();
    rig.exclude = vec!["10.0.0.0/24".to_owned()];
    let summary = run(&mut rig, None).await;
    assert_eq!(
        rig.network.dials().len(),
        before,
        "nothing is sent any more"
    );
    assert_eq!(summary.state, ScanState::Complete);
    assert!(summary.outcomes.count(OutcomeKind::Excluded) > 200);
}

#[tokio::test(start_paused = true)]
async fn blocks_that_had_no_turn_are_told_of_as_not_attempted() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Closed), &["10.0.0.0/11"]);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(10).unwrap());
    let summary = run(&mut rig, Some(SECOND)).await;
    let targets = u64::from(u32::pow(2, 21));
    assert_eq!(summary.targets, targets);
    let stored = rig.memory.stored();
    let told = [OutcomeKind::NotAttempted, OutcomeKind::Refused];
    let told = told.map(|kind| covered(&stored.coverage, kind));
    assert_eq!(told.iter().sum::<u128>(), u128::from(targets));
    assert_eq!(
        u128::from(summary.outcomes.count(OutcomeKind::NotAttempted)),
        told[0]
    );
}

#[tokio::test(start_paused = true)]
async fn a_scan_whose_last_word_was_lost_is_complete_at_once() {
    let mut rig = rig();
    let whole = run(&mut rig, None).await;
    let dials = rig.network.dials().len();
    let summary = run(&mut rig, None).await;
    assert_eq!(rig.network.dials().len(), dials);
    assert_eq!(summary.outcomes, whole.outcomes);
    assert_eq!(summary.state, ScanState::Complete);
}

#[tokio::test(start_paused = true)]
async fn what_hours_left_in_blocks_that_are_done_keeps_a_scan_from_being_complete() {
    let mut rig = rig();
    run(&mut rig, None).await;
    for milestone in &mut rig.memory.stored().milestones {
        let mut outcomes = Tally::default();
        outcomes.add_many(OutcomeKind::NotAttempted, milestone.outcomes.total());
        milestone.outcomes = outcomes;
    }
    let summary = run(&mut rig, None).await;
    assert_eq!(summary.state, ScanState::Stopped);
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_damaged_costs_connections_and_no_truth() {
    let whole = uninterrupted().await;
    for damage in ["", "{}", "nonsense", "{\"since\":0}"] {
        let mut rig = rig();
        run(&mut rig, Some(SECOND * 8)).await;
        for page in pages(&rig.memory).iter().step_by(2) {
            replace(&rig.memory, page.number, damage);
        }
        let summary = run(&mut rig, None).await;
        assert_eq!(Result::of(&rig, &summary), whole, "{damage}");
    }
}

fn pages(memory: &Memory) -> Vec<JournalPage> {
    let stored = memory.stored();
    let page = |step: &Step| match step {
        Step::Page(page) => Some(page.clone()),
        Step::Done => None,
    };
    let steps = stored.milestones.iter();
    steps
        .filter_map(|milestone| page(&milestone.step))
        .collect()
}

fn replace(memory: &Memory, number: u64, entries: &str) {
    for milestone in &mut memory.stored().milestones {
        if let Step::Page(page) = &mut milestone.step
            && page.number == number
        {
            entries.clone_into(&mut page.entries);
        }
    }
}

/// A scan that is killed: what came to the inventory by then is all there is.
fn kill(memory: &Memory, milestones: usize) {
    memory.stored().milestones.truncate(milestones);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn wherever_it_is_killed_every_target_has_one_outcome_in_the_end(
        kills in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let (whole, result) = runtime.block_on(async {
            let whole = uninterrupted().await;
            let mut rig = rig();
            run(&mut rig, Some(SECOND * 12)).await;
            for point in kills {
                let milestones = rig.memory.stored().milestones.len();
                kill(&rig.memory, point.index(milestones + 1));
                run(&mut rig, Some(SECOND * 8)).await;
            }
            let summary = run(&mut rig, None).await;
            (whole, Result::of(&rig, &summary))
        });
        prop_assert_eq!(result, whole);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_written_each_second_so_that_little_is_asked_again() {
    let mut rig = rig();
    run(&mut rig, Some(SECOND * 10)).await;
    let pages = pages(&rig.memory).len();
    assert!((7..=24).contains(&pages), "{pages}");
}
