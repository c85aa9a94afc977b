use std::net::IpAddr;

use crate::domain::{Dialect, Host, Port, Target};
use crate::probe::dialects;
use crate::store::{KnownQuestion, KnownTarget};
use crate::target::Plan;

/// What the inventory has: where somebody answered before, silence means more
/// than elsewhere, and what was shown there is asked for again.
///
/// Some hundred bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Ascending.
    endpoints: Vec<(IpAddr, Port)>,
    /// Those that are targets themselves, so that they may be dialled.
    targets: Vec<(IpAddr, Port)>,
    /// In ascending order of address and port.
    questions: Vec<KnownQuestion>,
    names: KnownNames,
}

/// For which names of the inventory an endpoint is asked that is a target
/// without them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownNames {
    /// For those that the operator listed; thoroughly, for all.
    #[default]
    Listed,
    /// For all.
    All,
}

impl Expected {
    /// What a plan may be expected to find by what is known.
    #[must_use]
    pub fn new(
        known: &[KnownTarget],
        questions: &[KnownQuestion],
        names: KnownNames,
        plan: &Plan,
    ) -> Self {
        let mut expected = Self {
            questions: questions.to_vec(),
            names,
            ..Self::default()
        };
        for question in &mut expected.questions {
            question.address = question.address.to_canonical();
        }
        expected.questions.sort_unstable();
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

    /// The questions at an address and port where certificates are known that
    /// one open question may not bring.
    pub(super) fn questions(&self, address: IpAddr, port: Port) -> &[KnownQuestion] {
        let place = |known: &KnownQuestion| (known.address, known.port);
        let from = self
            .questions
            .partition_point(|it| place(it) < (address, port));
        let rest = self.questions.get(from..).unwrap_or_default();
        let here = rest.partition_point(|it| place(it) == (address, port));
        rest.get(..here).unwrap_or_default()
    }

    /// Whether certificates are known there in this dialect.
    pub(super) fn awaits(&self, address: IpAddr, port: Port, dialect: Dialect) -> bool {
        let here = self.questions(address.to_canonical(), port);
        here.iter().any(|known| known.dialect == dialect)
    }

    pub(super) fn names(&self) -> KnownNames {
        self.names
    }

    pub(super) fn targets(&self) -> &[(IpAddr, Port)] {
        &self.targets
    }
}
