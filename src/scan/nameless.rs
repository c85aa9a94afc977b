use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::summary::Nameless;
use crate::domain::{Alert, Observation, Outcome, Refusal};

/// Which endpoints were asked without a server name only, by whatever
/// targets. Its memory grows with the endpoints that speak TLS, as that of
/// the leaves does.
#[derive(Debug, Default)]
pub(super) struct NamelessEndpoints {
    named: HashSet<SocketAddr>,
    /// Those of the others that speak TLS, and whether they demand a name.
    nameless: HashMap<SocketAddr, Demand>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Name,
    Nothing,
}

impl NamelessEndpoints {
    pub(super) fn note(&mut self, seen: &Observation) {
        let place = seen.endpoint.socket_address();
        if seen.server_name.is_some() {
            self.named.insert(place);
            self.nameless.remove(&place);
        } else if !self.named.contains(&place)
            && let Some(demand) = demand(&seen.outcome)
        {
            self.nameless.entry(place).or_insert(demand);
        }
    }

    pub(super) fn count(&self) -> Nameless {
        let demanding = self.nameless.values();
        let demanding = demanding.filter(|demand| **demand == Demand::Name);
        Nameless {
            endpoints: self.nameless.len() as u64,
            demanding: demanding.count() as u64,
        }
    }
}

/// What an endpoint that speaks TLS wants of those who name none; `None` for
/// any other.
fn demand(outcome: &Outcome) -> Option<Demand> {
    match outcome {
        Outcome::TlsRefused(Refusal::Alert(_, Alert::UNRECOGNIZED_NAME)) => Some(Demand::Name),
        Outcome::Certificate(_)
        | Outcome::NoCertificate(..)
        | Outcome::TlsRefused(Refusal::Alert(..)) => Some(Demand::Nothing),
        Outcome::TlsRefused(
            Refusal::Closed(_)
            | Refusal::Reset(_)
            | Refusal::Stalled(_)
            | Refusal::Malformed(_)
            | Refusal::TooLarge(_),
        )
        | Outcome::NotTls(..)
        | Outcome::Silent(_)
        | Outcome::Broken(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => None,
    }
}
