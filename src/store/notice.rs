use crate::domain::{Fingerprint, Severity};

/// A certificate of an installation's chain crossed a threshold of expiry, and
/// the owner is to be told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crossing {
    /// The installation's certificate; one that is not in the inventory is
    /// nobody's notice.
    pub certificate: Fingerprint,
    /// The certificate that crossed it: that one, or one of its chain.
    pub member: Fingerprint,
    /// Whose it is; empty: nobody's.
    pub owner: String,
    /// The rule that says so: `expiring` or `expired`.
    pub finding: &'static str,
    /// How much it matters by now: what tells the thresholds of a rule apart.
    pub severity: Severity,
}
