use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "key-unchanged",
    title: "the renewal kept the key",
    severity: Severity::Notice,
    citation: "NIST SP 800-57 Part 1 Rev. 5 section 5.3.6",
    advice: "Make a new key at the next renewal: most clients do so if told to \
        (certbot's --reuse-key off). A key kept for years is stolen once for all \
        of them.",
    note: Some(
        "A renewal keeps subject, key usage, extended key usage and names: all of up \
        to four, half of more.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(predecessor) = &case.evidence.past.predecessor else {
        return Verdict::NotApplicable;
    };
    case.leaf_alone(|facts| {
        let before = predecessor.facts.as_ref().ok();
        match (
            facts.public_key.spki,
            before.and_then(|before| before.public_key.spki),
        ) {
            (Some(now), Some(before)) => {
                let kept = now == before;
                Verdict::unless(kept.then(|| format!("the key of {}", predecessor.fingerprint)))
            }
            _ => Verdict::NotApplicable,
        }
    })
}
