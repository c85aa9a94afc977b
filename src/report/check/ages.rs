use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{EndpointLook, Installation};
use crate::domain::{Port, Zone};
use crate::judge::Policy;

/// How long ago each endpoint may have been looked at: what the policy says of
/// its address, or of what is installed there, the shortest of several.
///
/// Memory grows with the endpoints where these differ.
#[derive(Debug)]
pub struct Ages<'a> {
    policy: &'a Policy,
    special: HashMap<Endpoint, Duration>,
    /// The endpoint of the latest installation, and its age so far.
    latest: Option<(Endpoint, Duration)>,
}

type Endpoint = (Zone, IpAddr, Port);

impl<'a> Ages<'a> {
    /// Those of a policy.
    #[must_use]
    pub fn by(policy: &'a Policy) -> Self {
        Self {
            policy,
            special: HashMap::new(),
            latest: None,
        }
    }

    /// Takes note of an installation, before its endpoint and in the order of
    /// the main report.
    pub fn installation(&mut self, row: &Installation) {
        let place = row.zone.as_ref().zip(row.ip).zip(row.port);
        let (Some(((zone, ip), port)), Some(judgement)) = (place, &row.judgement) else {
            return;
        };
        let mut age = judgement.max_age;
        let endpoint = (zone.clone(), ip, port);
        if let Some((latest, shortest)) = &self.latest
            && *latest == endpoint
        {
            age = age.min(*shortest);
        }
        if age == self.policy.max_age(ip, row.pointer.as_deref()) {
            self.special.remove(&endpoint);
        } else {
            self.special.insert(endpoint.clone(), age);
        }
        self.latest = Some((endpoint, age));
    }

    /// That of an endpoint.
    #[must_use]
    pub fn of(&self, look: &EndpointLook) -> Duration {
        let endpoint = (look.zone.clone(), look.ip, look.port);
        let special = self.special.get(&endpoint).copied();
        special.unwrap_or_else(|| self.policy.max_age(look.ip, look.pointer.as_deref()))
    }
}
