use std::net::Ipv4Addr;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

/// The broadcast addresses of the networks this machine is on (RFC 919
/// section 7). A connection to one is a fault of ours, not an answer: the
/// system refuses it.
///
/// Empty where the system does not tell.
#[must_use]
pub fn broadcast_addresses() -> Vec<Ipv4Addr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let mut addresses: Vec<_> = interfaces.flat_map(|one| broadcasts(&one)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// The one that is set, and the last address of the network: that is one for
/// the system even where none is set, on the loopback network too.
fn broadcasts(interface: &InterfaceAddress) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let ipv4 = |address: Option<&SockaddrStorage>| Some(address?.as_sockaddr_in()?.ip());
    let mask = ipv4(interface.netmask.as_ref());
    // RFC 3021: a network of two addresses, or one, has no broadcast.
    let mask = mask.filter(|mask| mask.to_bits().count_zeros() > 1);
    let last = ipv4(interface.address.as_ref())
        .zip(mask)
        .map(|(address, mask)| Ipv4Addr::from_bits(address.to_bits() | !mask.to_bits()));
    let is_set = interface.flags.contains(InterfaceFlags::IFF_BROADCAST);
    let set = ipv4(interface.broadcast.as_ref()).filter(|_| is_set && mask.is_some());
    [set, last].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_network_has_one_though_none_is_set() {
        assert!(broadcast_addresses().contains(&Ipv4Addr::new(127, 255, 255, 255)));
    }
}
