use std::fmt;
use std::net::IpAddr;

use super::{Dialect, Host, Port};

/// One host and one port: the unit that has exactly one outcome.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Address or name.
    pub host: Host,
    /// The TCP port.
    pub port: Port,
    /// The dialect the operator forced on the port (`2525/smtp`), if any.
    pub dialect: Option<Dialect>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}
