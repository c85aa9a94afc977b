/// How many rows of each kind pruning removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Gone installations, by their intervals.
    pub installations: u64,
    /// Questions without an installation.
    pub questions: u64,
    /// Endpoints without a question.
    pub endpoints: u64,
    /// Chains that no installation and no import has.
    pub chains: u64,
    /// Certificates in no chain, no installation and no import.
    pub certificates: u64,
    /// Runs of addresses, and names, of the ledger.
    pub coverage: u64,
    /// Scans that nothing refers to; never the latest.
    pub scans: u64,
}

impl Pruned {
    /// Whether that is nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
