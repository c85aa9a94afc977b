use std::net::{Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use super::{AddressRange, Exclusion, Hosts};

/// Addresses at which nobody has a server to be looked at: probing a range
/// that holds them would at best waste packets, at worst reach many machines
/// at once, or the service that hands a cloud machine its credentials. Where
/// two overlap, the earlier is the better reason.
///
/// From the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890,
/// RFC 8190): what is no destination by them, or leads nowhere; the multicast
/// registries; and what the operators of clouds document. Loopback, private,
/// shared and benchmarking addresses are not among them: whoever asks for
/// those means them.
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
        v4([169, 254, 169, 254], 32),
        "metadata of a cloud machine (AWS, Azure, Google and others)",
    ),
    (
        v4([100, 100, 100, 200], 32),
        "metadata of a cloud machine (Alibaba Cloud)",
    ),
    (
        v4([168, 63, 129, 16], 32),
        "platform of a cloud machine (Azure)",
    ),
    (
        v4([0, 0, 0, 0], 8),
        "\"this network\" (RFC 791 section 3.2)",
    ),
    (v4([169, 254, 0, 0], 16), "link-local (RFC 3927)"),
    (
        v4([192, 0, 0, 0], 24),
        "protocol assignments (RFC 6890 section 2.1)",
    ),
    (v4([192, 0, 2, 0], 24), "documentation (RFC 5737)"),
    (v4([198, 51, 100, 0], 24), "documentation (RFC 5737)"),
    (v4([203, 0, 113, 0], 24), "documentation (RFC 5737)"),
    (v4([224, 0, 0, 0], 4), "multicast (RFC 5771)"),
    (
        v4([255, 255, 255, 255], 32),
        "limited broadcast (RFC 919 section 7)",
    ),
    (v4([240, 0, 0, 0], 4), "reserved (RFC 1112 section 4)"),
    (
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
        "metadata of a cloud machine (AWS)",
    ),
    (
        v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
        "metadata of a cloud machine (Google)",
    ),
    (
        v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
        "unspecified (RFC 4291 section 2.5.2)",
    ),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discarded (RFC 6666)"),
    (
        v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64),
        "dummy prefix (RFC 9780)",
    ),
    (
        v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28),
        "identifiers, not addresses (ORCHID, RFC 4843)",
    ),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        "documentation (RFC 3849)",
    ),
    (
        v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        "documentation (RFC 9637)",
    ),
    (
        v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
        "link-local (RFC 4291 section 2.5.6)",
    ),
    (
        v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
        "multicast (RFC 4291 section 2.7)",
    ),
];

#[expect(clippy::unwrap_used, reason = "decided when it is compiled")]
const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNetwork {
    let first = Ipv4Addr::new(a, b, c, d);
    IpNetwork::V4(Ipv4Network::new_checked(first, prefix).unwrap())
}

#[expect(clippy::unwrap_used, reason = "decided when it is compiled")]
#[expect(clippy::many_single_char_names, reason = "as Ipv6Addr::new has them")]
const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> IpNetwork {
    let first = Ipv6Addr::new(a, b, c, d, e, f, g, h);
    IpNetwork::V6(Ipv6Network::new_checked(first, prefix).unwrap())
}

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
                "169.254.169.254",
                "100.100.100.200",
                "168.63.129.16",
                "0.0.0.0/8",
                "169.254.0.0/16",
                "192.0.0.0/24",
                "192.0.2.0/24",
                "198.51.100.0/24",
                "203.0.113.0/24",
                "224.0.0.0/4",
                "255.255.255.255",
                "240.0.0.0/4",
                "fd00:ec2::254",
                "fd20:ce::254",
                "::",
                "100::/64",
                "100:0:0:1::/64",
                "2001:10::/28",
                "2001:db8::/32",
                "3fff::/20",
                "fe80::/10",
                "ff00::/8"
            ]
        );
    }

    #[test]
    fn each_says_why() {
        for exclusion in special_purpose() {
            let why = exclusion.why();
            let sourced = why.contains("RFC") || why.contains(" of a cloud machine (");
            assert!(why.contains("(built in): ") && sourced, "{why}");
        }
    }
}
