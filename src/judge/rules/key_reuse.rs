use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "key-reuse",
    title: "the same key is in other certificates",
    severity: Severity::Notice,
    citation: "NIST SP 800-57 Part 1 Rev. 5 section 5.2",
    advice: "Make a key for each certificate. Until then, whoever takes one place over \
        can answer for the others: replace all of them together if one leaks.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.leaf_alone(|facts| {
        if facts.public_key.spki.is_none() {
            return Verdict::NotApplicable;
        }
        let others = &case.evidence.kin.same_key;
        Verdict::unless((!others.is_empty()).then(|| format!("also in {}", some_of(others))))
    })
}
