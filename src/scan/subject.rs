//! What an inquiry is about.

use std::net::IpAddr;

use super::dialects;
use super::expected::KnownNames;
use super::settings::Approach;
use crate::domain::{Endpoint, ServerName, Target, Zone};
use crate::pace::Lane;
use crate::probe::{self, Probe};
use crate::store::KnownQuestion;

/// A target at one address that it leads to.
#[derive(Clone, Debug)]
pub(super) struct Subject<'scan> {
    /// In the dialect of the first question.
    pub(super) endpoint: Endpoint,
    pub(super) other_dialects: OtherDialects,
    /// The target's, where it is a name.
    pub(super) own_name: Option<ServerName>,
    /// Where the first question queues.
    pub(super) lane: Lane,
    /// Questions there that have certificates.
    pub(super) known: &'scan [KnownQuestion],
    pub(super) known_names: KnownNames,
    pub(super) without_a_name: WithoutAName,
}

/// When a target that is a name asks without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WithoutAName {
    /// Where the server does not know the name.
    #[default]
    IfDeclined,
    /// Also where names have asked without one before, and got a certificate.
    IfKnown,
}

/// Whether a dialect other than the first may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherDialects {
    Tried,
    /// The operator forced the first.
    Never,
}

impl Subject<'_> {
    /// What a target is about at an endpoint that it leads to.
    pub(super) fn new(
        target: &Target,
        zone: &Zone,
        address: IpAddr,
        own_name: Option<&ServerName>,
        lane: Lane,
    ) -> Self {
        Self {
            endpoint: Endpoint::tcp(
                zone.clone(),
                address,
                target.port,
                probe::dialects::first(target),
            ),
            other_dialects: match target.dialect {
                Some(_) => OtherDialects::Never,
                None => OtherDialects::Tried,
            },
            own_name: own_name.cloned(),
            lane,
            known: &[],
            known_names: KnownNames::default(),
            without_a_name: WithoutAName::default(),
        }
    }

    /// The first question of its inquiry.
    pub(super) fn first_probe(self, approach: &Approach) -> Probe {
        let Approach { ladder, depth, .. } = approach;
        let Endpoint { dialect, port, .. } = self.endpoint;
        Probe {
            endpoint: self.endpoint,
            server_name: self.own_name,
            ladder: dialects::ladder(ladder, dialect, dialect, port, *depth),
            lane: self.lane,
        }
    }
}
