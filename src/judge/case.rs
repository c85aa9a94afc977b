use std::sync::Arc;

use crate::domain::Timestamp;
use crate::x509::{Certificate, Facts};

use super::{Evidence, Limits, Place, Unsent, Verdict};

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

/// One certificate of a chain that could be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// Its position in the chain: the leaf's is 0.
    pub(super) position: usize,
    pub(super) certificate: &'a Certificate,
    pub(super) facts: &'a Facts,
}

/// When a certificate is valid; `None` where that can't be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
}

/// Seconds of a day, as RFC 5280 and the Baseline Requirements count them.
pub(super) const DAY: i64 = 86_400;

impl<'a> Case<'a> {
    /// The leaf, where it could be read.
    pub(super) fn leaf(&self) -> Option<Member<'a>> {
        self.members().find(|member| member.position == 0)
    }

    /// The leaf and where a server shows it. An import is no server's, and
    /// what is asked of those is not asked of it.
    pub(super) fn served(&self) -> Option<(Member<'a>, &'a Place)> {
        Some((self.leaf()?, self.evidence.place?))
    }

    /// Judges every certificate of the chain that could be read. Of another
    /// than the leaf, the subject's name stands before what is wrong.
    pub(super) fn each(&self, check: impl Fn(Member<'a>) -> Verdict) -> Verdict {
        Verdict::all(self.members().map(|member| {
            let verdict = check(member).about(member.certificate.fingerprint);
            match member.position {
                0 => verdict,
                _ => verdict.named(&member.facts.subject.distinguished_name),
            }
        }))
    }

    /// Judges the validity of every certificate of the chain that could be
    /// read, and of each that its path rests on without being sent.
    pub(super) fn each_validity(&self, check: impl Fn(Validity) -> Verdict) -> Verdict {
        let sent = self.each(|member| check(Validity::of(member.facts)));
        let unsent = self.evidence.assessment.unsent.iter().map(|unsent| {
            let verdict = check(Validity::of_unsent(unsent));
            verdict.about(unsent.fingerprint).named(&unsent.subject)
        });
        Verdict::all(std::iter::once(sent).chain(unsent))
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

    fn members(&self) -> impl Iterator<Item = Member<'a>> {
        let chain: &'a [Arc<Certificate>] = self.evidence.chain;
        chain.iter().enumerate().filter_map(|(position, it)| {
            Some(Member {
                position,
                certificate: it,
                facts: it.facts.as_ref().ok()?,
            })
        })
    }
}

impl Validity {
    fn of(facts: &Facts) -> Self {
        Self {
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }

    fn of_unsent(unsent: &Unsent) -> Self {
        Self {
            not_before: unsent.not_before,
            not_after: unsent.not_after,
        }
    }
}
