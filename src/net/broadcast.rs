use std::net::Ipv4Addr;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{SockaddrIn, SockaddrStorage};

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
    let mut addresses: Vec<_> = interfaces.filter_map(|one| broadcast(&one)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn broadcast(interface: &InterfaceAddress) -> Option<Ipv4Addr> {
    let ipv4 = |address: &SockaddrStorage| address.as_sockaddr_in().map(SockaddrIn::ip);
    let mask = interface.netmask.as_ref().and_then(ipv4)?;
    let broadcast = interface.broadcast.as_ref().and_then(ipv4)?;
    // RFC 3021: a network of two addresses, or one, has no broadcast.
    let has_one =
        interface.flags.contains(InterfaceFlags::IFF_BROADCAST) && mask.to_bits().count_zeros() > 1;
    has_one.then_some(broadcast)
}
