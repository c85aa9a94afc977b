use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A DNS server to ask instead of the system's: `IP` or `IP:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameServer(SocketAddr);

/// A text that is not an address with or without a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name server (an address, with `:PORT` if it is not 53)")]
pub struct InvalidNameServer(pub String);

/// RFC 1035 section 4.2.
const DOMAIN: u16 = 53;

impl NameServer {
    /// Where it listens.
    #[must_use]
    pub fn socket_address(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NameServer {
    type Err = InvalidNameServer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        bare.parse::<IpAddr>()
            .map(|address| SocketAddr::new(address, DOMAIN))
            .or_else(|_| text.parse())
            .ok()
            .filter(|server| server.port() != 0)
            .map(Self)
            .ok_or_else(|| InvalidNameServer(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address_with_or_without_a_port() {
        for (text, address) in [
            ("10.0.0.1", "10.0.0.1:53"),
            ("10.0.0.1:5353", "10.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            let server: NameServer = text.parse().unwrap();
            assert_eq!(server.to_string(), address);
        }
        for wrong in [
            "",
            "dns.example",
            "10.0.0.1:0",
            "10.0.0.1:",
            "[10.0.0.1",
            "[::1]53",
        ] {
            assert!(wrong.parse::<NameServer>().is_err(), "{wrong}");
        }
    }
}
