use std::net::IpAddr;

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
