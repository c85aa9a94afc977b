use crate::domain::{Fingerprint, Severity};

/// An installation crossed a threshold of expiry, and its owner is to be told
/// once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crossing {
    /// Its certificate; one that is not in the inventory is nobody's notice.
    pub certificate: Fingerprint,
    /// Whose it is; empty: nobody's.
    pub owner: String,
    /// The rule that says so: `expiring` or `expired`.
    pub finding: &'static str,
    /// How much it matters by now: what tells the thresholds of a rule apart.
    pub severity: Severity,
}
