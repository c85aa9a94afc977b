use std::net::IpAddr;

use crate::domain::{Host, Port, Target};
use crate::probe::dialects;
use crate::store::{KnownQuestion, KnownTarget};
use crate::target::Plan;

/// What the inventory has: where somebody answered before, silence means more
/// than elsewhere, and what was shown there is asked for again.
///
/// A few dozen bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Ascending.
    endpoints: Vec<(IpAddr, Port)>,
    /// Those that are targets themselves, so that they may be dialled.
    targets: Vec<(IpAddr, Port)>,
    /// In ascending order of address and port.
    questions: Vec<KnownQuestion>,
}

impl Expected {
    /// What a plan may be expected to find by what is known.
    #[must_use]
    pub fn new(known: &[KnownTarget], questions: &[KnownQuestion], plan: &Plan) -> Self {
        let mut expected = Self {
            questions: questions.to_vec(),
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

    /// The questions at an address and port where certificates of several key
    /// types are known: a server that is asked openly shows one of them.
    pub(super) fn questions(&self, address: IpAddr, port: Port) -> &[KnownQuestion] {
        let place = |known: &KnownQuestion| (known.address, known.port);
        let from = self
            .questions
            .partition_point(|it| place(it) < (address, port));
        let rest = self.questions.get(from..).unwrap_or_default();
        let here = rest.partition_point(|it| place(it) == (address, port));
        rest.get(..here).unwrap_or_default()
    }

    pub(super) fn targets(&self) -> &[(IpAddr, Port)] {
        &self.targets
    }
}
