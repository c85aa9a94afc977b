use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{Timestamp, Trust};

use super::policy::{Acceptance, Policy, RuleSetting};
use super::rules::{ALL, many_ports, name_mismatch};
use super::selector::Traits;
use super::{Accepted, Assessment, Case, Evidence, Finding, Judgement, Rule, Verdict};

/// What judges installations by a policy.
///
/// A judgement depends on nothing but its arguments and the policy; what the
/// judge remembers is only which acceptances were ever of use.
#[derive(Debug, Default)]
pub struct Judge {
    policy: Policy,
    /// How many findings each acceptance matched, those included that it no
    /// longer holds for.
    matches: Vec<AtomicU64>,
}

impl Judge {
    /// A judge by this policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let matches = policy.acceptances.iter().map(|_| AtomicU64::new(0));
        Self {
            matches: matches.collect(),
            policy,
        }
    }

    /// What it judges by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Judges one installation as of `now`.
    #[must_use]
    pub fn judge(&self, evidence: &Evidence<'_>, now: Timestamp) -> Judgement {
        let traits = Traits::of(evidence);
        let owner = self.policy.owner(&traits);
        let limits = self.policy.limits(&traits);
        let case = Case {
            evidence,
            limits: &limits,
            tags: owner.map_or(&[], |owner| &owner.tags),
            now,
        };
        let mut findings = Vec::new();
        let mut accepted = Vec::new();
        for finding in ALL.iter().flat_map(|rule| self.look(rule, &case, &traits)) {
            match self.acceptance(&finding, &traits, now) {
                Some(acceptance) => accepted.push(acceptance.of(finding)),
                None => findings.push(finding),
            }
        }
        // Stable: of one severity, in the order of the rules and the chain.
        findings.sort_by_key(|finding| Reverse(finding.severity));
        accepted.sort_by_key(|accepted| Reverse(accepted.finding.severity));
        let (trust, trust_reason) = trust(&case);
        let Assessment {
            trusted_by, root, ..
        } = evidence.assessment;
        Judgement {
            trust,
            trust_reason,
            trusted_by: trusted_by.clone(),
            root: root
                .as_ref()
                .map(|root| root.name.distinguished_name.clone()),
            unsent_not_after: evidence.assessment.unsent_not_after(),
            findings,
            accepted,
            owner: owner.map(|owner| owner.owner.clone()),
            tags: case.tags.to_vec(),
            is_one_of_many: many_ports::holds(&case),
            max_age: limits.max_age,
        }
    }

    /// Who owns an installation, by the policy.
    #[must_use]
    pub fn owner(&self, evidence: &Evidence<'_>) -> Option<&str> {
        let owner = self.policy.owner(&Traits::of(evidence));
        owner.map(|owner| owner.owner.as_str())
    }

    /// The acceptances that no finding matched yet.
    #[must_use]
    pub fn unmatched(&self) -> Vec<&Acceptance> {
        let entries = self.policy.acceptances.iter().zip(&self.matches);
        let unmatched = entries.filter(|(_, matches)| matches.load(Ordering::Relaxed) == 0);
        unmatched.map(|(acceptance, _)| acceptance).collect()
    }

    fn look(&self, rule: &'static Rule, case: &Case<'_>, traits: &Traits<'_>) -> Vec<Finding> {
        let severity = match self.policy.setting(rule.id, traits) {
            RuleSetting::Off => return Vec::new(),
            RuleSetting::On => None,
            RuleSetting::Severity(severity) => Some(severity),
        };
        let Verdict::Fail(flaws) = (rule.check)(case) else {
            return Vec::new();
        };
        let findings = flaws.into_iter().map(|flaw| Finding {
            rule: rule.id,
            severity: severity.or(flaw.severity).unwrap_or(rule.severity),
            detail: flaw.detail,
            certificate: flaw.certificate,
        });
        findings.collect()
    }

    /// The first acceptance that matches a finding and still holds.
    fn acceptance(
        &self,
        finding: &Finding,
        traits: &Traits<'_>,
        now: Timestamp,
    ) -> Option<&Acceptance> {
        let mut first = None;
        for (acceptance, matches) in self.policy.acceptances.iter().zip(&self.matches) {
            if acceptance.finding == finding.rule && acceptance.selector.matches(traits) {
                matches.fetch_add(1, Ordering::Relaxed);
                if now < acceptance.until {
                    first = first.or(Some(acceptance));
                }
            }
        }
        first
    }
}

impl Acceptance {
    fn of(&self, finding: Finding) -> Accepted {
        Accepted {
            finding,
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            until: self.until,
        }
    }
}

/// The verdict on the chain, and, where that is good, on the name asked for.
fn trust(case: &Case<'_>) -> (Trust, String) {
    let assessment = case.evidence.assessment;
    let objection = match assessment.trust {
        Trust::Trusted => name_mismatch::objection_to_server_name(case),
        _ => None,
    };
    match objection {
        Some(objection) => (Trust::NameMismatch, objection),
        None => (assessment.trust, assessment.reason.clone()),
    }
}
