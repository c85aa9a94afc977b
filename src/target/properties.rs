//! The plan against a model that holds every target in a set.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{
    AddressRange, Exclusion, Exclusions, Hosts, Origin, Plan, Ports, Scope, Shard, TargetSpec,
    parse_exclusions, parse_list,
};
use crate::domain::{Dialect, Host, Port, ServerName, Target};

/// A small world in which everything overlaps: some of 10.0.0.0/24, the edge
/// of 169.254.0.0/16, the ends of IPv4, and IPv6 that embeds IPv4.
fn bases() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "10.0.0.0",
        "169.253.255.240",
        "255.255.255.192",
        "0.255.255.240",
        "2001:db8::",
        "64:ff9b::10.0.0.0",
        "64:ff9b:1::10.0.0.8",
        "2002:a00:5::",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:fff0",
    ])
}

fn range() -> impl Strategy<Value = String> {
    let ends = (bases(), 0..40_u8, 0..24_u8);
    ends.prop_map(|(base, start, length)| {
        let at = |offset: u8| match base.parse().unwrap() {
            IpAddr::V4(address) => {
                let bits = address.to_bits().saturating_add(offset.into());
                IpAddr::V4(Ipv4Addr::from_bits(bits))
            }
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() + u128::from(offset)))
            }
        };
        let (first, last) = (at(start), at(start + length));
        match length {
            0..3 => first.to_string(),
            3..8 if first.is_ipv4() => format!("{first}/29"),
            3..8 => format!("{first}/125"),
            _ => format!("{first}-{last}"),
        }
    })
}

fn with_ports(hosts: String, ports: Option<&str>) -> String {
    match ports {
        Some(ports) if hosts.contains(':') => format!("[{hosts}]:{ports}"),
        Some(ports) => format!("{hosts}:{ports}"),
        None => hosts,
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a.corp", "b.corp", "c.corp"]).prop_map(str::to_owned)
}

fn target_spec() -> impl Strategy<Value = String> {
    let ports = prop::option::of(prop::sample::select(vec![
        "9100",
        "9099-9101",
        "443",
        "22,443/tls",
        "20-25",
        "443,8443",
    ]));
    let hosts = prop_oneof![4 => range(), 1 => name()];
    (hosts, ports).prop_map(|(hosts, ports)| with_ports(hosts, ports))
}

fn exclusion() -> impl Strategy<Value = String> {
    let ports = prop::option::of(prop::sample::select(vec!["22", "443,8443", "21-24"]));
    let hosts = prop_oneof![
        6 => range(),
        2 => name(),
        1 => Just(String::new()),
    ];
    (hosts, ports).prop_map(|(hosts, ports)| match (hosts.as_str(), ports) {
        ("", ports) => format!(":{}", ports.unwrap_or("23")),
        (_, ports) => with_ports(hosts, ports),
    })
}

#[derive(Debug, Clone)]
struct World {
    specs: Vec<String>,
    exclusions: Vec<String>,
    seed: u64,
    shards: u32,
}

fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(target_spec(), 1..8),
        prop::collection::vec(exclusion(), 0..8),
        any::<u64>(),
        1..5_u32,
    )
        .prop_map(|(specs, exclusions, seed, shards)| World {
            specs,
            exclusions,
            seed,
            shards,
        })
}

impl World {
    fn specs(&self) -> Vec<TargetSpec> {
        self.specs
            .iter()
            .map(|text| text.parse().unwrap())
            .collect()
    }

    fn exclusions(&self) -> Vec<Exclusion> {
        parse_exclusions(self.exclusions.join("\n"), "exclude.txt").unwrap()
    }

    fn plan(&self, shard: Shard) -> Plan {
        Plan::builder()
            .targets(self.specs())
            .exclusions(Exclusions::new(self.exclusions()))
            .seed(self.seed)
            .shard(shard)
            .build()
            .unwrap()
    }

    fn shards(&self) -> impl Iterator<Item = Plan> {
        let shards = 1..=self.shards;
        shards.map(|number| self.plan(Shard::new(number, self.shards).unwrap()))
    }

    /// Every target by brute force.
    fn targets(&self) -> BTreeSet<Target> {
        let mut dialects: BTreeMap<(Host, Port), BTreeSet<Option<Dialect>>> = BTreeMap::new();
        for spec in self.specs() {
            let ports = spec.ports().cloned().unwrap_or_default();
            for offset in 0..spec.hosts().count() {
                let host = spec.hosts().at(offset).unwrap();
                for (port, dialect) in ports.iter() {
                    let key = (host.clone(), port);
                    dialects.entry(key).or_default().insert(dialect);
                }
            }
        }
        let mut targets = BTreeSet::new();
        for ((host, port), dialects) in dialects {
            let forced = dialects.iter().any(Option::is_some);
            for dialect in dialects {
                if dialect.is_some() || !forced {
                    let host = host.clone();
                    targets.insert(Target {
                        host,
                        port,
                        dialect,
                    });
                }
            }
        }
        targets
    }

    /// The exclusion of a target, by asking each in turn.
    fn excluded(&self, target: &Target) -> Option<String> {
        let port = target.port;
        let listed = self.exclusions();
        let own = listed.iter().find(|exclusion| {
            exclusion.holds_on(port)
                && match (exclusion.scope(), &target.host) {
                    (Scope::Everywhere, _) => true,
                    (Scope::Hosts(Hosts::Name(name)), Host::Name(host)) => name == host,
                    (Scope::Hosts(Hosts::Addresses(range)), Host::Address(address)) => {
                        forms(*address).any(|form| range.contains(form))
                    }
                    _ => false,
                }
        });
        own.map(ToString::to_string)
            .or_else(|| self.special(&target.host).map(str::to_owned))
            .or_else(|| self.is_swept(target).then(|| ":9100-9107".to_owned()))
    }

    /// Whether the port is one of printers, and no text names it for the host.
    fn is_swept(&self, target: &Target) -> bool {
        let named = |spec: &TargetSpec| {
            let text = spec.to_string();
            let has_host = match (spec.hosts(), &target.host) {
                (Hosts::Addresses(range), Host::Address(address)) => range.contains(*address),
                (Hosts::Name(name), Host::Name(wanted)) => name == wanted,
                _ => false,
            };
            has_host && text.ends_with(&format!(":{}", target.port))
        };
        let is_printer = (9100..=9107).contains(&target.port.number());
        is_printer && !self.specs().iter().any(named)
    }

    fn special(&self, host: &Host) -> Option<&'static str> {
        let Host::Address(address) = host else {
            return None;
        };
        let single = Hosts::Addresses(AddressRange::single(*address));
        if self.specs().iter().any(|spec| *spec.hosts() == single) {
            return None;
        }
        forms(*address).find_map(|form| match form {
            IpAddr::V4(form) if form.octets()[0] == 0 => Some("0.0.0.0/8"),
            IpAddr::V4(form) if form.is_link_local() => Some("169.254.0.0/16"),
            IpAddr::V4(form) if form.is_broadcast() => Some("255.255.255.255"),
            IpAddr::V4(form) if form.is_multicast() => Some("224.0.0.0/4"),
            IpAddr::V4(form) if form.octets()[0] >= 240 => Some("240.0.0.0/4"),
            IpAddr::V6(form) if form.segments().starts_with(&[0x2001, 0xdb8]) => {
                Some("2001:db8::/32")
            }
            IpAddr::V6(form) if form.is_unspecified() => Some("::"),
            IpAddr::V6(form) if form.is_unicast_link_local() => Some("fe80::/10"),
            IpAddr::V6(form) if form.is_multicast() => Some("ff00::/8"),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
    }
}

/// An address, and the IPv4 address that its octets embed.
fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let embedded = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => match address.octets() {
            [0, 0x64, 0xff, 0x9b, 0, 0..=1, 0, 0, 0, 0, 0, 0, a, b, c, d]
            | [0x20, 0x02, a, b, c, d, ..] => Some(IpAddr::from([a, b, c, d])),
            _ => None,
        },
    };
    std::iter::once(address).chain(embedded)
}

fn walk(plan: &Plan) -> Vec<Target> {
    plan.blocks()
        .flat_map(|block| block.targets(plan).collect::<Vec<_>>())
        .collect()
}

proptest! {
    #[test]
    fn every_target_comes_exactly_once(world in world()) {
        let plan = world.plan(Shard::WHOLE);
        let walked = walk(&plan);
        prop_assert_eq!(walked.len() as u64, plan.len());
        prop_assert_eq!(walked.into_iter().collect::<BTreeSet<_>>(), world.targets());
        prop_assert_eq!(plan.len(), world.targets().len() as u64);
        prop_assert_eq!(plan.get(plan.len()), None);
    }

    #[test]
    fn shards_are_disjoint_and_complete(world in world()) {
        let mut walked: Vec<_> = world.shards().flat_map(|plan| walk(&plan)).collect();
        walked.sort_unstable();
        prop_assert_eq!(walked, world.targets().into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn exclusions_hold_as_if_each_were_asked_in_turn(world in world()) {
        let plan = world.plan(Shard::WHOLE);
        for target in world.targets() {
            let excluded = plan.excluded(&target).map(ToString::to_string);
            prop_assert_eq!(excluded, world.excluded(&target), "{}", target);
        }
    }

    #[test]
    fn what_is_excluded_is_counted_per_exclusion_and_shard(world in world()) {
        for plan in world.shards() {
            let mut counted: BTreeMap<String, u64> = BTreeMap::new();
            for exclusion in walk(&plan).iter().filter_map(|target| plan.excluded(target)) {
                *counted.entry(exclusion.why()).or_default() += 1;
            }
            let summary = plan.summary();
            prop_assert_eq!(summary.excluded, counted.values().sum::<u64>());
            prop_assert_eq!(plan.count_excluded(), summary.excluded);
            prop_assert_eq!(summary.questions + summary.excluded, summary.targets);
            let shares = summary.shares.iter().filter(|share| share.targets > 0);
            let shares: BTreeMap<_, _> = shares
                .map(|share| (share.exclusion.why(), share.targets))
                .collect();
            prop_assert_eq!(shares, counted);
        }
    }

    #[test]
    fn networks_are_counted_as_if_each_host_were_looked_at(world in world()) {
        let hosts = world.targets().into_iter().map(|target| target.host);
        let networks: BTreeSet<_> = hosts
            .map(|host| match host {
                Host::Address(IpAddr::V4(address)) => (address.to_bits() >> 8).to_string(),
                Host::Address(IpAddr::V6(address)) => format!(":{}", address.to_bits() >> 64),
                Host::Name(name) => name.to_string(),
            })
            .collect();
        let counted = world.plan(Shard::WHOLE).summary().networks;
        prop_assert_eq!(counted, networks.len() as u64);
    }

    #[test]
    fn the_order_of_writing_changes_nothing_but_the_order_of_reasons(world in world()) {
        let plan = world.plan(Shard::WHOLE);
        let mut turned = world.clone();
        turned.specs.reverse();
        turned.exclusions.reverse();
        let turned = turned.plan(Shard::WHOLE);
        prop_assert_eq!(plan.fingerprint(), turned.fingerprint());
        prop_assert_eq!(walk(&plan), walk(&turned));
        prop_assert_eq!(plan.count_excluded(), turned.count_excluded());
    }

    #[test]
    fn a_spec_that_is_read_prints_and_reads_back(text in target_spec()) {
        let spec: TargetSpec = text.parse().unwrap();
        prop_assert_eq!(spec.to_string().parse(), Ok(spec));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,60}") {
        parse_anything(&text);
    }

    #[test]
    fn no_text_of_our_own_characters_makes_a_parser_panic(
        text in "[0-9a-f:.,/\\[\\]\\- #\"=@%\r\n]{0,40}"
    ) {
        parse_anything(&text);
    }

    #[test]
    fn no_bytes_make_a_list_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse_list(&bytes, "-");
        let _ = parse_exclusions(&bytes, "-");
    }

    #[test]
    fn no_mutation_of_a_line_makes_a_parser_panic(
        line in prop_oneof![target_spec(), exclusion()],
        at in any::<prop::sample::Index>(),
        character in any::<char>(),
    ) {
        let text = format!("{line} reason=\"x y\" owner=z until=2027-01-31 # end");
        let at = at.index(text.len());
        parse_anything(&text[..at]);
        parse_anything(&format!("{}{character}{}", &text[..at], &text[at + 1..]));
    }
}

/// Reads a text as everything there is; what it says does not matter.
fn parse_anything(text: &str) {
    let _ = text.parse::<ServerName>();
    let _ = text.parse::<Ports>();
    let _ = text.parse::<Shard>();
    let _ = parse_list(text, "-");
    let _ = parse_exclusions(text, "-");
    let _ = Exclusion::parse(text, Origin::of("-x"));
}
