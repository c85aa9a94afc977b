use std::num::NonZeroUsize;

use super::awaited::MOST_AWAITED;
use super::candidates::MOST_DISCOVERED;
use super::neighbours::Neighbours;
use super::visiting_hours::VisitingHours;
use crate::domain::{ServerName, Zone};
use crate::probe::dialects;
use crate::target::ByNetwork;
use crate::tls::Ladder;

/// How a scan goes about its targets; rates and time-outs belong to the
/// stages that keep them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From where it looks.
    pub zone: Zone,
    /// How hard endpoints are asked, by their addresses.
    pub approach: ByNetwork<Approach>,
    /// When its networks may be asked.
    pub hours: VisitingHours,
    /// The machine's own networks, as far as they are crowded.
    pub neighbours: Neighbours,
    /// How many probes are in flight at most.
    pub workers: NonZeroUsize,
    /// Whether the PTR name of each address that accepted is looked up.
    pub pointers: Pointers,
    /// The names it asks for beside the targets' own.
    pub further_names: FurtherNames,
}

/// How hard an endpoint is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approach {
    /// Which protocol sets are tried, in which order.
    pub ladder: Ladder,
    /// How many more looks a target gets that did not answer. Of several
    /// addresses of a name that did not, the fewest.
    pub retries: u32,
    /// How far it goes at an endpoint that speaks TLS.
    pub depth: Depth,
}

/// Whether PTR names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    /// Once TCP has connected.
    LookUp,
    /// Never.
    Skip,
}

/// How many questions an endpoint gets that speaks TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// One a name.
    #[default]
    Names,
    /// Also one for each other type of key, those for the names by which the
    /// address is known (PTR and certificates), and what versions it accepts.
    Thorough,
}

impl Depth {
    /// The most questions that one address and port gets from a target, with
    /// so many names listed for it, where so many questions are known, and so
    /// many of them beside one of another type of key.
    #[must_use]
    pub fn most_questions(self, listed: usize, known: usize, by_key_type: usize) -> usize {
        let asked = listed.saturating_add(known.min(MOST_AWAITED));
        // The first may be asked in two dialects, and again without its name.
        match self {
            Self::Names => asked.saturating_add(3).saturating_add(by_key_type),
            Self::Thorough => asked
                .saturating_add(2 + MOST_DISCOVERED)
                .saturating_mul(1 + dialects::KEY_TYPES.len())
                .saturating_add(1),
        }
    }
}

/// Server names that the operator listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FurtherNames {
    /// The names, in any order.
    pub names: Vec<ServerName>,
    /// Where they are asked for.
    pub reach: Reach,
}

/// Where a listed name is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// At the addresses it resolves to, as far as a target leads there.
    #[default]
    WhereTheyResolve,
    /// At every address that a target leads to.
    Everywhere,
}
