use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::pieces::Pieces;
use super::segment::Segment;
use super::{AddressRange, ByNetwork, Exclusions, Hosts, Plan, Ports, Shard, TargetSpec};
use crate::domain::ServerName;

/// Gathers what the operator wrote, and makes the [`Plan`] of it.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PlanBuilder {
    specs: Vec<TargetSpec>,
    leading: Vec<TargetSpec>,
    may_be_empty: bool,
    ports: ByNetwork<Ports>,
    exclusions: Arc<Exclusions>,
    seed: u64,
    shard: Shard,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to look at.
    #[error("no targets")]
    NoTargets,
    /// More targets than 64 bits count.
    #[error("more than 2^64 targets")]
    TooLarge,
}

impl PlanBuilder {
    /// Adds targets.
    pub fn targets(mut self, specs: impl IntoIterator<Item = TargetSpec>) -> Self {
        self.specs.extend(specs);
        self
    }

    /// Adds targets that come before all others. What other specs have of them
    /// too is theirs no more.
    pub fn first(mut self, specs: impl IntoIterator<Item = TargetSpec>) -> Self {
        self.leading.extend(specs);
        self
    }

    /// A plan without targets is no error: it is not known yet what there is.
    pub const fn or_nothing(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// The ports of the targets that name none; HTTPS unless set. A range is
    /// asked on those of each network that it touches, a name on those that
    /// hold outside of all networks: where it leads nobody knows yet.
    pub fn ports(mut self, ports: impl Into<ByNetwork<Ports>>) -> Self {
        self.ports = ports.into();
        self
    }

    /// What is never touched; the special-purpose networks unless set.
    pub fn exclusions(mut self, exclusions: impl Into<Arc<Exclusions>>) -> Self {
        self.exclusions = exclusions.into();
        self
    }

    /// What the order depends on; 0 unless set.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Which part of the plan; the whole unless set.
    pub const fn shard(mut self, shard: Shard) -> Self {
        self.shard = shard;
        self
    }

    /// The plan. Overlapping targets are one, whatever their order.
    pub fn build(self) -> Result<Plan, PlanError> {
        let is_empty = self.specs.is_empty() && self.leading.is_empty();
        if is_empty && !self.may_be_empty {
            return Err(PlanError::NoTargets);
        }
        let mut sets = PortSets::default();
        // Once for all that name no ports: there may be a million of those.
        let defaults = self.ports.map(|ports| sets.label(ports));
        let leading = Asked::by(&self.leading, &defaults, &mut sets);
        let rest = Asked::by(&self.specs, &defaults, &mut sets);
        let mut segments = Vec::new();
        append(
            &mut segments,
            leading.merged(&Asked::default(), &mut sets),
            &sets,
        )?;
        let leads = segments.len();
        append(&mut segments, rest.merged(&leading, &mut sets), &sets)?;
        let specs = self.specs.iter().chain(&self.leading);
        let named_exactly = named_exactly(specs, &self.exclusions);
        Ok(Plan::new(
            segments,
            leads,
            self.exclusions,
            named_exactly,
            self.seed,
            self.shard,
        ))
    }
}

/// The hosts of specs with the labels of the ports that are asked for.
#[derive(Default)]
struct Asked<'spec> {
    ranges: Vec<(AddressRange, usize)>,
    names: BTreeMap<&'spec ServerName, BTreeSet<usize>>,
}

impl<'spec> Asked<'spec> {
    fn by(specs: &'spec [TargetSpec], defaults: &ByNetwork<usize>, sets: &mut PortSets) -> Self {
        let mut asked = Self::default();
        for spec in specs {
            let own = spec.ports().map(|own| sets.label(own));
            match (spec.hosts(), own) {
                (Hosts::Addresses(range), Some(own)) => asked.ranges.push((*range, own)),
                (Hosts::Addresses(range), None) => {
                    let parts = defaults.cut(*range).into_iter();
                    let parts = parts.map(|(part, label)| (part, *label));
                    asked.ranges.extend(parts);
                }
                (Hosts::Name(name), own) => {
                    let label = own.unwrap_or(*defaults.elsewhere());
                    asked.names.entry(name).or_default().insert(label);
                }
            }
        }
        asked
    }

    /// Each host once, with the label of all its ports, but for what `except`
    /// has: addresses as ranges in ascending order, then names in ascending
    /// order.
    fn merged(&self, except: &Self, sets: &mut PortSets) -> Vec<(Hosts, usize)> {
        // An even label is asked, an odd one is not.
        let asked = self.ranges.iter().map(|(range, label)| (*range, 2 * label));
        let but = except.ranges.iter();
        let but = but.map(|(range, label)| (*range, 2 * label + 1));
        let addresses = Pieces::of(asked.chain(but), |labels| {
            let (asked, but): (Vec<_>, Vec<_>) = labels.iter().partition(|label| label % 2 == 0);
            let halved = |labels: Vec<usize>| labels.into_iter().map(|label| label / 2);
            sets.difference(halved(asked), halved(but))
        });
        let addresses = addresses.into_iter();
        let mut merged: Vec<_> = addresses
            .map(|(range, label)| (Hosts::Addresses(range), label))
            .collect();
        let names = self.names.iter().filter_map(|(name, labels)| {
            let but = except.names.get(name).into_iter().flatten().copied();
            let label = sets.difference(labels.iter().copied(), but)?;
            Some((Hosts::Name((*name).clone()), label))
        });
        merged.extend(names);
        merged
    }
}

/// Segments for hosts on the ports of their labels, after those there are.
fn append(
    segments: &mut Vec<Segment>,
    merged: Vec<(Hosts, usize)>,
    sets: &PortSets,
) -> Result<(), PlanError> {
    for (hosts, label) in merged {
        // Every label has its set.
        let Some(ports) = sets.get(label).cloned() else {
            continue;
        };
        let first = segments.last().map_or(0, Segment::end);
        let segment = Segment::new(hosts, ports, first).ok_or(PlanError::TooLarge)?;
        segments.push(segment);
    }
    Ok(())
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoTargets => {
                "name an address, a network, a host, @FILE, or - for the standard input"
            }
            Self::TooLarge => "name fewer networks or fewer ports",
        };
        Some(hint.to_owned())
    }
}

/// Those special-purpose addresses that a spec names by themselves, in
/// ascending order: for them the special-purpose networks don't hold.
fn named_exactly<'spec>(
    specs: impl Iterator<Item = &'spec TargetSpec>,
    exclusions: &Exclusions,
) -> Vec<IpAddr> {
    let mut addresses: Vec<_> = specs
        .filter_map(|spec| match spec.hosts() {
            Hosts::Addresses(range) => range.is_single().then(|| range.first()),
            Hosts::Name(_) => None,
        })
        .filter(|address| exclusions.is_special_purpose(*address))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Sets of ports, each held once and known by a label: a hundred thousand
/// targets within a network share the few sets they have between them.
#[derive(Default)]
struct PortSets {
    sets: Vec<Ports>,
    labels: HashMap<Ports, usize>,
    unions: HashMap<Vec<usize>, usize>,
}

impl PortSets {
    /// The label of a set; equal sets have the same.
    fn label(&mut self, ports: &Ports) -> usize {
        if let Some(label) = self.labels.get(ports) {
            return *label;
        }
        let label = self.sets.len();
        self.sets.push(ports.clone());
        self.labels.insert(ports.clone(), label);
        label
    }

    /// The set of a label.
    fn get(&self, label: usize) -> Option<&Ports> {
        self.sets.get(label)
    }

    /// The label of the union of sets, whose labels ascend; `None` without
    /// labels.
    fn union(&mut self, labels: impl IntoIterator<Item = usize>) -> Option<usize> {
        let labels: Vec<_> = labels.into_iter().collect();
        if let Some(union) = self.unions.get(&labels) {
            return Some(*union);
        }
        let ports = Ports::union(labels.iter().filter_map(|label| self.get(*label)))?;
        let union = self.label(&ports);
        self.unions.insert(labels, union);
        Some(union)
    }

    /// The label of the union of sets without that of others, all with
    /// ascending labels; `None` if nothing is left.
    fn difference(
        &mut self,
        labels: impl IntoIterator<Item = usize>,
        others: impl IntoIterator<Item = usize>,
    ) -> Option<usize> {
        let label = self.union(labels)?;
        let Some(others) = self.union(others) else {
            return Some(label);
        };
        let left = self.get(label)?.without(self.get(others)?)?;
        Some(self.label(&left))
    }
}
