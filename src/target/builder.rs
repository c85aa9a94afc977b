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
        if self.specs.is_empty() {
            return Err(PlanError::NoTargets);
        }
        let mut sets = PortSets::default();
        // Once for all that name no ports: there may be a million of those.
        let defaults = self.ports.map(|ports| sets.label(ports));
        let mut ranges = Vec::new();
        let mut names: BTreeMap<&ServerName, BTreeSet<usize>> = BTreeMap::new();
        for spec in &self.specs {
            let own = spec.ports().map(|own| sets.label(own));
            match (spec.hosts(), own) {
                (Hosts::Addresses(range), Some(own)) => ranges.push((*range, own)),
                (Hosts::Addresses(range), None) => {
                    let parts = defaults.cut(*range).into_iter();
                    ranges.extend(parts.map(|(part, label)| (part, *label)));
                }
                (Hosts::Name(name), own) => {
                    let label = own.unwrap_or(*defaults.elsewhere());
                    names.entry(name).or_default().insert(label);
                }
            }
        }
        let addresses = merged_addresses(ranges, &mut sets);
        let names = merged_names(names, &mut sets);
        let mut segments: Vec<Segment> = Vec::new();
        for (hosts, label) in addresses.into_iter().chain(names) {
            // Every label has its set.
            let Some(ports) = sets.get(label).cloned() else {
                continue;
            };
            let first = segments.last().map_or(0, Segment::end);
            let segment = Segment::new(hosts, ports, first).ok_or(PlanError::TooLarge)?;
            segments.push(segment);
        }
        let named_exactly = named_exactly(&self.specs, &self.exclusions);
        Ok(Plan::new(
            segments,
            self.exclusions,
            named_exactly,
            self.seed,
            self.shard,
        ))
    }
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

/// Ranges with labels as disjoint ranges in ascending order, each with the
/// label of all the ports that any of those over it has.
fn merged_addresses(
    ranges: Vec<(AddressRange, usize)>,
    sets: &mut PortSets,
) -> Vec<(Hosts, usize)> {
    Pieces::of(ranges, |labels| sets.union(labels.iter()))
        .into_iter()
        .map(|(range, label)| (Hosts::Addresses(range), label))
        .collect()
}

/// Each name once, in ascending order, with the label of all its ports.
fn merged_names(
    names: BTreeMap<&ServerName, BTreeSet<usize>>,
    sets: &mut PortSets,
) -> Vec<(Hosts, usize)> {
    names
        .into_iter()
        .filter_map(|(name, labels)| Some((Hosts::Name(name.clone()), sets.union(labels)?)))
        .collect()
}

/// Those special-purpose addresses that a spec names by themselves, in
/// ascending order: for them the special-purpose networks don't hold.
fn named_exactly(specs: &[TargetSpec], exclusions: &Exclusions) -> Vec<IpAddr> {
    let mut addresses: Vec<_> = specs
        .iter()
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
}
