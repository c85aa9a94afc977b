use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::AddressRange;

/// The most IPv4 addresses that one IPv6 address can be read as.
pub(super) const MOST_READINGS: usize = 4;

/// The host that an address leads to: for the addresses by which a NAT64 is
/// reached, the IPv4 host behind it. Whoever counts connections to a host
/// counts them under this.
#[must_use]
pub fn host_reached(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => match translated(address) {
            [Some(likeliest), ..] => likeliest.into(),
            [None, ..] => address.into(),
        },
        address @ IpAddr::V4(_) => address,
    }
}

/// The IPv4 addresses to which packets for an address may go: through NAT64
/// (64:ff9b::/96, RFC 6052 section 2.1; 64:ff9b:1::/48, RFC 8215) and 6to4
/// (2002::/16, RFC 3056 section 2). The likeliest comes first.
pub(super) fn embedded(address: IpAddr) -> [Option<Ipv4Addr>; MOST_READINGS] {
    let IpAddr::V6(address) = address.to_canonical() else {
        return [None; MOST_READINGS];
    };
    match address.octets() {
        [0x20, 0x02, a, b, c, d, ..] => [Some(Ipv4Addr::new(a, b, c, d)), None, None, None],
        _ => translated(address),
    }
}

/// Whether some addresses of the range have IPv4 addresses embedded.
pub(super) fn embeds(range: &AddressRange) -> bool {
    PREFIXES.iter().any(|(first, length)| {
        let last = Ipv6Addr::from_bits(first.to_bits() | u128::MAX >> length);
        let network = AddressRange::between((*first).into(), last.into());
        range.intersection(&network).is_some()
    })
}

/// The networks whose addresses embed others: the two of NAT64, and 6to4.
const PREFIXES: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// The readings of an address by which a NAT64 is reached.
///
/// Whoever runs one with the local-use prefix chooses how long a prefix it
/// takes out of it: 48, 56, 64 or 96 bits. The octet of bits 64 to 71 is left
/// out, and what follows the IPv4 address is zero (RFC 6052 section 2.2); so
/// the shortest prefix that leaves zeros behind is the likeliest.
#[expect(
    clippy::many_single_char_names,
    reason = "the octets that may be of an IPv4 address, in their order"
)]
fn translated(address: Ipv6Addr) -> [Option<Ipv4Addr>; MOST_READINGS] {
    match address.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 1, e, f, 0, g, h, i, a, b, c, d] => {
            let after_64 = [b, c, d] == [0; 3];
            let after_56 = after_64 && a == 0;
            let after_48 = after_56 && i == 0;
            let readings = [
                after_48.then_some([e, f, g, h]),
                after_56.then_some([f, g, h, i]),
                after_64.then_some([g, h, i, a]),
                Some([a, b, c, d]),
            ];
            in_front(readings.map(|octets| octets.map(Ipv4Addr::from)))
        }
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0, 0x64, 0xff, 0x9b, 0, 1, .., a, b, c, d] => {
            [Some(Ipv4Addr::new(a, b, c, d)), None, None, None]
        }
        _ => [None; MOST_READINGS],
    }
}

/// The same readings without gaps before them.
fn in_front<const N: usize>(readings: [Option<Ipv4Addr>; N]) -> [Option<Ipv4Addr>; N] {
    let mut found = readings.into_iter().flatten();
    std::array::from_fn(|_| found.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(address: &str) -> Vec<String> {
        let found = embedded(address.parse().unwrap());
        found.iter().flatten().map(ToString::to_string).collect()
    }

    /// The examples of RFC 6052 section 2.4, within the local-use prefix.
    #[test]
    fn an_address_behind_a_local_nat64_is_read_by_every_length_of_prefix() {
        assert_eq!(readings("64:ff9b:1:c000:2:2100::")[0], "192.0.2.33");
        assert_eq!(readings("64:ff9b:1:3c0:0:221::")[0], "192.0.2.33");
        assert_eq!(readings("64:ff9b:1:344:c0:2:2100:0")[0], "192.0.2.33");
        assert_eq!(readings("64:ff9b:1::192.0.2.33"), ["192.0.2.33"]);
        assert_eq!(readings("64:ff9b:1:344:500::192.0.2.33"), ["192.0.2.33"]);
        assert_eq!(
            readings("64:ff9b:1:c000:2:2100::"),
            ["192.0.2.33", "0.2.33.0", "2.33.0.0", "0.0.0.0"]
        );
    }

    #[test]
    fn other_addresses_embed_nothing() {
        for address in [
            "10.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b:2::a00:1",
            "2001::1",
        ] {
            assert_eq!(readings(address), [""; 0], "{address}");
        }
        assert_eq!(readings("2002:a01:203::1"), ["10.1.2.3"]);
    }

    #[test]
    fn a_host_is_the_same_by_all_its_addresses() {
        let reached = |text: &str| host_reached(text.parse().unwrap()).to_string();
        for address in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "64:ff9b:1::10.1.2.3",
        ] {
            assert_eq!(reached(address), "10.1.2.3", "{address}");
        }
        // Behind a 6to4 address stands a network of many hosts.
        assert_eq!(reached("2002:a01:203::1"), "2002:a01:203::1");
        assert_eq!(reached("2001:db8::1"), "2001:db8::1");
    }
}
