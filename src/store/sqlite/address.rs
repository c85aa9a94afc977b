use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as the inventory holds and sorts it: numerically, IPv4 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AddressKey {
    family: Family,
    bits: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Family {
    V4,
    V6,
}

/// The unit of the ledger and of rates: a /24, in IPv6 a /64.
const HOST_BITS_V4: u32 = 8;
const HOST_BITS_V6: u32 = 64;

impl AddressKey {
    /// Its bytes in the inventory: 4 or 6, then the octets.
    pub(super) fn to_blob(self) -> Vec<u8> {
        match self.address() {
            IpAddr::V4(address) => [&[4][..], &address.octets()].concat(),
            IpAddr::V6(address) => [&[6][..], &address.octets()].concat(),
        }
    }

    /// Reads what [`Self::to_blob`] wrote.
    pub(super) fn from_blob(blob: &[u8]) -> Option<Self> {
        match blob {
            [4, octets @ ..] => {
                let octets: [u8; 4] = octets.try_into().ok()?;
                Some(Self::from(IpAddr::from(octets)))
            }
            [6, octets @ ..] => Some(Self {
                family: Family::V6,
                bits: u128::from_be_bytes(octets.try_into().ok()?),
            }),
            _ => None,
        }
    }

    /// The address.
    pub(super) fn address(self) -> IpAddr {
        match self.family {
            Family::V4 => {
                let bits = u32::try_from(self.bits).unwrap_or(u32::MAX);
                IpAddr::V4(Ipv4Addr::from_bits(bits))
            }
            Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(self.bits)),
        }
    }

    /// The first address of its network.
    pub(super) fn network(self) -> Self {
        Self {
            bits: self.bits & !self.host_mask(),
            ..self
        }
    }

    /// The last address of its network.
    pub(super) fn network_end(self) -> Self {
        Self {
            bits: self.bits | self.host_mask(),
            ..self
        }
    }

    /// Its network, `10.0.0.0/24`.
    pub(super) fn network_text(self) -> String {
        let length = match self.family {
            Family::V4 => 32 - HOST_BITS_V4,
            Family::V6 => 128 - HOST_BITS_V6,
        };
        format!("{}/{length}", self.network().address())
    }

    /// Its last octet.
    pub(super) fn last_octet(self) -> u8 {
        let [.., last] = self.bits.to_be_bytes();
        last
    }

    /// The address after it in its family.
    pub(super) fn next(self) -> Option<Self> {
        let last = match self.family {
            Family::V4 => u128::from(u32::MAX),
            Family::V6 => u128::MAX,
        };
        (self.bits < last).then(|| Self {
            bits: self.bits + 1,
            ..self
        })
    }

    /// The address before it in its family.
    pub(super) fn previous(self) -> Option<Self> {
        let bits = self.bits.checked_sub(1)?;
        Some(Self { bits, ..self })
    }

    /// How many addresses lie from it to `last`, both included; `None` where
    /// that is no run: another family, or the wrong order.
    pub(super) fn count_to(self, last: Self) -> Option<u128> {
        if self.family != last.family {
            return None;
        }
        last.bits.checked_sub(self.bits)?.checked_add(1)
    }

    /// How many networks a run to `last` touches.
    pub(super) fn networks_to(self, last: Self) -> u128 {
        let bits = self.host_mask().count_ones();
        (last.bits >> bits).saturating_sub(self.bits >> bits) + 1
    }

    fn host_mask(self) -> u128 {
        match self.family {
            Family::V4 => (1 << HOST_BITS_V4) - 1,
            Family::V6 => (1 << HOST_BITS_V6) - 1,
        }
    }
}

impl From<IpAddr> for AddressKey {
    /// A v4-mapped address is its IPv4 address.
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self {
                family: Family::V4,
                bits: u128::from(address.to_bits()),
            },
            IpAddr::V6(address) => Self {
                family: Family::V6,
                bits: address.to_bits(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> AddressKey {
        AddressKey::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn addresses_sort_numerically_and_ipv4_first() {
        let ordered = [
            "0.0.0.0",
            "9.0.0.0",
            "10.0.0.2",
            "10.0.0.10",
            "::",
            "::1",
            "fe80::1",
        ];
        for pair in ordered.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
            assert!(key(pair[0]).to_blob() < key(pair[1]).to_blob(), "{pair:?}");
        }
        assert_eq!(key("::ffff:10.0.0.2"), key("10.0.0.2"));
    }

    #[test]
    fn an_address_reads_back_from_its_bytes() {
        for text in ["0.0.0.0", "255.255.255.255", "::", "2001:db8::1"] {
            assert_eq!(AddressKey::from_blob(&key(text).to_blob()), Some(key(text)));
        }
        for wrong in [&[][..], &[4, 1, 2, 3], &[6; 16], &[5, 1, 2, 3, 4]] {
            assert_eq!(AddressKey::from_blob(wrong), None);
        }
    }

    #[test]
    fn a_network_is_a_24_or_a_64() {
        assert_eq!(key("10.0.1.77").network_text(), "10.0.1.0/24");
        assert_eq!(key("10.0.1.77").network_end(), key("10.0.1.255"));
        assert_eq!(key("2001:db8::7").network_text(), "2001:db8::/64");
        assert_eq!(key("255.255.255.255").next(), None);
        assert_eq!(key("10.0.0.9").count_to(key("10.0.0.8")), None);
        assert_eq!(key("10.0.0.9").count_to(key("::1")), None);
        assert_eq!(key("0.0.0.0").networks_to(key("255.255.255.255")), 1 << 24);
    }
}
