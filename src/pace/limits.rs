use std::num::NonZeroUsize;

use super::rate::Rate;

/// What the hosts of a network are spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// New connections to one address.
    pub rate_per_host: Rate,
    /// New connections to one /24 (IPv6: /64).
    pub rate_per_network: Rate,
    /// Established connections to one address.
    pub connections_per_host: NonZeroUsize,
}
