use std::net::{Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use super::{AddressRange, Exclusion, Hosts};

/// Addresses that no network assigns to a server: probing a range that holds
/// them would at best waste packets and at worst reach many machines at once.
/// Where two overlap, the earlier is the better reason.
///
/// From the IANA IPv4 and IPv6 Special-Purpose Address Registries
/// (RFC 6890, RFC 8190) and the multicast registries. Loopback, private and
/// shared addresses are not among them: whoever asks for those means them.
pub(super) fn special_purpose() -> impl Iterator<Item = Exclusion> {
    SPECIAL.iter().map(|(network, reason)| {
        let range = AddressRange::from(*network);
        Exclusion::built_in(Hosts::Addresses(range), reason)
    })
}

/// The broadcast address of a network that this machine is on.
pub(super) fn broadcast(address: Ipv4Addr) -> Exclusion {
    let hosts = Hosts::Addresses(AddressRange::single(address.into()));
    Exclusion::built_in(
        hosts,
        "broadcast on this machine's network (RFC 919 section 7)",
    )
}

const SPECIAL: &[(IpNetwork, &str)] = &[
    (
        IpNetwork::V4(Ipv4Network::new_checked(Ipv4Addr::UNSPECIFIED, 8).unwrap()),
        "\"this network\" (RFC 791 section 3.2)",
    ),
    (
        IpNetwork::V4(Ipv4Network::new_checked(Ipv4Addr::new(169, 254, 0, 0), 16).unwrap()),
        "link-local (RFC 3927)",
    ),
    (
        IpNetwork::V4(Ipv4Network::new_checked(Ipv4Addr::new(224, 0, 0, 0), 4).unwrap()),
        "multicast (RFC 5771)",
    ),
    (
        IpNetwork::V4(Ipv4Network::new_checked(Ipv4Addr::BROADCAST, 32).unwrap()),
        "limited broadcast (RFC 919 section 7)",
    ),
    (
        IpNetwork::V4(Ipv4Network::new_checked(Ipv4Addr::new(240, 0, 0, 0), 4).unwrap()),
        "reserved (RFC 1112 section 4)",
    ),
    (
        IpNetwork::V6(Ipv6Network::new_checked(Ipv6Addr::UNSPECIFIED, 128).unwrap()),
        "unspecified (RFC 4291 section 2.5.2)",
    ),
    (
        IpNetwork::V6(Ipv6Network::new_checked(Ipv6Addr::from_bits(0xfe80 << 112), 10).unwrap()),
        "link-local (RFC 4291 section 2.5.6)",
    ),
    (
        IpNetwork::V6(Ipv6Network::new_checked(Ipv6Addr::from_bits(0xff00 << 112), 8).unwrap()),
        "multicast (RFC 4291 section 2.7)",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_networks_of_the_registries() {
        let shown: Vec<_> = special_purpose()
            .map(|exclusion| exclusion.to_string())
            .collect();
        assert_eq!(
            shown,
            [
                "0.0.0.0/8",
                "169.254.0.0/16",
                "224.0.0.0/4",
                "255.255.255.255",
                "240.0.0.0/4",
                "::",
                "fe80::/10",
                "ff00::/8"
            ]
        );
    }

    #[test]
    fn each_says_why() {
        for exclusion in special_purpose() {
            let why = exclusion.why();
            assert!(why.contains("(built in): ") && why.contains("RFC"), "{why}");
        }
    }
}
