use std::collections::HashMap;
use std::net::IpAddr;

use super::{EndpointLook, Installation};
use crate::domain::{Port, Zone};

/// The endpoints that count as one with another of their host, because all
/// that is installed there does.
///
/// Memory grows with them, by two bytes each.
#[derive(Clone, Debug, Default)]
pub(super) struct Absorbed {
    /// In ascending order, as installations come.
    ports: HashMap<Host, Vec<Port>>,
    /// The last endpoint with an installation that counts.
    kept: Option<(Host, Port)>,
    /// The last host with an endpoint that counts as overdue.
    overdue: Option<Host>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Host(Zone, IpAddr);

impl Absorbed {
    /// Takes an installation that counts as one with another.
    pub(super) fn absorb(&mut self, row: &Installation) {
        let endpoint = endpoint(row).filter(|endpoint| self.kept.as_ref() != Some(endpoint));
        if let Some((host, port)) = endpoint {
            let ports = self.ports.entry(host).or_default();
            if ports.last() != Some(&port) {
                ports.push(port);
            }
        }
    }

    /// Takes one that counts for itself: so does its endpoint.
    pub(super) fn keep(&mut self, row: &Installation) {
        self.kept = endpoint(row);
        let kept = self.kept.as_ref();
        let absorbed = kept.and_then(|(host, port)| Some((self.ports.get_mut(host)?, port)));
        if let Some((ports, port)) = absorbed
            && ports.last() == Some(port)
        {
            ports.pop();
        }
    }

    /// Whether the next endpoint counts. One that is overdue while the one that
    /// it counts as is not, does.
    pub(super) fn counts(&mut self, look: &EndpointLook, is_overdue: bool) -> bool {
        let host = Host(look.zone.clone(), look.ip);
        let ports = self.ports.get(&host);
        let is_absorbed = ports.is_some_and(|ports| ports.binary_search(&look.port).is_ok());
        let counts = !is_absorbed || (is_overdue && self.overdue.as_ref() != Some(&host));
        if counts && is_overdue {
            self.overdue = Some(host);
        }
        counts
    }
}

fn endpoint(row: &Installation) -> Option<(Host, Port)> {
    Some((Host(row.zone.clone()?, row.ip?), row.port?))
}
