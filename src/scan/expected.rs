use std::net::IpAddr;

use crate::domain::{Host, Port, Target};
use crate::probe::dialects;
use crate::store::KnownTarget;
use crate::target::Plan;

/// Endpoints of the inventory: where somebody answered before, silence means
/// more than elsewhere.
///
/// A few dozen bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Ascending.
    endpoints: Vec<(IpAddr, Port)>,
    /// Those that are targets themselves, so that they may be dialled.
    targets: Vec<(IpAddr, Port)>,
}

impl Expected {
    /// What a plan may be expected to find by what is known.
    #[must_use]
    pub fn new(known: &[KnownTarget], plan: &Plan) -> Self {
        let mut expected = Self::default();
        for known in known {
            let Host::Address(address) = known.host else {
                continue;
            };
            let place = (address.to_canonical(), known.port);
            expected.endpoints.push(place);
            let with = |dialect| Target {
                host: Host::Address(address),
                port: known.port,
                dialect,
            };
            let forms = [with(None), with(Some(known.dialect))];
            let is_allowed = |target: &Target| {
                plan.contains(target)
                    && plan.excluded(target).is_none()
                    && (target.dialect.is_some() || dialects::first(target) == known.dialect)
            };
            if forms.iter().any(is_allowed) {
                expected.targets.push(place);
            }
        }
        expected.endpoints.sort_unstable();
        expected
    }

    pub(super) fn contains(&self, address: IpAddr, port: Port) -> bool {
        self.endpoints.binary_search(&(address, port)).is_ok()
    }

    pub(super) fn targets(&self) -> &[(IpAddr, Port)] {
        &self.targets
    }
}
