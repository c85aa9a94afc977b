use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::{Dialect, Port, ServerName};

/// Who asks for which further name where, or for none: an address and the names
/// that lead to it are different targets, and what any of them asks is asked once;
/// but each name that a server declines is followed by the question without one.
///
/// Bounded: past [`MOST`] it forgets all, and then a question may be asked
/// twice, which costs a connection and changes nothing.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<Claim, u64>>);

/// A further question at an endpoint.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) address: IpAddr,
    pub(super) port: Port,
    /// The one forced on the port, if any.
    pub(super) dialect: Option<Dialect>,
    /// `None`: a target that is a name asks without one.
    pub(super) name: Option<ServerName>,
}

/// Some 25 MB of them.
const MOST: usize = 1 << 18;

impl Claims {
    /// Whether the target of this index is to ask: the first that claims it,
    /// at every look.
    pub(super) fn claim(&self, claim: Claim, target: u64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.clear();
        }
        *held.entry(claim).or_insert(target) == target
    }
}
