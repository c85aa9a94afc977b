//! What an inquiry is about.

use std::net::IpAddr;

use super::answers::Answers;
use super::dialects;
use super::expected::KnownNames;
use super::settings::Approach;
use crate::domain::{Dialect, Endpoint, KeyType, Observation, ServerName, Target, Zone};
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

    /// The answer for the own name in a dialect.
    pub(super) fn first_answer<'a>(
        &self,
        seen: &'a Answers,
        dialect: Dialect,
    ) -> Option<&'a Observation> {
        seen.open(self.own_name.as_ref(), dialect)
    }

    /// The types of key that are known where this certificate was shown, if
    /// there are several: what has one alone is asked openly.
    pub(super) fn known_key_types(&self, shown: &Observation) -> Vec<KeyType> {
        let here = self.known.iter().filter(|known| {
            known.dialect == shown.endpoint.dialect && known.server_name == shown.server_name
        });
        let here: Vec<_> = here.map(|known| known.key_type).collect();
        if here.len() > 1 { here } else { Vec::new() }
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
