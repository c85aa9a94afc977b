use std::num::NonZeroUsize;

use crate::domain::Zone;
use crate::tls::Ladder;

/// How a scan goes about its targets; rates and time-outs belong to the
/// stages that keep them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From where it looks.
    pub zone: Zone,
    /// Which protocol sets are tried, in which order.
    pub ladder: Ladder,
    /// How many more looks a target gets that did not answer.
    pub retries: u32,
    /// How many probes are in flight at most.
    pub workers: NonZeroUsize,
    /// Whether the PTR name of each address that accepted is looked up.
    pub pointers: Pointers,
}

/// Whether PTR names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    /// Once TCP has connected.
    LookUp,
    /// Never.
    Skip,
}
