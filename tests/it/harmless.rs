//! No pass for what is excluded: plan and pacer, a million random specs,
//! nothing sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::Duration;

use certsweep::domain::{Dialect, Endpoint, Host, Zone};
use certsweep::pace::{Lane, Pacer, Rate, Rates};
use certsweep::target::{Exclusion, Exclusions, Plan, TargetSpec, parse_exclusions};
use futures_util::FutureExt;

const PLANS: u64 = 1000;
const SPECS_EACH: usize = 1000;

/// Exclusions lie in 10.0.0.0/16, and so do all targets, in some form.
const HOSTS: usize = 1 << 16;

/// Random numbers from a seed (splitmix64, Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u16) -> u16 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u16::try_from((mixed ^ (mixed >> 31)) % u64::from(sides)).unwrap()
    }

    /// A form by which the host 10.0.x.y is reached.
    fn address(&mut self) -> IpAddr {
        let host = self.roll(u16::MAX);
        let [third, fourth] = host.to_be_bytes();
        let v6 = |segments: [u16; 8]| IpAddr::V6(Ipv6Addr::from(segments));
        match self.roll(6) {
            0 => v6([0, 0, 0, 0, 0, 0xffff, 0x0a00, host]),
            1 => v6([0x64, 0xff9b, 0, 0, 0, 0, 0x0a00, host]),
            2 => v6([0x64, 0xff9b, 1, self.roll(9), 0, 0, 0x0a00, host]),
            3 => v6([0x2002, 0x0a00, host, 0, 0, 0, 0, self.roll(9)]),
            _ => IpAddr::V4(Ipv4Addr::new(10, 0, third, fourth)),
        }
    }
}

/// Which hosts are excluded, and the texts that say so.
fn exclusions(dice: &mut Dice) -> (Vec<bool>, String) {
    let mut excluded = vec![false; HOSTS];
    let mut lines = Vec::new();
    for _ in 0..dice.roll(12) {
        let (one, other) = (dice.roll(u16::MAX), dice.roll(4096));
        let last = one.saturating_add(other);
        excluded[usize::from(one)..=usize::from(last)].fill(true);
        let at = |host: u16| Ipv4Addr::from_bits(0x0a00_0000 | u32::from(host));
        lines.push(format!("{}-{}", at(one), at(last)));
    }
    (excluded, lines.join("\n"))
}

fn spec(dice: &mut Dice) -> TargetSpec {
    let address = dice.address();
    let text = match (dice.roll(3), address) {
        (0, IpAddr::V4(_)) => format!("{address}/30:1-103"),
        (0, IpAddr::V6(_)) => format!("[{address}/127]:443"),
        (_, IpAddr::V4(_)) => address.to_string(),
        (_, IpAddr::V6(_)) => format!("[{address}]:8443"),
    };
    text.parse().unwrap()
}

/// The host of 10.0.0.0/16 to which packets for an address go.
fn host(address: IpAddr) -> usize {
    let host = match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().segments()[7],
        IpAddr::V6(address) if address.segments()[0] == 0x2002 => address.segments()[2],
        IpAddr::V6(address) => address.segments()[7],
    };
    usize::from(host)
}

#[test]
fn a_million_random_specs_get_no_pass_to_what_is_excluded() {
    let (mut passes, mut refusals) = (0_u64, 0_u64);
    for seed in 0..PLANS {
        let mut dice = Dice(seed << 32);
        let (excluded, text) = exclusions(&mut dice);
        let listed = parse_exclusions(&text, "exclude.txt").unwrap();
        let specs: Vec<_> = (0..SPECS_EACH).map(|_| spec(&mut dice)).collect();
        let plan = Plan::builder()
            .targets(specs)
            .exclusions(Exclusions::new(listed))
            .seed(seed)
            .build()
            .unwrap();
        let pacer = pacer(&plan);
        // A part of the targets, and what names might resolve to.
        let step = usize::try_from(plan.len()).unwrap() / SPECS_EACH + 1;
        let targets = (0..plan.len()).step_by(step);
        let targets = targets.filter_map(|index| plan.get(index));
        let targets = targets.filter(|target| plan.excluded(target).is_none());
        let of_plan = targets.filter_map(|target| match target.host {
            Host::Address(address) => Some((address, target.port)),
            Host::Name(_) => None,
        });
        let of_names = (0..100).map(|_| (dice.address(), certsweep::domain::Port::HTTPS));
        for (address, port) in of_plan.chain(of_names) {
            let endpoint = Endpoint::tcp(Zone::default(), address, port, Dialect::Tls);
            let answer = pacer.admit(&endpoint, Lane::First, Duration::ZERO);
            let answer = answer.now_or_never();
            match answer.expect("no limit holds it up") {
                Ok(admission) => {
                    let address = admission.pass.endpoint().address;
                    assert!(!excluded[host(address)], "seed {seed}: {address}\n{text}");
                    assert_ne!(port.number(), 102, "seed {seed}: a fragile port");
                    passes += 1;
                }
                Err(_) => refusals += 1,
            }
        }
    }
    assert!(passes > 100_000, "{passes} passes");
    assert!(refusals > 10_000, "{refusals} refusals");
}

fn pacer(plan: &Plan) -> Pacer {
    let unlimited = Rates {
        overall: Rate::Unlimited,
        per_host: Rate::Unlimited,
        per_network: Rate::Unlimited,
    };
    let plan = plan.clone();
    Pacer::new(unlimited, NonZeroUsize::MAX, move |address, port| {
        plan.excluded_at(address, port).map(Exclusion::why)
    })
}
