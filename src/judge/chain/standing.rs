use crate::domain::Trust;

/// What is to be said of a path at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) rank: Rank,
    pub(super) trust: Trust,
    pub(super) reason: String,
}

/// How far a path came, best first: the chain is what its best path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// To a store, and all of it holds.
    Trusted,
    /// To a store, but for the time.
    Expired,
    /// To a store, as far as could be checked.
    Unchecked,
    /// To a store, in a way that RFC 5280 forbids.
    Forbidden,
    /// To a root that no store holds.
    Root,
    /// To a store, with the help of another endpoint's intermediate.
    Bridged,
    /// To what is wrong, or was given up. What others present makes that no
    /// better unless it leads to a store by an authority that was not sent, or is
    /// a root whose key made the signature in question: then that is not wrong.
    Broken,
    /// To a store, round an authority that was sent, by another endpoint's
    /// certificate of it: what is wrong with that one stays wrong.
    Bypass,
    /// Further with that help, and not to a store.
    Astray,
    /// Nowhere: an issuer is missing.
    Nowhere,
    /// Not to a store, round an authority that was sent, by another endpoint's
    /// certificate of it.
    Detour,
}

impl Standing {
    pub(super) fn new(rank: Rank, trust: Trust, reason: String) -> Self {
        Self {
            rank,
            trust,
            reason,
        }
    }
}
