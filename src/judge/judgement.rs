use std::time::Duration;

use crate::domain::{Severity, Timestamp, Trust, weight_of};

use super::Finding;

/// What is to be said of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether its chain is trusted, its name considered.
    pub trust: Trust,
    /// Why, in words.
    pub trust_reason: String,
    /// The stores that trust it, by name.
    pub trusted_by: Vec<String>,
    /// The subject of the root that its path ends in, RFC 4514.
    pub root: Option<String>,
    /// The earliest end of the certificates that its path rests on and that
    /// were not sent.
    pub unsent_not_after: Option<Timestamp>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// What is wrong and accepted, worst first: it does not count.
    pub accepted: Vec<Accepted>,
    /// Who owns it, by the configuration.
    pub owner: Option<String>,
    /// Its tags, by the configuration.
    pub tags: Vec<String>,
    /// Whether its certificate is on so many ports of its host that they count
    /// as one.
    pub is_one_of_many: bool,
    /// How old the last look at it may be.
    pub max_age: Duration,
}

/// A finding that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The finding.
    pub finding: Finding,
    /// Who accepted it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

impl Judgement {
    /// The severity of its worst finding; accepted ones do not count.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let accepted = self.accepted.iter().map(|accepted| &accepted.finding);
        let findings = self.findings.iter().chain(accepted);
        size_of::<Self>()
            + weight_of(findings.map(|finding| &finding.detail))
            + weight_of(std::iter::once(&self.trust_reason).chain(&self.root))
            + weight_of(self.trusted_by.iter().chain(&self.tags))
    }
}
