//! Limits and hours that differ from network to network.

use super::*;

fn network(text: &str) -> AddressRange {
    text.parse::<IpNetwork>().unwrap().into()
}

/// A pacer without limits but in these networks: rate per host, rate per
/// network, connections per host.
fn pacer_within(networks: &[(&str, u32, u32, usize)]) -> Pacer {
    let limits = |per_host, per_network, connections| Limits {
        rate_per_host: per_second(per_host),
        rate_per_network: per_second(per_network),
        connections_per_host: NonZeroUsize::new(connections).unwrap(),
    };
    let networks = networks.iter().map(|(cidr, per_host, per_network, most)| {
        (network(cidr), limits(*per_host, *per_network, *most))
    });
    pacer(rates(0, 0, 0)).limited(ByNetwork::new(limits(0, 0, 2), networks))
}

#[tokio::test(start_paused = true)]
async fn a_network_keeps_its_own_rates_and_others_are_not_concerned() {
    let pacer = pacer_within(&[("10.0.1.0/24", 2, 5, 2), ("10.0.2.0/25", 0, 4, 2)]);
    let dials = (0..4).flat_map(|network| (0..20).map(move |n| Dial::now(host(network, n % 5))));
    let issued = issue(&pacer, dials).await;
    let of_network = |third| {
        let wanted = network(&format!("10.0.{third}.0/24"));
        let issued = issued.iter().filter(move |(_, at)| wanted.contains(*at));
        issued.copied().collect::<Vec<_>>()
    };
    assert_kept_by_each(per_second(2), &of_network(1), |address| address);
    assert_kept_by_each(per_second(5), &of_network(1), |_| ());
    assert_kept_by_each(per_second(4), &of_network(2), |_| ());
    for free in [0, 3] {
        assert!(of_network(free).iter().all(|(at, _)| at.is_zero()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_24_of_several_networks_keeps_the_lowest_of_their_rates() {
    let pacer = pacer_within(&[("10.0.1.0/24", 0, 100, 2), ("10.0.1.128/28", 0, 3, 2)]);
    let dials = (0..24).map(|number| Dial::now(host(1, number * 10)));
    let issued = issue(&pacer, dials).await;
    assert_kept_by_each(per_second(3), &issued, |_| ());
}

#[tokio::test(start_paused = true)]
async fn a_host_has_one_share_of_connections_by_all_its_addresses() {
    let pacer = pacer_within(&[("10.0.1.0/24", 0, 0, 1)]);
    let mut first = pacer
        .admit(&endpoint(host(1, 1)), Lane::First, SECOND)
        .await
        .unwrap();
    assert_eq!(first.slot.established(), Established::Kept);
    for address in [
        "::ffff:10.0.1.1",
        "64:ff9b::10.0.1.1",
        "64:ff9b:1::10.0.1.1",
    ] {
        let endpoint = endpoint(address.parse().unwrap());
        let mut next = std::pin::pin!(pacer.admit(&endpoint, Lane::First, SECOND));
        assert!(poll!(&mut next).is_pending(), "{address}");
    }
    drop(first);
    let through = endpoint("64:ff9b::10.0.1.1".parse().unwrap());
    assert!(pacer.admit(&through, Lane::First, SECOND).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_beyond_the_hours_is_denied_and_pays_nothing() {
    let began = Instant::now();
    let one = Pacer::new(rates(0, 0, 1), NonZeroUsize::MAX, |_, _| None);
    // For ten seconds, to the end of what is dialled then.
    let pacer = one.within(move |address, longest| {
        address == host(2, 1) || began.elapsed() + longest <= 10 * SECOND
    });
    let endpoints: Vec<_> = (0..20).map(|number| endpoint(host(1, number))).collect();
    let asked = endpoints.iter().map(async |endpoint| {
        let answer = pacer.admit(endpoint, Lane::First, 4 * SECOND).await;
        (answer.map(drop), began.elapsed())
    });
    let answers = join_all(asked).await;
    let (issued, denied) = answers.split_at(7);
    assert!(
        issued
            .iter()
            .all(|(answer, at)| answer.is_ok() && *at <= 6 * SECOND)
    );
    let late =
        |(answer, at): &(_, Duration)| *answer == Err(Denied::OutOfHours) && *at <= 7 * SECOND;
    assert!(denied.iter().all(late), "{denied:?}");
    let elsewhere = endpoint(host(2, 1));
    let answer = pacer.admit(&elsewhere, Lane::First, 4 * SECOND).await;
    assert!(answer.is_ok());
}
