use std::net::IpAddr;
use std::sync::Arc;

use super::segment::Segment;
use super::{Block, Exclusion, Exclusions, Hosts, PlanBuilder, Shard};
use crate::domain::{Host, Port, Target};

/// The frozen description of a scan: which targets, in which order, and what
/// is never touched.
///
/// Every target has an index, and no target has two: those that lead come
/// first, and addresses before names. Memory grows with what the operator wrote, not with what it covers:
/// 10.0.0.0/8 takes no more than one address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Each begins at the index where the one before it ends. Of those that
    /// lead, and then of the rest: addresses in ascending order, then names in
    /// ascending order.
    segments: Arc<[Segment]>,
    /// How many of them lead: what is looked at before all else.
    leading: usize,
    exclusions: Arc<Exclusions>,
    /// The special-purpose addresses that are targets by themselves,
    /// ascending.
    named_exactly: Arc<[IpAddr]>,
    seed: u64,
    shard: Shard,
}

impl Plan {
    /// An empty builder.
    pub fn builder() -> PlanBuilder {
        PlanBuilder::default()
    }

    pub(super) fn new(
        segments: Vec<Segment>,
        leading: usize,
        exclusions: Arc<Exclusions>,
        named_exactly: Vec<IpAddr>,
        seed: u64,
        shard: Shard,
    ) -> Self {
        Self {
            segments: segments.into(),
            leading,
            exclusions,
            named_exactly: named_exactly.into(),
            seed,
            shard,
        }
    }

    /// The same plan in the order of another seed: the same targets have the
    /// same indices, and lie in the same blocks.
    #[must_use]
    pub fn in_order_of(&self, seed: u64) -> Self {
        Self {
            seed,
            ..self.clone()
        }
    }

    /// How many targets it has, the excluded ones included: those of its
    /// shard. A small plan of many shards may leave some of them without any.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.shard.count_below(self.whole_len())
    }

    /// Whether its shard has no targets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many targets all shards have together.
    #[must_use]
    pub fn whole_len(&self) -> u64 {
        self.segments.last().map_or(0, Segment::end)
    }

    /// The target of an index; `None` from [`Self::len`] on.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Target> {
        let index = self.shard.plan_index(index)?;
        let position = self
            .segments
            .partition_point(|segment| segment.end() <= index);
        self.segments.get(position)?.at(index)
    }

    /// How many of its targets come before the rest.
    #[must_use]
    pub fn leading(&self) -> u64 {
        let (leading, _) = self.tiers();
        self.shard
            .count_below(leading.last().map_or(0, Segment::end))
    }

    /// Whether any of its shards has this target: two binary searches.
    #[must_use]
    pub fn contains(&self, target: &Target) -> bool {
        self.segments_of(&target.host)
            .any(|segment| segment.contains(target))
    }

    /// Its blocks, in the order of their numbers.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + use<> {
        let (targets, leading, seed) = (self.len(), self.leading(), self.seed);
        let block = move |number| Block::new(number, targets, leading, seed);
        (0..self.block_count()).filter_map(block)
    }

    /// How many blocks it has, without making them: all of IPv4 on every port
    /// has 2^28.
    #[must_use]
    pub fn block_count(&self) -> u64 {
        self.len().div_ceil(Block::MAX_LENGTH)
    }

    /// The block of a number.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<Block> {
        Block::new(number, self.len(), self.leading(), self.seed)
    }

    /// The exclusion that holds for a target, if one does. A name that is not
    /// excluded may still resolve into an excluded network:
    /// [`Self::excluded_at`] tells.
    ///
    /// A fragile port is excluded on a host for which nobody gave it by its
    /// number, but only a range around it.
    #[must_use]
    pub fn excluded(&self, target: &Target) -> Option<&Exclusion> {
        let exclusion = match &target.host {
            Host::Address(address) => self.excluded_at(*address, target.port),
            Host::Name(name) => self.exclusions.covers_name(name, target.port),
        };
        exclusion.or_else(|| {
            let mut segments = self.segments_of(&target.host);
            let segment = segments.find(|segment| segment.contains(target))?;
            self.exclusions.of_swept(segment.ports(), target.port)
        })
    }

    /// The exclusion that holds for a port of an address, if one does: to be
    /// asked for every address before it is dialled, also for those that names
    /// resolve to.
    ///
    /// An address that a target names by itself, and not by a network around
    /// it, is meant: the special-purpose networks don't hold for it.
    #[must_use]
    pub fn excluded_at(&self, address: IpAddr, port: Port) -> Option<&Exclusion> {
        let address = address.to_canonical();
        if self.named_exactly.binary_search(&address).is_ok() {
            self.exclusions.listed_covers(address, port)
        } else {
            self.exclusions.covers(address, port)
        }
    }

    /// What is never touched.
    #[must_use]
    pub const fn exclusions(&self) -> &Arc<Exclusions> {
        &self.exclusions
    }

    /// What the order depends on.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Which part of the whole it is.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        self.shard
    }

    /// The only segments that may have the host: one that leads, and one of
    /// the rest.
    pub(super) fn segments_of<'plan>(
        &'plan self,
        host: &Host,
    ) -> impl Iterator<Item = &'plan Segment> + use<'plan> {
        let before = |segment: &Segment| match (segment.hosts(), host) {
            (Hosts::Addresses(range), Host::Address(address)) => range.last() < *address,
            (Hosts::Name(name), Host::Name(wanted)) => name < wanted,
            (Hosts::Addresses(_), Host::Name(_)) => true,
            (Hosts::Name(_), Host::Address(_)) => false,
        };
        let (leading, rest) = self.tiers();
        let found = [leading, rest].map(|segments| segments.get(segments.partition_point(before)));
        found.into_iter().flatten()
    }

    /// The segments that lead, and the rest: each ascending.
    pub(super) fn tiers(&self) -> (&[Segment], &[Segment]) {
        self.segments
            .split_at_checked(self.leading)
            .unwrap_or_default()
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn named_exactly(&self) -> &[IpAddr] {
        &self.named_exactly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{AddressRange, ByNetwork, Ports, TargetSpec, parse_exclusions};

    /// The IPv4 addresses of special-purpose networks: two of them /4, one /8,
    /// one /16, four /24, and two of clouds.
    const SPECIAL_IPV4: u64 = (2 << 28) + (1 << 24) + (1 << 16) + 4 * 256 + 2;

    const FRAGILE_PORTS: u64 = 30;

    fn plan(specs: &[&str], exclusions: &str) -> Plan {
        let specs = specs.iter().map(|text| text.parse::<TargetSpec>().unwrap());
        let exclusions = parse_exclusions(exclusions, "exclude.txt").unwrap();
        Plan::builder()
            .targets(specs)
            .exclusions(Exclusions::new(exclusions))
            .build()
            .unwrap()
    }

    fn targets(plan: &Plan) -> Vec<String> {
        (0..plan.len())
            .map(|index| plan.get(index).unwrap().to_string())
            .collect()
    }

    #[test]
    fn overlapping_specs_are_one_target_with_the_ports_of_both() {
        let plan = plan(&["10.0.0.0/31", "10.0.0.1-2:22,443", "10.0.0.1"], "");
        assert_eq!(
            targets(&plan),
            [
                "10.0.0.0:443",
                "10.0.0.1:22",
                "10.0.0.2:22",
                "10.0.0.1:443",
                "10.0.0.2:443",
            ]
        );
    }

    #[test]
    fn a_name_and_an_address_never_merge_and_a_name_merges_with_itself() {
        let plan = plan(
            &["b.corp", "A.corp:22", "10.0.0.1", "a.corp.", "b.corp"],
            "",
        );
        assert_eq!(
            targets(&plan),
            ["10.0.0.1:443", "a.corp:22", "a.corp:443", "b.corp:443"]
        );
    }

    #[test]
    fn what_leads_comes_first_and_is_counted_once() {
        let read = |texts: &[&str]| -> Vec<TargetSpec> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let specs = ["10.0.0.0/29:22,443", "10.0.0.8", "a.corp:22,443"];
        let whole = plan(&specs, "10.0.0.2");
        let leading = [
            "10.0.0.5:443",
            "10.0.0.2:22",
            "10.0.0.8:443",
            "a.corp:443",
            "b.corp:443",
        ];
        let exclusions = Arc::clone(whole.exclusions());
        let plan = Plan::builder()
            .targets(read(&specs))
            .first(read(&leading))
            .exclusions(exclusions)
            .build()
            .unwrap();
        assert_eq!(plan.leading(), 5);
        let block = plan.block(0).unwrap();
        let mut first: Vec<_> = block
            .targets(&plan)
            .take(5)
            .map(|it| it.to_string())
            .collect();
        first.sort();
        let mut expected = leading.map(str::to_owned);
        expected.sort();
        assert_eq!(first, expected);
        let mut all = targets(&plan);
        all.sort();
        let mut expected = targets(&whole);
        expected.push("b.corp:443".to_owned());
        expected.sort();
        assert_eq!(all, expected);
        for index in 0..plan.len() {
            assert!(plan.contains(&plan.get(index).unwrap()));
        }
        assert_ne!(plan.fingerprint(), whole.fingerprint());
        let (summary, without) = (plan.summary(), whole.summary());
        assert_eq!(summary.addresses, without.addresses);
        assert_eq!(summary.excluded, without.excluded);
        assert_eq!(summary.names, without.names + 1);
        assert_eq!(summary.networks, without.networks + 1);
        let range = AddressRange::new([10, 0, 0, 4].into(), [10, 0, 0, 255].into());
        assert_eq!(plan.count_at(Port::HTTPS, range.unwrap()), 5);
    }

    #[test]
    fn a_shard_has_its_share_of_what_leads() {
        let spec: TargetSpec = "10.0.0.0/16".parse().unwrap();
        let leading: Vec<TargetSpec> = (0..1000_u32)
            .map(|number| {
                let address = std::net::Ipv4Addr::from_bits((10 << 24) | (64 * number));
                TargetSpec::host(Host::Address(address.into()), Ports::default())
            })
            .collect();
        let shards = (1..=3).map(|number| {
            let builder = Plan::builder().targets([spec.clone()]);
            let builder = builder.first(leading.clone());
            builder
                .shard(Shard::new(number, 3).unwrap())
                .build()
                .unwrap()
        });
        let (mut lead, mut seen) = (0, std::collections::HashSet::new());
        for plan in shards {
            lead += plan.leading();
            seen.extend((0..plan.len()).map(|index| plan.get(index).unwrap()));
        }
        assert_eq!((lead, seen.len()), (1000, 1 << 16));
    }

    #[test]
    fn a_plan_knows_its_targets_and_no_others() {
        let specs = [
            "10.0.0.0/30:22,443",
            "10.0.0.9",
            "a.corp:25/smtp",
            "c.corp",
            "::1",
        ];
        let whole = plan(&specs, "");
        for index in 0..whole.len() {
            let target = whole.get(index).unwrap();
            assert!(whole.contains(&target), "{target}");
        }
        let others = plan(
            &[
                "10.0.0.4",
                "9.0.0.0",
                "::2",
                "a.corp:25",
                "a.corp:26/smtp",
                "b.corp",
                "10.0.0.9:22",
                "d.corp",
            ],
            "",
        );
        for index in 0..others.len() {
            let target = others.get(index).unwrap();
            assert!(!whole.contains(&target), "{target}");
        }
    }

    #[test]
    fn a_large_network_costs_no_more_than_a_small_one() {
        let plan = plan(&["10.0.0.0/8:1-5"], "");
        assert_eq!(plan.len(), 5 << 24);
        assert_eq!(plan.segments.len(), 1);
        let last = plan.get(plan.len() - 1).unwrap();
        assert_eq!(last.to_string(), "10.255.255.255:5");
        assert_eq!(plan.get(plan.len()), None);
        assert_eq!(plan.get(u64::MAX), None);
        assert_eq!(plan.blocks().count(), 80);
        let block = plan.block(79).unwrap();
        assert_eq!(block.len(), Block::MAX_LENGTH);
        assert_eq!(plan.block(80), None);
    }

    #[test]
    fn a_long_list_within_a_network_of_every_port_shares_its_ports() {
        let every = "10.0.0.0/8:1-65535".parse::<TargetSpec>().unwrap();
        let some = (0..50_000_u32).map(|number| {
            let address = std::net::Ipv4Addr::from_bits((10 << 24) | (2 * number));
            TargetSpec::address(address.into(), None)
        });
        let plan = Plan::builder().targets(some.chain([every])).build();
        let plan = plan.unwrap();
        assert_eq!(plan.len(), 65_535 << 24);
        assert_eq!(plan.segments.len(), 1);
    }

    #[test]
    fn everything_there_is_can_be_counted() {
        let plan = plan(&["0.0.0.0/0:1-65535"], "10.0.0.0/8:22\n:9100");
        assert_eq!(plan.len(), 65_535 << 32);
        let by_address = 65_535 * SPECIAL_IPV4 + (1 << 24);
        // A range of ports names none of the fragile ones, and 9100 is listed.
        let by_port = FRAGILE_PORTS * ((1 << 32) - SPECIAL_IPV4);
        assert_eq!(plan.count_excluded(), by_address + by_port);
        let summary = plan.summary();
        assert_eq!(summary.excluded, by_address + by_port);
        assert_eq!(summary.questions, plan.len() - summary.excluded);
        assert_eq!((summary.addresses, summary.networks), (1 << 32, 1 << 24));
        assert_eq!(plan.block_count(), 65_535 << 12);
        let last = plan.get(plan.len() - 1).unwrap();
        assert_eq!(last.to_string(), "255.255.255.255:65535");
    }

    #[test]
    fn the_shards_of_everything_there_is_add_up() {
        let spec: TargetSpec = "0.0.0.0/0:1-65535".parse().unwrap();
        let shards = (1..=7).map(|number| {
            let builder = Plan::builder().targets([spec.clone()]);
            let builder = builder.shard(Shard::new(number, 7).unwrap());
            builder.build().unwrap()
        });
        let summaries = shards.map(|plan| {
            let summary = plan.summary();
            (summary.targets, summary.excluded)
        });
        let sum = summaries.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let fragile = FRAGILE_PORTS * ((1 << 32) - SPECIAL_IPV4);
        let excluded = 65_535 * SPECIAL_IPV4 + fragile;
        assert_eq!(sum, (65_535 << 32, excluded));
    }

    #[test]
    fn scattered_addresses_are_as_many_networks_as_they_touch() {
        let networks = |specs: &[&str]| plan(specs, "").summary().networks;
        assert_eq!(networks(&["10.0.0.1", "10.0.1.1", "10.9.0.1"]), 3);
        assert_eq!(networks(&["10.0.0.1", "10.0.0.9:22", "10.0.0.200"]), 1);
        assert_eq!(networks(&["10.0.0.255-10.0.1.0"]), 2);
        assert_eq!(networks(&["10.0.0.0/8"]), 1 << 16);
        assert_eq!(
            networks(&["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::"]),
            2
        );
        // Network 0 of the one family is not network 0 of the other.
        assert_eq!(networks(&["0.0.0.1", "::1"]), 2);
        assert_eq!(networks(&["a.corp", "b.corp", "10.0.0.0/24"]), 3);
    }

    #[test]
    fn what_lies_in_a_network_lies_in_no_smaller_one() {
        let plan = plan(
            &["10.0.0.0/15:22,443", "10.9.0.1", "10.9.0.2:22", "a.corp"],
            "",
        );
        let network = |text: &str| (text.parse::<ipnetwork::IpNetwork>().unwrap().into(), ());
        let table = ["10.0.0.0/8", "10.1.2.0/24", "10.9.0.0/16"].map(network);
        let within = plan.within(&ByNetwork::new((), table));
        let shown = within
            .iter()
            .map(|it| (it.targets, it.addresses, it.networks));
        let outer = (1 << 17) - 256;
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [(2 * outer, outer, 511), (512, 256, 1), (2, 2, 1)]
        );
    }

    #[test]
    fn neighbouring_networks_of_the_same_ports_are_one_segment() {
        let plan = plan(&["10.0.0.0/25", "10.0.0.128/25:443", "10.0.1.0"], "");
        assert_eq!(plan.segments.len(), 1);
        assert_eq!(plan.len(), 257);
    }

    #[test]
    fn a_special_address_is_asked_when_it_is_named_by_itself() {
        let plan = plan(&["169.254.0.0/16", "169.254.1.1", "fe80::1/128"], "fe80::1");
        let excluded = |address: &str| {
            let exclusion = plan.excluded_at(address.parse().unwrap(), Port::HTTPS);
            exclusion.map(ToString::to_string).unwrap_or_default()
        };
        assert_eq!(excluded("169.254.1.1"), "");
        assert_eq!(excluded("::ffff:169.254.1.1"), "");
        assert_eq!(excluded("169.254.1.2"), "169.254.0.0/16");
        assert_eq!(excluded("fe80::1"), "fe80::1");
        assert_eq!(plan.count_excluded(), (1 << 16) - 1 + 1);
    }

    #[test]
    fn a_fragile_port_is_asked_where_it_is_named_and_excluded_where_it_is_swept() {
        let plan = plan(
            &[
                "10.0.0.0/24:9000-9200",
                "10.0.0.5:9100",
                "a.corp:1-65535",
                "169.254.1.1:500-502",
            ],
            "",
        );
        let excluded = |target: &str| {
            let (host, port) = target.rsplit_once(':').unwrap();
            let host = match host.parse() {
                Ok(address) => Host::Address(address),
                Err(_) => Host::Name(host.parse().unwrap()),
            };
            let (port, dialect) = (port.parse().unwrap(), None);
            let target = Target {
                host,
                port,
                dialect,
            };
            plan.excluded(&target).map(Exclusion::to_string)
        };
        assert_eq!(excluded("10.0.0.4:9100").as_deref(), Some(":9100-9107"));
        assert_eq!(excluded("10.0.0.5:9100"), None);
        assert_eq!(excluded("10.0.0.5:9101").as_deref(), Some(":9100-9107"));
        assert_eq!(excluded("10.0.0.4:9108"), None);
        assert_eq!(excluded("a.corp:502").as_deref(), Some(":502"));
        assert_eq!(excluded("169.254.1.1:502").as_deref(), Some(":502"));
        assert_eq!(excluded("169.254.1.1:501"), None);
        let summary = plan.summary();
        assert_eq!(summary.excluded, 256 * 8 - 1 + FRAGILE_PORTS + 1);
    }

    #[test]
    fn the_ports_of_a_network_replace_the_plans_and_no_targets_own() {
        let network = |text: &str| text.parse::<ipnetwork::IpNetwork>().unwrap().into();
        let ports = |text: &str| text.parse::<Ports>().unwrap();
        let by_network = ByNetwork::new(
            ports("443"),
            [
                (network("10.0.0.0/30"), ports("22")),
                (network("10.0.0.1/32"), ports("25")),
            ],
        );
        let specs = ["10.0.0.0/29", "10.0.0.2:8443", "a.corp"];
        let specs = specs.map(|text| text.parse::<TargetSpec>().unwrap());
        let plan = Plan::builder().targets(specs).ports(by_network).build();
        assert_eq!(
            targets(&plan.unwrap()),
            [
                "10.0.0.0:22",
                "10.0.0.1:25",
                "10.0.0.2:22",
                "10.0.0.2:8443",
                "10.0.0.3:22",
                "10.0.0.4:443",
                "10.0.0.5:443",
                "10.0.0.6:443",
                "10.0.0.7:443",
                "a.corp:443",
            ]
        );
    }

    #[test]
    fn a_name_that_resolves_into_an_excluded_network_is_caught_at_the_dial() {
        let plan = plan(&["a.corp"], "10.0.0.0/8");
        let target = plan.get(0).unwrap();
        assert_eq!(plan.excluded(&target), None);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"] {
            let address = address.parse().unwrap();
            assert!(plan.excluded_at(address, target.port).is_some());
        }
    }

    #[test]
    fn an_exclusion_that_takes_nothing_is_listed_in_the_summary() {
        let plan = plan(&["10.0.0.0/24", "a.corp"], "10.0.0.5\n192.0.2.0/24\n:22");
        let summary = plan.summary();
        assert_eq!(
            (summary.targets, summary.addresses, summary.names),
            (257, 256, 1)
        );
        assert_eq!((summary.excluded, summary.questions), (1, 256));
        let shares: Vec<_> = summary
            .shares
            .iter()
            .map(|share| (share.exclusion.to_string(), share.targets))
            .collect();
        assert_eq!(
            shares,
            [
                ("10.0.0.5".to_owned(), 1),
                ("192.0.2.0/24".to_owned(), 0),
                (":22".to_owned(), 0),
            ]
        );
    }

    #[test]
    fn the_fingerprint_tells_plans_apart_but_not_seeds_or_reasons() {
        let base = plan(&["10.0.0.0/24"], "10.0.0.5");
        let same = plan(&["10.0.0.0/25", "10.0.0.128/25"], "10.0.0.5 reason=other");
        assert_eq!(base.fingerprint(), same.fingerprint());
        assert_eq!(base.fingerprint().len(), 64);
        let spec: TargetSpec = "10.0.0.0/24".parse().unwrap();
        let build = |seed, shard| {
            let builder = Plan::builder().targets([spec.clone()]);
            builder.seed(seed).shard(shard).build().unwrap()
        };
        let seeded = build(1, Shard::WHOLE).fingerprint();
        assert_eq!(seeded, build(2, Shard::WHOLE).fingerprint());
        let half = build(1, Shard::new(1, 2).unwrap()).fingerprint();
        let others = [
            plan(&["10.0.0.0/24"], "").fingerprint(),
            plan(&["10.0.0.0/24:444"], "10.0.0.5").fingerprint(),
            plan(&["10.0.0.0/23"], "10.0.0.5").fingerprint(),
            half,
        ];
        for other in &others {
            assert_ne!(*other, base.fingerprint());
        }
        assert_ne!(others[3], seeded);
    }

    #[test]
    fn the_fingerprint_of_the_targets_knows_no_exclusions() {
        let base = plan(&["10.0.0.0/24"], "10.0.0.5").targets_fingerprint();
        let less = plan(&["10.0.0.0/24"], "").targets_fingerprint();
        let other = plan(&["10.0.0.0/24:444"], "10.0.0.5").targets_fingerprint();
        assert_eq!(base, less);
        assert_ne!(base, other);
    }

    #[test]
    fn another_seed_changes_the_order_and_nothing_else() {
        let base = plan(&["10.0.0.0/24"], "");
        let other = base.in_order_of(base.seed() + 1);
        assert_eq!(targets(&base), targets(&other));
        let order = |plan: &Plan| -> Vec<_> { plan.block(0).unwrap().targets(plan).collect() };
        assert_ne!(order(&base), order(&other));
    }

    #[test]
    fn nothing_is_no_plan() {
        let error = Plan::builder().build().unwrap_err();
        assert_eq!(error.to_string(), "no targets");
        assert!(error.hint().is_some());
    }

    #[test]
    fn ports_that_a_target_names_replace_the_plans() {
        let specs = ["10.0.0.1", "10.0.0.2:22", "https://a.corp/"];
        let specs = specs.map(|text| text.parse::<TargetSpec>().unwrap());
        let ports: Ports = "8443".parse().unwrap();
        let plan = Plan::builder().targets(specs).ports(ports).build().unwrap();
        assert_eq!(
            targets(&plan),
            ["10.0.0.1:8443", "10.0.0.2:22", "a.corp:443"]
        );
    }
}
