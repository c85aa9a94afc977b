use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "shared-key",
    title: "one key is on the hosts of different owners",
    severity: Severity::Warning,
    citation: "NIST SP 800-57 Part 1 Rev. 5 section 5.2; CA/Browser Forum Baseline \
        Requirements section 9.6.3",
    advice: "Decide whose the key is; everybody else gets one of their own. An \
        appliance's built-in key is the same in every box sold: replace it.",
    note: Some("Where the configuration says who owns what."),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let owners = &case.evidence.kin.owners_of_key;
    case.leaf_alone(|_| match owners.len() {
        0 => Verdict::NotApplicable,
        1 => Verdict::Pass,
        _ => Verdict::fail(format!("on hosts of {}", some_of(owners))),
    })
}
