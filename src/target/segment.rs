use std::ops::Range;

use super::{AddressRange, Hosts, Ports};
use crate::domain::{Host, Target};

/// Hosts that share one set of ports, and their place in the plan.
///
/// Its targets stand port by port: all hosts on the first, then all on the
/// second. A block of a large network so meets each host once.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    hosts: Hosts,
    ports: Ports,
    first: u64,
    host_count: u64,
}

impl Segment {
    /// A segment that begins at index `first`; `None` if its end is beyond 64
    /// bits.
    pub(super) fn new(hosts: Hosts, ports: Ports, first: u64) -> Option<Self> {
        let host_count = u64::try_from(hosts.count()).ok()?;
        let length = host_count.checked_mul(u64::try_from(ports.len()).ok()?)?;
        first.checked_add(length)?;
        Some(Self {
            hosts,
            ports,
            first,
            host_count,
        })
    }

    pub(super) const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(super) const fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The index after its last target.
    pub(super) fn end(&self) -> u64 {
        // `new` has checked that it fits.
        let ports = u64::try_from(self.ports.len()).unwrap_or(u64::MAX);
        self.first
            .saturating_add(self.host_count.saturating_mul(ports))
    }

    /// The target at an index of the plan.
    pub(super) fn at(&self, index: u64) -> Option<Target> {
        let offset = index.checked_sub(self.first)?;
        let row = offset.checked_div(self.host_count)?;
        let (port, dialect) = self.ports.at(usize::try_from(row).ok()?)?;
        let host = self.hosts.at(u128::from(offset % self.host_count))?;
        Some(Target {
            host,
            port,
            dialect,
        })
    }

    /// Whether it has this target.
    pub(super) fn contains(&self, target: &Target) -> bool {
        let has_host = match (&self.hosts, &target.host) {
            (Hosts::Addresses(range), Host::Address(address)) => range.contains(*address),
            (Hosts::Name(name), Host::Name(wanted)) => name == wanted,
            (Hosts::Addresses(_), Host::Name(_)) | (Hosts::Name(_), Host::Address(_)) => false,
        };
        has_host && self.ports.lists(target.port, target.dialect)
    }

    /// The indices of all its hosts on the port at a position.
    pub(super) fn row(&self, port_position: u64) -> Option<Range<u64>> {
        let offset = self.host_count.checked_mul(port_position)?;
        let start = self.first.checked_add(offset)?;
        Some(start..start.checked_add(self.host_count)?)
    }

    /// The indices of some of its addresses on the port at a position.
    pub(super) fn part_of_row(&self, part: AddressRange, port_position: u64) -> Option<Range<u64>> {
        let Hosts::Addresses(range) = &self.hosts else {
            return None;
        };
        let offset = u64::try_from(range.offset_of(part.first())?).ok()?;
        let start = self.row(port_position)?.start.checked_add(offset)?;
        Some(start..start.checked_add(u64::try_from(part.size()).ok()?)?)
    }
}
