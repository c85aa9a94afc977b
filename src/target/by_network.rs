use std::net::IpAddr;
use std::sync::Arc;

use super::AddressRange;
use super::embedding::embedded;
use super::pieces::Pieces;

/// What may differ from network to network: one value for each of some
/// networks, and one for everywhere else. Where networks lie over each other
/// the smallest holds.
///
/// An IPv4 network is also those addresses by which IPv6 leads into it
/// (mapped, NAT64, 6to4), unless a network is given for these. Cheap to clone
/// where its values are.
#[derive(Clone, Debug)]
pub struct ByNetwork<T> {
    elsewhere: T,
    networks: Vec<(AddressRange, T)>,
    /// The position of the network that holds.
    pieces: Arc<Pieces<usize>>,
}

impl<T> ByNetwork<T> {
    /// `elsewhere` holds outside the networks. Of two that are the same, the
    /// first holds.
    pub fn new(elsewhere: T, networks: impl IntoIterator<Item = (AddressRange, T)>) -> Self {
        let networks: Vec<_> = networks.into_iter().collect();
        let ranges = networks.iter().map(|(range, _)| *range);
        let size = |position: &usize| networks.get(*position).map(|(range, _)| range.size());
        let pieces = Pieces::of(ranges.zip(0..), |labels| labels.iter().min_by_key(size));
        Self {
            elsewhere,
            pieces: Arc::new(pieces),
            networks,
        }
    }

    /// What holds outside the networks.
    #[must_use]
    pub const fn elsewhere(&self) -> &T {
        &self.elsewhere
    }

    /// The networks, in the order in which they were given.
    pub fn networks(&self) -> impl ExactSizeIterator<Item = &(AddressRange, T)> {
        self.networks.iter()
    }

    /// What holds at an address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> &T {
        let readings = embedded(address).into_iter().flatten().map(IpAddr::from);
        let mut addresses = std::iter::once(address).chain(readings);
        self.held(addresses.find_map(|address| self.pieces.at(address)))
    }

    /// Cuts a range where what holds changes, in ascending order.
    #[must_use]
    pub fn cut(&self, range: AddressRange) -> Vec<(AddressRange, &T)> {
        let parts = self.pieces.cut(range).into_iter();
        parts.map(|(part, held)| (part, self.held(held))).collect()
    }

    /// The same with the positions of the networks, where there are any.
    pub(super) fn positions(&self, range: AddressRange) -> Vec<(AddressRange, Option<usize>)> {
        let parts = self.pieces.cut(range).into_iter();
        parts.map(|(part, held)| (part, held.copied())).collect()
    }

    /// The same networks with what follows from their values.
    #[must_use]
    pub fn map<U>(&self, mut follows: impl FnMut(&T) -> U) -> ByNetwork<U> {
        let networks = self.networks.iter();
        ByNetwork {
            elsewhere: follows(&self.elsewhere),
            networks: networks
                .map(|(range, value)| (*range, follows(value)))
                .collect(),
            pieces: Arc::clone(&self.pieces),
        }
    }

    fn held(&self, position: Option<&usize>) -> &T {
        let network = position.and_then(|position| self.networks.get(*position));
        network.map_or(&self.elsewhere, |(_, value)| value)
    }
}

impl<T> From<T> for ByNetwork<T> {
    /// The same everywhere.
    fn from(everywhere: T) -> Self {
        Self::new(everywhere, [])
    }
}

impl<T: Default> Default for ByNetwork<T> {
    fn default() -> Self {
        T::default().into()
    }
}

#[cfg(test)]
mod tests {
    use ipnetwork::IpNetwork;

    use super::*;

    fn table(networks: &[&'static str]) -> ByNetwork<&'static str> {
        let range = |text: &str| AddressRange::from(text.parse::<IpNetwork>().unwrap());
        ByNetwork::new(
            "elsewhere",
            networks.iter().map(|text| (range(text), *text)),
        )
    }

    #[test]
    fn the_smallest_network_around_an_address_holds() {
        let table = table(&["10.1.2.0/24", "10.0.0.0/8", "10.1.0.0/16", "fd00::/8"]);
        for (address, expected) in [
            ("10.1.2.3", "10.1.2.0/24"),
            ("10.1.3.3", "10.1.0.0/16"),
            ("10.2.2.3", "10.0.0.0/8"),
            ("11.1.2.3", "elsewhere"),
            ("fd00::1", "fd00::/8"),
            ("fe80::1", "elsewhere"),
        ] {
            assert_eq!(*table.at(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_network_is_also_what_leads_into_it() {
        let table = table(&["10.1.2.0/24", "64:ff9b::10.1.2.128/121"]);
        for (address, expected) in [
            ("::ffff:10.1.2.3", "10.1.2.0/24"),
            ("64:ff9b::10.1.2.3", "10.1.2.0/24"),
            ("64:ff9b::10.1.2.130", "64:ff9b::10.1.2.128/121"),
            ("64:ff9b:1::10.1.2.3", "10.1.2.0/24"),
            ("2002:a01:203::1", "10.1.2.0/24"),
            ("64:ff9b::10.1.3.3", "elsewhere"),
        ] {
            assert_eq!(*table.at(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_range_is_cut_at_the_borders() {
        let table = table(&["10.0.1.0/24", "10.0.1.64/26", "10.0.9.0/24"]);
        let range = AddressRange::new([10, 0, 0, 0].into(), [10, 0, 1, 255].into());
        let parts: Vec<_> = table
            .cut(range.unwrap())
            .iter()
            .map(|(part, held)| format!("{part} {held}"))
            .collect();
        assert_eq!(
            parts,
            [
                "10.0.0.0/24 elsewhere",
                "10.0.1.0/26 10.0.1.0/24",
                "10.0.1.64/26 10.0.1.64/26",
                "10.0.1.128/25 10.0.1.0/24",
            ]
        );
    }

    #[test]
    fn what_follows_holds_in_the_same_networks() {
        let table = table(&["10.0.0.0/8"]).map(|text| text.len());
        assert_eq!(*table.at([10, 0, 0, 1].into()), 10);
        assert_eq!(*table.at([11, 0, 0, 1].into()), 9);
        assert_eq!(*ByNetwork::from(7).at([10, 0, 0, 1].into()), 7);
    }
}
