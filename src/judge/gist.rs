//! A place → as much of it as a judgement by a policy can depend on.
//!
//! Hosts with the same certificate are mostly told the same. Places whose
//! gists are equal, and of whose certificates the same is known, are judged
//! alike; so one judgement does for all of them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Place, PointerNames, Policy, Selector};
use crate::domain::Timestamp;

/// What a policy looks at in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gist {
    /// Whether anything is meant for some names or networks alone.
    selects_places: bool,
    /// Whether the PTR name is one that the certificate must be for, anywhere.
    needs_pointers: bool,
    /// The shortest of all ages that the last look may have.
    max_age: Duration,
    /// The fewest of all ports that may show the same certificate.
    ports_per_host: u32,
}

impl Gist {
    /// What this policy looks at.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let base = &policy.limits;
        let changes = || policy.overrides.iter().map(|it| &it.limits);
        let ages = changes().filter_map(|limits| limits.max_age);
        let ports = changes().filter_map(|limits| limits.ports_per_host);
        let mut pointers = changes().filter_map(|limits| limits.pointer_names);
        let required = |names| names == PointerNames::Required;
        Self {
            selects_places: selectors(policy).any(looks_at_places),
            needs_pointers: required(base.pointer_names) || pointers.any(required),
            max_age: ages.fold(base.max_age, Duration::min),
            ports_per_host: ports.fold(base.ports_per_host, u32::min),
        }
    }

    /// The gist of a place that is judged at `now`: what nobody looks at there
    /// is the same in all of them.
    #[must_use]
    pub fn take(&self, mut place: Place, now: Timestamp) -> Place {
        if !self.selects_places {
            if place.ports_with_it <= self.ports_per_host {
                place.address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            }
            if !self.needs_pointers {
                place.pointer = None;
            }
        }
        let is_recent =
            |checked: &Timestamp| now.since(*checked) <= self.max_age && !checked.is_ahead_of(now);
        if place
            .last_checked
            .is_some_and(|checked| is_recent(&checked))
        {
            place.last_checked = Some(now);
        }
        place
    }
}

fn selectors(policy: &Policy) -> impl Iterator<Item = &Selector> {
    let overrides = policy.overrides.iter().map(|it| &it.selector);
    let owners = policy.owners.iter().map(|it| &it.selector);
    let acceptances = policy.acceptances.iter().map(|it| &it.selector);
    overrides.chain(owners).chain(acceptances)
}

/// Patterns for names may be for addresses.
fn looks_at_places(selector: &Selector) -> bool {
    !(selector.names.is_empty() && selector.networks.is_empty())
}
