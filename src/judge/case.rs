use std::sync::Arc;

use crate::domain::Timestamp;
use crate::x509::{Certificate, Facts};

use super::{Evidence, KeyFaults, Limits, Place, Verdict};

/// One installation as the rules see it: what is known, by which limits and
/// when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is known.
    pub evidence: &'a Evidence<'a>,
    /// The limits that hold for it.
    pub limits: &'a Limits,
    /// Its tags.
    pub tags: &'a [String],
    /// The moment to judge by.
    pub now: Timestamp,
}

/// One certificate of a chain, or of its path, that could be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// Its position in the chain: the leaf's is 0. `None` where it was not
    /// sent.
    pub(super) position: Option<usize>,
    pub(super) certificate: &'a Certificate,
    pub(super) facts: &'a Facts,
    /// What is wrong with the numbers of its key.
    pub(super) key_faults: KeyFaults,
}

/// Seconds of a day, as RFC 5280 and the Baseline Requirements count them.
pub(super) const DAY: i64 = 86_400;

impl<'a> Case<'a> {
    /// The leaf, where it could be read.
    pub(super) fn leaf(&self) -> Option<Member<'a>> {
        self.members().find(|member| member.position == Some(0))
    }

    /// The leaf and where a server shows it. An import is no server's, and
    /// what is asked of those is not asked of it.
    pub(super) fn served(&self) -> Option<(Member<'a>, &'a Place)> {
        Some((self.leaf()?, self.evidence.place?))
    }

    /// Judges every certificate of the chain that could be read. Of another
    /// than the leaf, the subject's name stands before what is wrong.
    pub(super) fn each(&self, check: impl Fn(Member<'a>) -> Verdict) -> Verdict {
        Verdict::all(self.members().map(|member| member.judged(&check)))
    }

    /// The same, and of each certificate that the path rests on without its
    /// being sent.
    pub(super) fn each_relied_on(&self, check: impl Fn(Member<'a>) -> Verdict) -> Verdict {
        let members = self.members().chain(self.unsent());
        Verdict::all(members.map(|member| member.judged(&check)))
    }

    /// Judges the leaf.
    pub(super) fn leaf_alone(&self, check: impl Fn(&'a Facts) -> Verdict) -> Verdict {
        self.leaf().map_or(Verdict::NotApplicable, |leaf| {
            check(leaf.facts).about(leaf.certificate.fingerprint)
        })
    }

    /// Judges the leaf of a server.
    pub(super) fn served_leaf(&self, check: impl Fn(&'a Facts) -> Verdict) -> Verdict {
        match self.evidence.place {
            Some(_) => self.leaf_alone(check),
            None => Verdict::NotApplicable,
        }
    }

    /// Whether the path ends in it.
    pub(super) fn is_root(&self, member: &Member<'_>) -> bool {
        let root = self.evidence.assessment.root.as_ref();
        root.is_some_and(|root| root.fingerprint == member.certificate.fingerprint)
    }

    /// Whether the path leads over it.
    pub(super) fn is_in_path(&self, member: &Member<'_>) -> bool {
        let path = &self.evidence.assessment.path;
        member
            .position
            .is_none_or(|position| path.contains(&position))
    }

    fn members(&self) -> impl Iterator<Item = Member<'a>> {
        let chain: &'a [Arc<Certificate>] = self.evidence.chain;
        chain.iter().enumerate().filter_map(|(position, it)| {
            let key_faults = self.evidence.key_faults.get(position);
            Some(Member {
                position: Some(position),
                certificate: it,
                facts: it.facts.as_ref().ok()?,
                key_faults: key_faults.copied().unwrap_or_default(),
            })
        })
    }

    fn unsent(&self) -> impl Iterator<Item = Member<'a>> {
        let unsent = self.evidence.assessment.unsent.iter();
        unsent.filter_map(|unsent| {
            Some(Member {
                position: None,
                certificate: &unsent.certificate,
                facts: unsent.certificate.facts.as_ref().ok()?,
                key_faults: unsent.key_faults,
            })
        })
    }
}

impl Member<'_> {
    fn judged(self, check: impl Fn(Self) -> Verdict) -> Verdict {
        let verdict = check(self).about(self.certificate.fingerprint);
        match self.position {
            Some(0) => verdict,
            _ => verdict.named(&self.facts.subject.distinguished_name),
        }
    }
}
