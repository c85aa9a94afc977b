use std::net::IpAddr;

use crate::domain::{Dialect, Host, Port, ServerName, Timestamp};

/// An endpoint of the inventory, or a name that leads to one: something to
/// look at again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownTarget {
    /// Address or name.
    pub host: Host,
    /// The port.
    pub port: Port,
    /// The dialect in which it spoke.
    pub dialect: Dialect,
}

/// When something was looked at: from the first moment to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// What had no answer when it was looked at, and nothing is known to have had
/// one: filtered, refused, unreachable, unresolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dark {
    /// Addresses from the first to the last at a port, in ascending order of
    /// port and first address, none twice.
    pub addresses: Vec<(Port, IpAddr, IpAddr)>,
    /// Names at a port, in ascending order.
    pub names: Vec<(ServerName, Port)>,
}
