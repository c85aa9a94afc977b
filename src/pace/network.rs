use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::target::AddressRange;

/// The neighbourhood that shares a rate: a /24 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8)).into(),
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
            }
        })
    }

    /// Its addresses.
    pub(super) fn range(self) -> AddressRange {
        let last = match self.0 {
            IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits() | !(u32::MAX << 8)).into(),
            IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits() | !(u128::MAX << 64)).into(),
        };
        // In order and of one family; else the first stands for all.
        AddressRange::new(self.0, last).unwrap_or(AddressRange::single(self.0))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_24_or_a_64() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("10.1.2.3"), network("10.1.2.255"));
        assert_ne!(network("10.1.2.3"), network("10.1.3.3"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:0:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("0.0.0.0"), network("::"));
    }
}
