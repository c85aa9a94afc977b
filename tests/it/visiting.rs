//! Networks that have hours of their own: out of them nothing is sent there,
//! others are scanned meanwhile, and what is left is told and gone on with. And
//! the machine's own networks, where its neighbour table is small.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::Command;
use std::time::Duration;

use certsweep::domain::{EarlyEnd, Observation, OutcomeKind, ScanState, Timestamp, clock};
use certsweep::pace::Rate;
use certsweep::probe::Timeouts;
use certsweep::scan::{NeighbourTable, Neighbours, Reach, Stop, Summary, VisitingHours, Visits};
use certsweep::schedule::Hours;
use certsweep::store::AddressRun;
use certsweep::target::{AddressRange, ByNetwork};
use tokio::time::Instant;

use crate::program::{Inventory, Run, outcomes};
use crate::rig::{Rig, told_of, varied};
use crate::simulation::{Names, Network, Peer, alert, covered, flight};

const SECOND: Duration = Duration::from_secs(1);

/// protocol_version.
const NO_SUCH_VERSION: u8 = 70;

/// When the simulated scans begin: an hour before the night of 10.0.1.0/24,
/// and a minute before its end.
const EVENING: &str = "2026-11-20T21:00:00Z";
const MORNING: &str = "2026-11-21T05:59:00Z";

/// Nothing is asked later than so long before the end of the night.
const DRAIN: Duration = Duration::from_secs(22);

/// 10.0.1.0/24 may be asked at night alone; the clock goes with tokio's.
fn hours(wait_until: Option<&str>) -> VisitingHours {
    hours_from(EVENING, wait_until)
}

/// The same in a scan that begins then.
fn hours_from(begins: &'static str, wait_until: Option<&str>) -> VisitingHours {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let visits = Visits {
        hours: Hours::new("22:00-06:00".parse().unwrap(), "UTC".parse().unwrap()),
        drain: DRAIN,
    };
    let network = AddressRange::new([10, 0, 1, 0].into(), [10, 0, 1, 255].into()).unwrap();
    let began = Instant::now();
    let clock = move || {
        let passed = i64::try_from(began.elapsed().as_micros()).unwrap();
        Timestamp::from_micros(at(begins).micros() + passed)
    };
    VisitingHours::new(ByNetwork::new(None, [(network, Some(visits))]), clock)
        .waiting_until(wait_until.map(at))
}

fn rig(hours: VisitingHours) -> Rig {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/22"]);
    rig.hours = hours;
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(100).unwrap());
    rig
}

fn is_inside(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[2] == 1)
}

/// When the network was dialled.
fn dials_inside(rig: &Rig) -> Vec<Instant> {
    let dials = rig.network.dials().into_iter();
    dials
        .filter(|(_, address)| is_inside(address))
        .map(|(at, _)| at)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn out_of_its_hours_a_network_is_left_to_the_next_run() {
    let began = Instant::now();
    let mut rig = rig(hours(None));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Stopped);
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
    assert_eq!(dials_inside(&rig), []);
    assert!(began.elapsed() < Duration::from_mins(1));
    assert_eq!(summary.outcomes.count(OutcomeKind::NotAttempted), 256);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 96);
    let left = rig.memory.stored().coverage.clone();
    let left: Vec<_> = left
        .into_iter()
        .filter(|run| !run.detail.is_empty())
        .collect();
    assert_eq!(covered(&left, OutcomeKind::NotAttempted), 256);
    assert!(left[0].detail.contains("hours"), "{left:?}");

    rig.hours = VisitingHours::default();
    rig.resumes = Some(summary.scan);
    let dialled = rig.network.dials().len();
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 128);
    assert_eq!(summary.outcomes.count(OutcomeKind::NotAttempted), 0);
    let dials = rig.network.dials();
    assert!(
        dials[dialled..]
            .iter()
            .all(|(_, address)| is_inside(address))
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_says_where_a_name_does_not_lead_while_one_of_its_networks_is_closed() {
    let mut rig = Rig::new(Network::new(varied), &["both.sim"]);
    rig.names = Names::of(&[("both.sim", &["10.0.1.8", "10.0.2.8"])]);
    rig.hours = hours(None);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Stopped);
    assert_eq!(rig.memory.stored().observations.len(), 1);
    assert_eq!(rig.memory.stored().leads, []);

    rig.hours = VisitingHours::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    let led: HashSet<_> = rig
        .memory
        .stored()
        .leads
        .iter()
        .map(|lead| lead.address)
        .collect();
    assert_eq!(led.len(), 2, "{led:?}");
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_may_go_on_waits_for_a_network_to_open() {
    let began = Instant::now();
    let rig = rig(hours(Some("2026-11-21T06:00:00Z")));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 128);
    let inside = dials_inside(&rig);
    assert!(inside.len() >= 256, "some are asked in two dialects");
    let opens = began + Duration::from_hours(1);
    assert!(inside.iter().all(|at| *at >= opens));
    let latest = inside.into_iter().max().unwrap();
    assert!(latest < opens + Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn however_long_a_look_waits_for_rates_nothing_is_dialled_after_the_hours() {
    let began = Instant::now();
    // Every server has to be asked twice.
    let network = Network::new(|_, earlier| match earlier % 2 {
        0 => Peer::Says(alert(NO_SUCH_VERSION)),
        _ => Peer::Says(flight(&[b"leaf"])),
    });
    let mut rig = Rig::new(network, &["10.0.1.0/24"]);
    rig.hours = hours_from(MORNING, None);
    rig.rates.per_network = Rate::PerSecond(NonZeroU32::new(4).unwrap());
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
    let closes = began + Duration::from_mins(1);
    let latest = dials_inside(&rig).into_iter().max().unwrap();
    let question = Timeouts::default().target;
    assert!(latest + question <= closes, "{:?}", closes - latest);
    assert!(latest + question + 5 * SECOND > closes, "they are used");
    let found = summary.outcomes.count(OutcomeKind::Certificate);
    assert!((60..=80).contains(&found), "{found}");
    assert_eq!(
        summary.outcomes.count(OutcomeKind::NotAttempted),
        256 - found
    );

    rig.hours = VisitingHours::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 256);
}

/// Four servers in each /24, and nobody else.
fn sparse(address: SocketAddr, earlier: usize) -> Peer {
    match address.ip() {
        IpAddr::V4(ip) if ip.octets()[3] % 64 == 0 => {
            varied(SocketAddr::from(([10, 0, ip.octets()[2], 8], 443)), earlier)
        }
        _ => Peer::Dark,
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_whose_only_network_closes_ends_at_once_and_the_next_run_goes_on() {
    let began = Instant::now();
    let mut rig = Rig::new(Network::new(sparse), &["10.0.1.0/24"]);
    rig.hours = hours_from(MORNING, None);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(5).unwrap());
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
    assert!(began.elapsed() < Duration::from_mins(1));
    assert!(summary.outcomes.count(OutcomeKind::NotAttempted) > 256 - 40 * 5);
    assert!(summary.outcomes.count(OutcomeKind::Filtered) > 50);
    // Nobody vouches for the last silences: they are not told.
    let dials = rig.network.dials().len() as u64;
    assert!(dials > 256 - summary.outcomes.count(OutcomeKind::NotAttempted) + 32);

    rig.hours = VisitingHours::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 4);
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 252);
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_evidence_where_nobody_may_be_asked_any_more() {
    let network = Network::new(|address, earlier| {
        if is_inside(&address) {
            sparse(address, earlier)
        } else {
            Peer::Dark
        }
    });
    let mut rig = Rig::new(network, &["10.0.1.0/24", "10.0.2.0/24"]);
    rig.hours = hours_from(MORNING, None);
    rig.rates.overall = Rate::PerSecond(NonZeroU32::new(8).unwrap());
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
    assert!(summary.trouble.slowed.is_empty());
    let stored = rig.memory.stored();
    let doubted = |detail: &str| detail.contains("could be asked");
    let doubted = stored.coverage.iter().filter(|run| doubted(&run.detail));
    let doubted: Vec<_> = doubted.cloned().collect();
    let silent = covered(&doubted, OutcomeKind::Filtered);
    assert!(silent > 50, "{silent}");
    let inside = |run: &AddressRun| run.first.to_string().starts_with("10.0.1.");
    assert!(!doubted.iter().any(inside), "what is closed is left");
    let told = 512 - summary.outcomes.count(OutcomeKind::NotAttempted);
    let observed = u128::try_from(stored.observations.len()).unwrap();
    assert_eq!(observed, u128::from(told) - silent);
}

/// A server with so many names, a question each, of which the night's end
/// leaves half.
fn many_names(hours: VisitingHours) -> Rig {
    let network = Network::new(|address, _| {
        if is_inside(&address) {
            Peer::Says(flight(&[b"leaf"]))
        } else {
            Peer::Closed
        }
    });
    let mut rig = Rig::new(network, &["10.0.1.8", "inside.sim", "10.0.2.0/30"]);
    rig.names = Names::of(&[("inside.sim", &["10.0.1.9", "10.0.2.9"])]);
    rig.further = MANY_NAMES.split(' ').collect();
    rig.reach = Reach::Everywhere;
    rig.hours = hours;
    rig.rates.per_host = Rate::PerSecond(NonZeroU32::MIN);
    rig
}

const MANY_NAMES: &str = "1.sim 2.sim 3.sim 4.sim 5.sim 6.sim 7.sim 8.sim 9.sim 10.sim \
    11.sim 12.sim 13.sim 14.sim 15.sim 16.sim 17.sim 18.sim 19.sim 20.sim \
    21.sim 22.sim 23.sim 24.sim 25.sim 26.sim 27.sim 28.sim 29.sim 30.sim \
    31.sim 32.sim 33.sim 34.sim 35.sim 36.sim 37.sim 38.sim 39.sim 40.sim \
    41.sim 42.sim 43.sim 44.sim 45.sim 46.sim 47.sim 48.sim 49.sim 50.sim";

#[tokio::test(start_paused = true)]
async fn a_look_that_its_hours_leave_half_had_goes_on_when_they_come_again() {
    let began = Instant::now();
    let rig = many_names(hours_from(MORNING, Some("2026-11-22T05:00:00Z")));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    let closes = began + Duration::from_mins(1);
    let opens = began + Duration::from_hours(16) + Duration::from_mins(1);
    let inside = dials_inside(&rig);
    assert_eq!(inside.len(), 2 * 51, "each question is asked once");
    let (before, after) = inside.split_at(inside.partition_point(|at| *at < closes));
    assert!(before.len() > 40 && after.len() > 20, "{inside:?}");
    assert!(before.iter().all(|at| *at + DRAIN <= closes + SECOND));
    assert!(after.iter().all(|at| *at >= opens));
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 2);
    let stored = rig.memory.stored();
    let certificate = |seen: &&Observation| seen.outcome.kind() == OutcomeKind::Certificate;
    assert_eq!(
        stored.observations.iter().filter(certificate).count(),
        2 * 51
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_its_hours_leave_half_had_is_told_where_nobody_waits_for_them() {
    let mut rig = many_names(hours_from(MORNING, None));
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.ended_by.as_deref(), Some("window"));
    assert_half_told(&mut rig, &summary).await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_its_hours_leave_half_had_is_told_at_a_signal() {
    let mut rig = many_names(hours_from(MORNING, Some("2026-11-22T05:00:00Z")));
    let stop = rig.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(5)).await;
        stop.stop(EarlyEnd::Signal);
    });
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Interrupted);
    assert_half_told(&mut rig, &summary).await;
}

/// Half of the names are told of, and another run tells of all.
async fn assert_half_told(rig: &mut Rig, summary: &Summary) {
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 2);
    let stored = rig.memory.stored().observations.len();
    assert!((60..90).contains(&stored), "{stored}");

    rig.hours = VisitingHours::default();
    rig.stop = Stop::default();
    rig.resumes = Some(summary.scan);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.state, ScanState::Complete);
    let stored = rig.memory.stored();
    let told: HashSet<_> = stored.observations.iter().map(told_of).collect();
    let certificate = |told: &&String| told.ends_with("certificate");
    assert_eq!(told.iter().filter(certificate).count(), 2 * 51);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_into_a_closed_network_is_asked_elsewhere_alone() {
    let mut rig = rig(hours(None));
    rig.targets = vec!["a.sim".to_owned()];
    rig.names = Names::of(&[("a.sim", &["10.0.1.8", "10.0.2.8"])]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Certificate), 1);
    assert_eq!(summary.state, ScanState::Stopped, "an address is left");
    assert_eq!(dials_inside(&rig), []);
}

#[tokio::test(start_paused = true)]
async fn a_crowded_neighbourhood_is_asked_by_a_few_at_a_time() {
    let mut rig = Rig::new(Network::new(|_, _| Peer::Dark), &["10.0.0.0/23"]);
    let network = AddressRange::new([10, 0, 1, 0].into(), [10, 0, 1, 255].into()).unwrap();
    rig.neighbours = Neighbours::new([NeighbourTable {
        networks: vec![network],
        places: NonZeroUsize::new(20).unwrap(),
        keeps: Duration::from_secs(50),
        present: Box::new(|| Some(HashSet::new())),
    }]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Filtered), 512);
    let inside = dials_inside(&rig);
    assert_eq!(inside.len(), 256);
    for more in inside.windows(21) {
        // Each takes its place for the whole time to connect, and while the
        // system still asks for it.
        assert!(more[20] - more[0] >= Duration::from_secs(6), "{more:?}");
    }
}

/// Hours that are not now, and not in eleven hours.
fn closed_window() -> String {
    let hour = clock::now().seconds().rem_euclid(86_400) / 3600;
    format!("{}:00-{}:00", (hour + 12) % 24, (hour + 13) % 24)
}

#[test]
fn a_network_keeps_its_hours_and_a_dry_run_shows_them() {
    let inventory = Inventory::new();
    let window = closed_window();
    let config = inventory.file(
        "hours.toml",
        &format!(
            "[scan]\ntz = \"UTC\"\nptr = false\n\
             [[network]]\ncidr = \"127.0.9.0/24\"\nwindow = \"{window}\"\n"
        ),
    );
    let always = inventory.file(
        "always.toml",
        "[scan]\nptr = false\n[[network]]\ncidr = \"127.0.9.0/24\"\n",
    );
    let scan = |config: &std::path::Path, more: &str| {
        let words = [
            "127.0.8.1:1",
            "127.0.9.1:1",
            "--config",
            config.to_str().unwrap(),
            more,
        ];
        inventory.run("scan", &words)
    };
    let dry = scan(&config, "--dry-run").exits(0);
    let shown = format!("window {window} (UTC), next open ");
    assert!(dry.stdout.contains(&shown), "{dry}");

    scan(&config, "-q").exits(5);
    let told = outcomes([("not-attempted", 1), ("refused", 1)]);
    assert_eq!(inventory.latest_outcomes(), told);
    let show = inventory.run("show", &["127.0.9.1"]).exits(0);
    assert!(show.stdout.contains("out of the hours"), "{show}");
    let report = ["--of", "coverage", "--format", "csv"];
    let coverage = inventory.run("report", &report).exits(0);
    assert!(coverage.stdout.contains("out of the hours"), "{coverage}");

    scan(&always, "--resume").exits(0);
    assert_eq!(inventory.latest_outcomes(), outcomes([("refused", 2)]));
    assert_eq!(inventory.scans().len(), 1);
}

#[test]
fn a_scan_that_left_nothing_but_earlier_blocks_is_followed_by_another() {
    let inventory = Inventory::new();
    let scan = |words: &[&str]| {
        let words = [&["127.0.8.1:1", "--no-ptr"], words].concat();
        inventory.run("scan", &words)
    };
    scan(&["-q"]).exits(0);
    let change = "import sqlite3, sys\n\
        with sqlite3.connect(sys.argv[1]) as inventory:\n    \
        inventory.execute(\"update scans set state = 'stopped', ended_by = 'window', \
        outcomes = json_set(outcomes, '$.\\\"not-attempted\\\"', 1, '$.refused', 0)\")";
    let mut python = Command::new("python3");
    Run::of(python.args(["-c", change]).arg(inventory.path())).exits(0);
    scan(&["--resume=1"])
        .exits(2)
        .complains_of(&["out of the hours", "begins one"]);
    scan(&["--resume", "-q"]).exits(0);
    assert_eq!(inventory.scans().len(), 2);
}
