use std::fmt;
use std::time::Duration;

use super::trouble::Trouble;
use crate::domain::{Outcome, ScanId, ScanState, ServerName, Tally, Unresolved};

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its number in the inventory.
    pub scan: ScanId,
    /// Complete, or ended early.
    pub state: ScanState,
    /// Why it ended early: a word of [`EarlyEnd`], or an error's message.
    ///
    /// [`EarlyEnd`]: crate::domain::EarlyEnd
    pub ended_by: Option<String>,
    /// How many targets it had; the outcomes add up to it.
    pub targets: u64,
    /// How many targets had each outcome.
    pub outcomes: Tally,
    /// What went wrong on our side, and for how many targets: the most
    /// frequent first.
    pub faults: Vec<(String, u64)>,
    /// Targets that met a fault in this program.
    pub internal_errors: u64,
    /// What happened around it.
    pub trouble: Trouble,
    /// Different leaf certificates seen.
    pub certificates: u64,
    /// What may hide behind names.
    pub nameless: Nameless,
    /// The listed names that no endpoint was asked for, in their order.
    pub names_not_asked: Vec<NameNotAsked>,
    /// From first to last, wall time.
    pub elapsed: Duration,
}

/// Endpoints that speak TLS and were asked without a server name only: what
/// they show to those who name one is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nameless {
    /// How many these are.
    pub endpoints: u64,
    /// How many of them demand a name: they answered unrecognized_name
    /// (RFC 6066 section 3).
    pub demanding: u64,
}

/// A listed name that no endpoint was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameNotAsked {
    /// The name.
    pub name: ServerName,
    /// Why not.
    pub why: WhyNotAsked,
}

/// Why no endpoint was asked for a listed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNotAsked {
    /// It leads to no address of any target.
    NoTarget,
    /// It leads to no address.
    Unresolved(Unresolved),
    /// The resolver did not say where it leads.
    Resolver(String),
    /// Never to be asked for, and why.
    Excluded(String),
    /// The scan ended first.
    Ended,
}

impl WhyNotAsked {
    /// Whether the name is asked for where names are asked for everywhere.
    #[must_use]
    pub const fn is_cured_by_everywhere(&self) -> bool {
        match self {
            Self::NoTarget | Self::Unresolved(_) | Self::Resolver(_) => true,
            Self::Excluded(_) | Self::Ended => false,
        }
    }
}

impl fmt::Display for WhyNotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTarget => f.write_str("no target leads to its addresses"),
            Self::Unresolved(why) => {
                let detail = Outcome::Unresolved(*why).detail();
                write!(f, "unresolved: {detail}")
            }
            Self::Resolver(what) => write!(f, "resolver: {what}"),
            Self::Excluded(why) => write!(f, "excluded: {why}"),
            Self::Ended => f.write_str("the scan ended first"),
        }
    }
}
