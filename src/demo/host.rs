use std::fmt;
use std::net::SocketAddr;

use crate::domain::{Fingerprint, KeyType, OutcomeKind, ServerName};

/// One host of the demo network, and what a scan of it must find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoHost {
    /// Where it listens, or, for a closed port, does not.
    pub address: SocketAddr,
    /// What it is, in a line for a person.
    pub description: &'static str,
    /// What a scan must say of it.
    pub outcome: OutcomeKind,
    /// The certificates it shows, the first choice first; empty where there
    /// is none to be had.
    pub certificates: Vec<Installed>,
}

/// A certificate that a host shows, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// SHA-256 of the leaf.
    pub fingerprint: Fingerprint,
    /// The family of its key: shown to those who can check it.
    pub key_type: KeyType,
    /// Shown to those who ask for this name; `None` to all others.
    pub server_name: Option<ServerName>,
}

impl DemoHost {
    /// The leaf that a client is shown which sends no server name and can
    /// check every kind of key.
    #[must_use]
    pub fn leaf(&self) -> Option<Fingerprint> {
        self.certificates
            .iter()
            .find(|installed| installed.server_name.is_none())
            .map(|installed| installed.fingerprint)
    }
}

impl fmt::Display for DemoHost {
    /// `127.0.0.1:41233  web shop, with its intermediate`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As wide as the longest: 127.0.0.1:65535.
        write!(f, "{:<15}  {}", self.address.to_string(), self.description)
    }
}
