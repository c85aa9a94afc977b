use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::member::Member;
use crate::x509::Verification;

/// One way up from the leaf.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    pub(super) leaf: Arc<Member>,
    /// What stands above the leaf, each the issuer of the one before.
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
}

/// One certificate of a trail.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) member: Arc<Member>,
    pub(super) source: Source,
    /// Whether its key signed the one before: never `Invalid`.
    pub(super) signature: Verification,
}

/// Where a certificate was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// Sent, at this position.
    Sent(usize),
    /// In a store, and not sent.
    Store,
    /// Presented by another endpoint.
    Pool,
}

/// How a trail ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// In a certificate that these stores hold.
    Anchor(Vec<usize>),
    /// In one that its own key signed, and that no store holds.
    Root,
    /// In one that names itself its issuer; its signature can't be checked.
    UnprovenRoot,
    /// In one whose signature is not by the key that it names.
    WrongSignature {
        /// Whose key did not make it.
        issuer: String,
    },
    /// In one that names another key than its only possible issuer's, and
    /// whose signature can't be checked.
    UncheckedSignature {
        /// Whose key may have made it.
        issuer: String,
    },
    /// In one whose issuer is nowhere.
    NoIssuer,
    /// In one whose issuers stand below it already.
    Circle,
    /// Too high, or after too many checks.
    GivenUp,
}

impl Trail {
    /// Its certificates, leaf first.
    pub(super) fn members(&self) -> impl DoubleEndedIterator<Item = &Arc<Member>> {
        let above = self.steps.iter().map(|step| &step.member);
        std::iter::once(&self.leaf).chain(above)
    }

    /// Its last certificate.
    pub(super) fn tip(&self) -> &Arc<Member> {
        self.steps.last().map_or(&self.leaf, |step| &step.member)
    }

    /// Whether other endpoints alone presented any of it.
    pub(super) fn goes_by_others(&self) -> bool {
        self.borrowed().next().is_some()
    }

    /// What of it they alone presented, lowest first.
    pub(super) fn borrowed(&self) -> impl Iterator<Item = &Member> {
        let borrowed = |step: &&Step| step.source == Source::Pool;
        self.steps.iter().filter(borrowed).map(|step| &*step.member)
    }

    /// Whether they alone presented the last of it.
    pub(super) fn is_at_others(&self) -> bool {
        let last = self.steps.last();
        last.is_some_and(|step| step.source == Source::Pool)
    }
}
