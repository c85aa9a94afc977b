use std::collections::BTreeSet;
use std::ops::Range;

use super::exclusions::Rules;
use super::segment::Segment;
use super::sweep::sweep;
use super::{AddressRange, ByNetwork, Exclusion, Hosts, Plan};
use crate::domain::{Host, Port};

/// What a plan comes to, counted without walking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSummary<'plan> {
    /// Its targets, the excluded ones included.
    pub targets: u64,
    /// The different addresses of all shards together.
    pub addresses: u64,
    /// The different names of all shards together.
    pub names: u64,
    /// The different networks of all shards together, as rates are kept for
    /// them: each /24 (IPv6: /64) that has one of the addresses, and one for
    /// each name, whose addresses nobody knows yet.
    pub networks: u64,
    /// Those of its targets that are excluded.
    pub excluded: u64,
    /// The targets that are asked: at least one question each. A name is one
    /// per address it resolves to, and further server names come on top.
    pub questions: u64,
    /// What each exclusion took, in the order of their rank: of those that
    /// the operator listed also the ones that took nothing. The shares add up
    /// to `excluded`.
    pub shares: Vec<Share<'plan>>,
}

/// What of a plan lies in one network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Its targets, the excluded ones included.
    pub targets: u64,
    /// The different addresses of all shards together.
    pub addresses: u64,
    /// The /24s (IPv6: /64s) that these lie in.
    pub networks: u64,
}

/// The targets that one exclusion took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share<'plan> {
    /// The exclusion.
    pub exclusion: &'plan Exclusion,
    /// How many targets it was the first to hold for.
    pub targets: u64,
}

impl Plan {
    /// What it comes to. The effort grows with the ranges and exclusions times
    /// the ports, not with the addresses.
    #[must_use]
    pub fn summary(&self) -> PlanSummary<'_> {
        let taken = Census::of(self).taken;
        let excluded = taken.iter().sum();
        let exclusions = self.exclusions();
        let shares = exclusions
            .entries()
            .iter()
            .zip(taken)
            .enumerate()
            .filter(|(rank, (_, targets))| *targets > 0 || !exclusions.is_built_in(*rank))
            .map(|(_, (exclusion, targets))| Share { exclusion, targets })
            .collect();
        let ranges = disjoint(self.ranges());
        let names = self.count_names();
        PlanSummary {
            targets: self.len(),
            addresses: count_addresses(&ranges),
            names,
            networks: count_networks(&ranges) + names,
            excluded,
            questions: self.len().saturating_sub(excluded),
            shares,
        }
    }

    /// What lies in each of the networks of a table, in their order, and in no
    /// smaller one of them. Names are in none.
    #[must_use]
    pub fn within<T>(&self, table: &ByNetwork<T>) -> Vec<Within> {
        let mut within = vec![Within::default(); table.networks().len()];
        let mut ranges = vec![Vec::new(); within.len()];
        for segment in self.segments() {
            let Hosts::Addresses(range) = segment.hosts() else {
                continue;
            };
            for (part, position) in table.positions(*range) {
                let Some(position) = position else { continue };
                if let Some(within) = within.get_mut(position) {
                    within.add(self, segment, part);
                }
                if let Some(ranges) = ranges.get_mut(position) {
                    ranges.push(part);
                }
            }
        }
        for (within, ranges) in within.iter_mut().zip(ranges) {
            let ranges = disjoint(ranges);
            within.addresses = count_addresses(&ranges);
            within.networks = count_networks(&ranges);
        }
        within
    }

    fn ranges(&self) -> impl Iterator<Item = AddressRange> {
        let segments = self.segments().iter();
        segments.filter_map(|segment| match segment.hosts() {
            Hosts::Addresses(range) => Some(*range),
            Hosts::Name(_) => None,
        })
    }

    fn count_names(&self) -> u64 {
        let names = self.segments().iter();
        let names = names.filter_map(|segment| match segment.hosts() {
            Hosts::Name(name) => Some(name),
            Hosts::Addresses(_) => None,
        });
        names.collect::<BTreeSet<_>>().len() as u64
    }

    /// How many of its targets are addresses of a range at a port, the
    /// excluded ones included.
    #[must_use]
    pub fn count_at(&self, port: Port, range: AddressRange) -> u64 {
        let (leading, rest) = self.tiers();
        let of_tier = |segments: &[Segment]| -> u64 {
            let before = |segment: &Segment| match segment.hosts() {
                Hosts::Addresses(own) => own.last() < range.first(),
                Hosts::Name(_) => false,
            };
            let near = segments.iter().skip(segments.partition_point(before));
            let parts = near.map_while(|segment| match segment.hosts() {
                Hosts::Addresses(own) => Some((segment, own.intersection(&range)?)),
                Hosts::Name(_) => None,
            });
            let indices = parts.flat_map(|(segment, part)| {
                let numbered = (0..).zip(segment.ports().iter());
                let asked = numbered.filter(move |(_, (own, _))| *own == port);
                asked.filter_map(move |(position, _)| segment.part_of_row(part, position))
            });
            indices.map(|indices| in_shard(self, indices)).sum()
        };
        of_tier(leading) + of_tier(rest)
    }

    /// How many of its targets are excluded.
    #[must_use]
    pub fn count_excluded(&self) -> u64 {
        Census::of(self).taken.iter().sum()
    }
}

impl Within {
    fn add(&mut self, plan: &Plan, segment: &Segment, part: AddressRange) {
        let rows = (0..).take(segment.ports().len());
        let rows = rows.filter_map(|position| segment.part_of_row(part, position));
        self.targets += rows.map(|row| in_shard(plan, row)).sum::<u64>();
    }
}

/// Counts what each exclusion takes from a plan.
struct Census<'plan> {
    plan: &'plan Plan,
    /// By rank.
    taken: Vec<u64>,
}

impl<'plan> Census<'plan> {
    fn of(plan: &'plan Plan) -> Self {
        let mut census = Self {
            plan,
            taken: vec![0; plan.exclusions().entries().len()],
        };
        for segment in plan.segments() {
            match segment.hosts() {
                Hosts::Addresses(range) => census.count_addresses(segment, *range),
                Hosts::Name(name) => {
                    let rules = plan.exclusions().name_rules(name);
                    census.count_ports(segment, rules, |port| segment.row(port));
                }
            }
        }
        census.give_back_the_named();
        census
    }

    fn count_addresses(&mut self, segment: &Segment, range: AddressRange) {
        for (part, rules) in self.plan.exclusions().cut(range) {
            self.count_ports(segment, rules, |port| segment.part_of_row(part, port));
        }
    }

    /// Adds hosts under the same rules, port by port; `indices` are theirs on
    /// the port at a position.
    fn count_ports(
        &mut self,
        segment: &Segment,
        rules: Rules<'_>,
        indices: impl Fn(u64) -> Option<Range<u64>>,
    ) {
        let ports = segment.ports();
        if rules.is_empty() && ports.swept().is_empty() {
            return;
        }
        for (position, (port, _)) in (0..).zip(ports.iter()) {
            let swept = || self.plan.exclusions().rank_of_swept(ports, port);
            if let Some(rank) = rules.first(port).or_else(swept)
                && let Some(indices) = indices(position)
                && let Some(taken) = self.taken.get_mut(rank)
            {
                *taken += in_shard(self.plan, indices);
            }
        }
    }

    /// Takes back what the special-purpose networks took of the addresses
    /// that are targets by themselves; their fragile ports stay excluded.
    fn give_back_the_named(&mut self) {
        let exclusions = self.plan.exclusions();
        for address in self.plan.named_exactly() {
            let single = AddressRange::single(*address);
            let segments = self.plan.segments_of(&Host::Address(*address));
            let numbered = segments.flat_map(|segment| {
                let numbered = (0..).zip(segment.ports().iter());
                numbered.map(move |(position, (port, _))| (segment, position, port))
            });
            for (segment, position, port) in numbered {
                let ports = segment.ports();
                let rank = exclusions.rules(*address).first(port);
                let rank = rank.filter(|rank| exclusions.is_built_in(*rank));
                if let Some(rank) = rank
                    && let Some(indices) = segment.part_of_row(single, position)
                {
                    let count = in_shard(self.plan, indices);
                    if let Some(taken) = self.taken.get_mut(rank) {
                        *taken -= count;
                    }
                    let swept = exclusions.rank_of_swept(ports, port);
                    if let Some(taken) = swept.and_then(|rank| self.taken.get_mut(rank)) {
                        *taken += count;
                    }
                }
            }
        }
    }
}

/// The same addresses, each once, as ascending ranges: one may lead on some
/// ports and not on others.
fn disjoint(ranges: impl IntoIterator<Item = AddressRange>) -> Vec<AddressRange> {
    let mut disjoint = Vec::new();
    let ranges = ranges.into_iter().map(|range| (range, 0));
    sweep(ranges, |range, _| disjoint.push(range));
    disjoint
}

fn count_addresses(ranges: &[AddressRange]) -> u64 {
    let count: u128 = ranges.iter().map(AddressRange::size).sum();
    // No more than targets, which 64 bits count.
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How many /24s and /64s the addresses lie in. The ranges ascend, so only
/// the last network of one and the first of the next can be the same.
fn count_networks(ranges: &[AddressRange]) -> u64 {
    let mut count: u128 = 0;
    let mut counted = None;
    for range in ranges {
        let networks = range.networks();
        let family = range.first().is_ipv4();
        let shared = counted == Some((family, *networks.start()));
        count += networks.end() - networks.start() + u128::from(!shared);
        counted = Some((family, *networks.end()));
    }
    // At most one for each address, and the plan counts those in 64 bits.
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How many of the whole plan's indices the shard has.
fn in_shard(plan: &Plan, indices: Range<u64>) -> u64 {
    plan.shard().count_below(indices.end) - plan.shard().count_below(indices.start)
}
