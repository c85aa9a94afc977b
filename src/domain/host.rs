use std::fmt;
use std::net::IpAddr;

use super::ServerName;

/// An address or a name: what an operator means by "a host".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Dialled as it stands, without a server name.
    Address(IpAddr),
    /// Resolved first, and sent as the server name.
    Name(ServerName),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}
