use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnetwork::IpNetwork;

/// Addresses of one family from a first to a last, both included.
///
/// An IPv4-mapped address (::ffff:0:0/96, RFC 4291 section 2.5.5.2) is IPv4
/// here. Ranges stand in the order of their first address, IPv4 before IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why two addresses are no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The second lies before the first.
    #[error("range ends before it starts: {first}-{last}")]
    Backwards {
        /// The address written first.
        first: IpAddr,
        /// The address written last.
        last: IpAddr,
    },
    /// One is IPv4, or IPv4-mapped, and the other is not.
    #[error("range mixes IPv4 and IPv6: {first}-{last}")]
    MixedFamilies {
        /// The address written first.
        first: IpAddr,
        /// The address written last.
        last: IpAddr,
    },
}

impl AddressRange {
    /// From one address to another.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, RangeError> {
        let (first, last) = (first.to_canonical(), last.to_canonical());
        if first.is_ipv4() != last.is_ipv4() {
            return Err(RangeError::MixedFamilies { first, last });
        }
        if last < first {
            return Err(RangeError::Backwards { first, last });
        }
        Ok(Self { first, last })
    }

    /// One address.
    #[must_use]
    pub const fn single(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            first: address,
            last: address,
        }
    }

    /// Its lowest address.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// Its highest address.
    #[must_use]
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// How many addresses it has; all of IPv6 counts one less than it has,
    /// which is what 128 bits hold.
    #[must_use]
    pub fn size(&self) -> u128 {
        (bits(self.last) - bits(self.first)).saturating_add(1)
    }

    /// Whether it is one address.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.first == self.last
    }

    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        (self.first..=self.last).contains(&address.to_canonical())
    }

    /// The address so many after the first.
    #[must_use]
    pub fn at(&self, offset: u128) -> Option<IpAddr> {
        let bits = bits(self.first).checked_add(offset)?;
        let address = match self.first {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).ok()?)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        (address <= self.last).then_some(address)
    }

    /// Its addresses, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let range = *self;
        std::iter::successors(Some(self.first), move |address| {
            successor(*address).filter(|next| range.contains(*next))
        })
    }

    /// How far the address lies after the first; the inverse of [`Self::at`].
    #[must_use]
    pub fn offset_of(&self, address: IpAddr) -> Option<u128> {
        let address = address.to_canonical();
        self.contains(address)
            .then(|| bits(address) - bits(self.first))
    }

    /// The numbers of the /24s (IPv6: /64s) that it touches, within its family.
    pub(super) fn networks(&self) -> RangeInclusive<u128> {
        let host_bits = if self.first.is_ipv4() { 8 } else { 64 };
        bits(self.first) >> host_bits..=bits(self.last) >> host_bits
    }

    /// What it has in common with another.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        (first <= last).then_some(Self { first, last })
    }

    /// Both as one, if the other begins right after this.
    pub(super) fn joined(&self, next: &Self) -> Option<Self> {
        let adjacent = successor(self.last) == Some(next.first);
        (adjacent && self.first.is_ipv4() == next.first.is_ipv4()).then_some(Self {
            first: self.first,
            last: next.last,
        })
    }

    /// Its addresses below another range.
    pub(super) fn before(&self, other: &Self) -> Option<Self> {
        let last = self.last.min(predecessor(other.first)?);
        (self.first <= last).then_some(Self { last, ..*self })
    }

    /// Its addresses above another range.
    pub(super) fn after(&self, other: &Self) -> Option<Self> {
        let first = self.first.max(successor(other.last)?);
        (first <= self.last).then_some(Self { first, ..*self })
    }

    /// A range whose ends are known to be of one family and in order.
    pub(super) const fn between(first: IpAddr, last: IpAddr) -> Self {
        Self { first, last }
    }

    /// The prefix length, if the range is exactly one network.
    fn prefix(&self) -> Option<u32> {
        let width = if self.first.is_ipv4() { 32 } else { 128 };
        let differing = bits(self.first) ^ bits(self.last);
        let host_bits = u128::BITS - differing.leading_zeros();
        let mask = u128::MAX.checked_shr(u128::BITS - host_bits).unwrap_or(0);
        let aligned = bits(self.first) & mask == 0 && differing == mask;
        aligned.then(|| width - host_bits)
    }
}

impl From<IpNetwork> for AddressRange {
    /// The whole network, whatever host bits were written.
    fn from(network: IpNetwork) -> Self {
        let (first, last) = (network.network(), network.broadcast());
        // A network around ::ffff:0:0/96 stays IPv6: its mapped addresses
        // are IPv4, and whoever writes ::/0 does not mean those.
        Self::new(first, last).unwrap_or(Self { first, last })
    }
}

impl fmt::Display for AddressRange {
    /// An address, a network if it is one, else `first-last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix() {
            _ if self.is_single() => self.first.fmt(f),
            Some(prefix) => write!(f, "{}/{prefix}", self.first),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// The address after another, in the order of [`IpAddr`]: all of IPv4, then
/// all of IPv6.
pub(super) fn successor(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        IpAddr::V4(address) => Some(IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() + 1))),
        IpAddr::V6(address) => {
            let next = address.to_bits().checked_add(1)?;
            Some(IpAddr::V6(Ipv6Addr::from_bits(next)))
        }
    }
}

/// The address before another; the inverse of [`successor`].
pub(super) fn predecessor(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let previous = address.to_bits().checked_sub(1)?;
            Some(IpAddr::V4(Ipv4Addr::from_bits(previous)))
        }
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(IpAddr::V4(Ipv4Addr::BROADCAST)),
        IpAddr::V6(address) => Some(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() - 1))),
    }
}

/// An address as a number within its family.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> AddressRange {
        AddressRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    }

    fn network(text: &str) -> AddressRange {
        text.parse::<IpNetwork>().unwrap().into()
    }

    #[test]
    fn a_range_prints_as_an_address_a_network_or_its_ends() {
        assert_eq!(range("10.0.0.1", "10.0.0.1").to_string(), "10.0.0.1");
        assert_eq!(range("10.0.0.0", "10.0.0.255").to_string(), "10.0.0.0/24");
        assert_eq!(
            range("10.0.0.1", "10.0.0.2").to_string(),
            "10.0.0.1-10.0.0.2"
        );
        assert_eq!(range("0.0.0.0", "255.255.255.255").to_string(), "0.0.0.0/0");
        assert_eq!(network("::/0").to_string(), "::/0");
        assert_eq!(network("2001:db8::5/120").to_string(), "2001:db8::/120");
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(
            range("::ffff:10.0.0.1", "10.0.0.9"),
            range("10.0.0.1", "10.0.0.9")
        );
        assert!(network("10.0.0.0/8").contains("::ffff:10.1.2.3".parse().unwrap()));
    }

    #[test]
    fn a_network_around_the_mapped_addresses_does_not_hold_ipv4() {
        for text in ["::/0", "::/80"] {
            assert!(!network(text).contains("10.0.0.1".parse().unwrap()));
            assert!(network(text).contains("::1".parse().unwrap()));
        }
    }

    #[test]
    fn mixed_or_backward_ends_are_refused() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(matches!(
            AddressRange::new(parse("10.0.0.1"), parse("::1")),
            Err(RangeError::MixedFamilies { .. })
        ));
        assert!(matches!(
            AddressRange::new(parse("10.0.0.2"), parse("10.0.0.1")),
            Err(RangeError::Backwards { .. })
        ));
    }

    #[test]
    fn offsets_and_addresses_are_inverse() {
        let range = range("2001:db8::fffe", "2001:db8::1:5");
        assert_eq!(range.size(), 8);
        for offset in 0..8 {
            let address = range.at(offset).unwrap();
            assert_eq!(range.offset_of(address), Some(offset));
        }
        assert_eq!(range.at(8), None);
        assert_eq!(network("::/0").size(), u128::MAX);
        assert_eq!(network("255.255.255.0/24").at(256), None);
    }

    #[test]
    fn neighbours_join_within_a_family_only() {
        let low = network("10.0.0.0/25");
        let high = network("10.0.0.128/25");
        assert_eq!(low.joined(&high), Some(network("10.0.0.0/24")));
        assert_eq!(high.joined(&low), None);
        let end = network("255.255.255.255/32");
        assert_eq!(end.joined(&network("::/128")), None);
        assert_eq!(
            predecessor(successor(end.last()).unwrap()),
            Some(end.last())
        );
    }
}
