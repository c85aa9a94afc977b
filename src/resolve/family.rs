use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Which addresses of a name are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// IPv4 and IPv6.
    #[default]
    Any,
    /// A records only.
    Ipv4,
    /// AAAA records only.
    Ipv6,
}

/// A word that names no family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a family of addresses (any, ipv4 or ipv6)")]
pub struct UnknownFamily(pub String);

impl AddressFamily {
    pub(super) const fn includes_ipv4(self) -> bool {
        matches!(self, Self::Any | Self::Ipv4)
    }

    pub(super) const fn includes_ipv6(self) -> bool {
        matches!(self, Self::Any | Self::Ipv6)
    }

    pub(super) const fn includes(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(_) => self.includes_ipv4(),
            IpAddr::V6(_) => self.includes_ipv6(),
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

impl FromStr for AddressFamily {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Any, Self::Ipv4, Self::Ipv6]
            .into_iter()
            .find(|family| family.to_string() == text)
            .ok_or_else(|| UnknownFamily(text.to_owned()))
    }
}
