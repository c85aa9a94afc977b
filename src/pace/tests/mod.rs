mod networks;

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use ipnetwork::IpNetwork;
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::domain::{Dialect, Endpoint, Port, Zone};
use crate::pace::network::Network;
use crate::target::{AddressRange, ByNetwork};

const SECOND: Duration = Duration::from_secs(1);

fn per_second(rate: u32) -> Rate {
    NonZeroU32::new(rate).map_or(Rate::Unlimited, Rate::PerSecond)
}

/// 0 stands for unlimited.
fn rates(overall: u32, per_host: u32, per_network: u32) -> Rates {
    Rates {
        overall: per_second(overall),
        per_host: per_second(per_host),
        per_network: per_second(per_network),
    }
}

fn pacer(rates: Rates) -> Pacer {
    Pacer::new(rates, NonZeroUsize::new(2).unwrap(), |_, _| None)
}

fn endpoint(address: IpAddr) -> Endpoint {
    Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls)
}

/// The host of this number in the network of that number.
fn host(network: u8, number: u8) -> IpAddr {
    IpAddr::from([10, 0, network, number])
}

/// Virtual time: sleeps take none, and nothing else makes it pass.
fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// One dial that a test asks for.
#[derive(Clone, Debug)]
struct Dial {
    after: Duration,
    address: IpAddr,
    lane: Lane,
}

impl Dial {
    fn now(address: IpAddr) -> Self {
        Self {
            after: Duration::ZERO,
            address,
            lane: Lane::First,
        }
    }
}

/// When each pass was issued, counted from the start, in the order of issue.
async fn issue(pacer: &Pacer, dials: impl IntoIterator<Item = Dial>) -> Vec<(Duration, IpAddr)> {
    let start = Instant::now();
    let issued = Mutex::new(Vec::new());
    join_all(dials.into_iter().map(|dial| {
        let issued = &issued;
        async move {
            sleep(dial.after).await;
            let admission = pacer
                .admit(&endpoint(dial.address), dial.lane, SECOND)
                .await;
            assert_eq!(admission.unwrap().pass.endpoint().address, dial.address);
            issued.lock().unwrap().push((start.elapsed(), dial.address));
        }
    }))
    .await;
    issued.into_inner().unwrap()
}

/// No half-open second, wherever it starts, holds more than the rate allows.
fn assert_kept(rate: Rate, issued: &[Duration]) {
    let Rate::PerSecond(rate) = rate else { return };
    let rate = usize::try_from(rate.get()).unwrap();
    for (first, one_too_many) in issued.iter().zip(issued.iter().skip(rate)) {
        assert!(
            *one_too_many >= *first + SECOND,
            "{} passes from {first:?} to {one_too_many:?}",
            rate + 1
        );
    }
}

fn assert_kept_by_each<K: Eq + Hash>(
    rate: Rate,
    issued: &[(Duration, IpAddr)],
    key: impl Fn(IpAddr) -> K,
) {
    let mut by_key: HashMap<K, Vec<Duration>> = HashMap::new();
    for (at, address) in issued {
        by_key.entry(key(*address)).or_default().push(*at);
    }
    for issued in by_key.values() {
        assert_kept(rate, issued);
    }
}

fn assert_all_kept(rates: &Rates, issued: &[(Duration, IpAddr)]) {
    assert_kept_by_each(rates.overall, issued, |_| ());
    assert_kept_by_each(rates.per_host, issued, |address| address);
    assert_kept_by_each(rates.per_network, issued, Network::of);
}

fn any_dial() -> impl Strategy<Value = Dial> {
    (0..3u8, 0..4u8, 0..2500u64, any::<bool>()).prop_map(|(network, number, after, follow_up)| {
        Dial {
            after: Duration::from_millis(after),
            address: host(network, number),
            lane: if follow_up {
                Lane::FollowUp
            } else {
                Lane::First
            },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_second_exceeds_any_rate_and_every_dial_gets_its_pass(
        overall in 0..300u32,
        per_host in prop_oneof![0..12u32, 0..120u32],
        per_network in 0..150u32,
        dials in prop::collection::vec(any_dial(), 1..400),
        phase in 0..1_000_000u64,
    ) {
        let rates = rates(overall, per_host, per_network);
        let asked = dials.len();
        let issued = in_virtual_time(async {
            tokio::time::advance(Duration::from_nanos(phase)).await;
            issue(&pacer(rates), dials).await
        });
        prop_assert_eq!(issued.len(), asked);
        assert_all_kept(&rates, &issued);
    }
}

/// How much of the limit a saturated pacer reaches, over some seconds.
fn share_reached(rates: Rates, limit: u32, networks: u8, hosts: u8) -> f64 {
    const SECONDS: u32 = 4;
    let each = (limit * SECONDS).div_ceil(u32::from(networks) * u32::from(hosts)) + 1;
    let dials = (0..each).flat_map(|_| {
        (0..networks)
            .flat_map(move |network| (0..hosts).map(move |number| Dial::now(host(network, number))))
    });
    let issued = in_virtual_time(async { issue(&pacer(rates), dials).await });
    assert_all_kept(&rates, &issued);
    let within = issued.iter().filter(|(at, _)| *at < SECOND * SECONDS);
    f64::from(u32::try_from(within.count()).unwrap()) / f64::from(limit * SECONDS)
}

#[test]
fn at_least_nine_tenths_of_every_limit_are_reached() {
    for limit in [1, 5, 10, 50, 63, 64, 100, 200, 1000, 5000] {
        for (what, share) in [
            ("overall", share_reached(rates(limit, 0, 0), limit, 8, 25)),
            ("host", share_reached(rates(0, limit, 0), limit, 1, 1)),
            ("network", share_reached(rates(0, 0, limit), limit, 1, 20)),
        ] {
            assert!(share >= 0.9, "{what} {limit}: {share}");
        }
    }
}

#[test]
fn the_three_rates_together_slow_nothing_below_the_tightest() {
    let overall = share_reached(rates(100, 10, 60), 100, 4, 10);
    assert!(overall >= 0.9, "{overall}");
    let networks = share_reached(rates(1000, 50, 40), 4 * 40, 4, 10);
    assert!(networks >= 0.9, "{networks}");
    let hosts = share_reached(rates(1000, 5, 200), 4 * 10 * 5, 4, 10);
    assert!(hosts >= 0.9, "{hosts}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_waited_for_the_other_rates_does_not_catch_up() {
    // Paid in advance, host 1's passes would come out together after the
    // others of its network.
    let rates = rates(0, 2, 4);
    let pacer = pacer(rates);
    let dials = (2..40)
        .chain([1, 1, 1, 1])
        .map(|number| Dial::now(host(0, number)));
    assert_all_kept(&rates, &issue(&pacer, dials).await);
}

#[tokio::test(start_paused = true)]
async fn follow_ups_go_before_the_first_dials_that_wait() {
    let pacer = pacer(rates(10, 0, 0));
    let first_dials = (0..30).map(|number| Dial::now(host(number, 1)));
    let follow_ups = (0..5).map(|number| Dial {
        after: Duration::from_millis(950),
        address: host(number, 2),
        lane: Lane::FollowUp,
    });
    let issued = issue(&pacer, first_dials.chain(follow_ups)).await;
    let followed: Vec<_> = issued
        .iter()
        .enumerate()
        .filter(|(_, (_, address))| matches!(address, IpAddr::V4(v4) if v4.octets()[3] == 2))
        .map(|(place, _)| place)
        .collect();
    // Ten were issued; the one that had its turn already goes before them.
    assert_eq!(followed, [11, 12, 13, 14, 15]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_waits_for_its_rate_holds_up_nobody_else() {
    let pacer = pacer(rates(1000, 1, 200));
    let busy = (0..10).map(|_| Dial::now(host(0, 1)));
    let others = (2..20).map(|number| Dial::now(host(0, number)));
    let issued = issue(&pacer, busy.chain(others)).await;
    let soon = issued.iter().filter(|(at, _)| *at < SECOND).count();
    assert_eq!(soon, 1 + 18);
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_is_given_up_loses_only_its_place() {
    let rates = rates(10, 0, 0);
    let pacer = pacer(rates);
    let given_up = join_all((0..100).map(|number| {
        let pacer = &pacer;
        async move {
            // At different stages, those that hold turns included.
            let patience = Duration::from_millis(u64::from(number) * 3);
            let address = endpoint(host(number, number));
            timeout(patience, pacer.admit(&address, Lane::First, SECOND))
                .await
                .is_err()
        }
    }));
    let kept = issue(
        &pacer,
        (0..40).map(|number| Dial::now(host(number, number))),
    );
    let (given_up, issued) = tokio::join!(given_up, kept);
    assert!(given_up.iter().filter(|gave_up| **gave_up).count() > 90);
    assert_eq!(issued.len(), 40);
    let last = issued.iter().map(|(at, _)| *at).max().unwrap();
    assert!(last < SECOND * 5, "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn unlimited_rates_let_everything_through_at_once() {
    let pacer = pacer(rates(0, 0, 0));
    let dials = (0..=255).flat_map(|network| (0..40).map(move |n| Dial::now(host(network, n))));
    let issued = issue(&pacer, dials).await;
    assert_eq!(issued.len(), 256 * 40);
    assert!(issued.iter().all(|(at, _)| at.is_zero()));
}

#[tokio::test(start_paused = true)]
async fn memory_follows_the_hosts_in_use_not_those_ever_seen() {
    let pacer = pacer(rates(0, 5, 200));
    for number in 0..40_000u32 {
        let address = IpAddr::from((0x0a00_0000 + number * 7).to_be_bytes());
        pacer
            .admit(&endpoint(address), Lane::First, SECOND)
            .await
            .unwrap();
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert!(pacer.remembered() <= 2 * 1024);
}

#[tokio::test]
async fn an_excluded_address_gets_no_pass_in_any_spelling() {
    let excluded: IpAddr = "10.0.0.1".parse().unwrap();
    let pacer = Pacer::new(Rates::default(), NonZeroUsize::MIN, move |address, port| {
        (address == excluded && port == Port::HTTPS).then(|| "printer".to_owned())
    });
    let mut target = endpoint(excluded);
    for address in ["10.0.0.1", "::ffff:10.0.0.1"] {
        target.address = address.parse().unwrap();
        let answer = pacer.admit(&target, Lane::First, SECOND).await.map(drop);
        let reason = "printer".to_owned();
        assert_eq!(answer, Err(Denied::Excluded { reason }));
    }
    target.port = Port::new(8443).unwrap();
    assert!(pacer.admit(&target, Lane::First, SECOND).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_answers_gets_no_more_connections_than_it_may() {
    let pacer = pacer(rates(0, 0, 0));
    let here = endpoint(host(0, 1));
    let mut first = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
    let mut second = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
    let mut third = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
    assert_eq!(first.slot.established(), Established::Kept);
    assert_eq!(second.slot.established(), Established::Kept);
    assert_eq!(third.slot.established(), Established::OverLimit);
    drop(third);

    let mut first_dial = std::pin::pin!(pacer.admit(&here, Lane::First, SECOND));
    let mut follow_up = std::pin::pin!(pacer.admit(&here, Lane::FollowUp, SECOND));
    assert!(poll!(&mut first_dial).is_pending());
    assert!(poll!(&mut follow_up).is_pending());
    // Another host is not concerned.
    let elsewhere = endpoint(host(0, 2));
    let free = pacer.admit(&elsewhere, Lane::First, SECOND).now_or_never();
    assert!(free.is_some());

    drop(first);
    let mut fourth = first_dial.await.unwrap();
    assert_eq!(fourth.slot.established(), Established::Kept);
    assert!(poll!(&mut follow_up).is_pending());
    drop(second);
    assert!(follow_up.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn dark_ports_of_a_host_that_answers_are_limited_by_the_rates_alone() {
    const TIMEOUT: Duration = Duration::from_millis(3500);
    let rates = rates(0, 20, 0);
    let pacer = pacer(rates);
    let here = endpoint(host(0, 1));
    let mut open = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(open.slot.established(), Established::Kept);

    let start = Instant::now();
    join_all((0..100).map(|_| async {
        let dark = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
        sleep(TIMEOUT).await;
        drop(dark);
    }))
    .await;
    let ideal = rates.fastest(101, 1, 1) + TIMEOUT;
    assert!(start.elapsed() < ideal + SECOND, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_admit_without_losing_a_wake_up() {
    let pacer = Arc::new(Pacer::new(rates(0, 0, 0), NonZeroUsize::MIN, |_, _| None));
    let tasks = (0..64u8).map(|task| {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move {
            for _ in 0..200 {
                let here = endpoint(host(0, task % 3));
                let mut admission = pacer.admit(&here, Lane::First, SECOND).await.unwrap();
                tokio::task::yield_now().await;
                let _kept_or_not = admission.slot.established();
                tokio::task::yield_now().await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}
