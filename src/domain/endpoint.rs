use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{Dialect, Port, Zone};

/// Where a server listens, as seen from a zone. Always resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// From where we look.
    pub zone: Zone,
    /// The address that is dialled; a v4-mapped one is held as IPv4.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// The transport below TLS.
    pub transport: Transport,
    /// How the connection becomes TLS.
    pub dialect: Dialect,
}

/// The transport below TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 9293.
    #[default]
    Tcp,
}

impl Transport {
    /// Its word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
        }
    }
}

impl Endpoint {
    /// A TCP endpoint in its canonical form.
    #[must_use]
    pub fn tcp(zone: Zone, address: IpAddr, port: Port, dialect: Dialect) -> Self {
        Self {
            zone,
            address: address.to_canonical(),
            port,
            transport: Transport::Tcp,
            dialect,
        }
    }

    /// What a socket connects to.
    #[must_use]
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port.number())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket_address().fmt(f)
    }
}
