use crate::domain::Fingerprint;

/// A certificate came closer to its end than a limit of days, and its owner
/// is to be told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Crossing {
    /// The certificate; one that is not in the inventory is nobody's notice.
    pub certificate: Fingerprint,
    /// Whose it is; empty: nobody's.
    pub owner: String,
    /// The limit, in days before the end; 0: it is over.
    pub days: u32,
}
