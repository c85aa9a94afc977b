use crate::domain::Timestamp;
use crate::x509::Certificate;

/// Certificates from files, stored at once or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The certificates, in any order; repeated ones count once.
    pub certificates: Vec<Certificate>,
    /// What the operator calls them; one given before stays without a new
    /// one.
    pub label: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The different certificates in it.
    pub certificates: u64,
    /// Those that no import before it had.
    pub new: u64,
}
