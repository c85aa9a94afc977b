use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "wildcard",
    title: "the certificate is for every name below a domain",
    severity: Severity::Notice,
    citation: "RFC 9525 section 7.1",
    advice: "Know every place that holds its key: one stolen is all stolen. Where few \
        names are behind it, give each its own certificate.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.leaf_alone(|facts| {
        let common_name = facts.subject.common_name.iter();
        let mut names: Vec<&String> = facts.alternative_names.iter().collect();
        if names.is_empty() {
            names.extend(common_name);
        }
        if names.is_empty() {
            return Verdict::NotApplicable;
        }
        names.retain(|name| name.starts_with("*."));
        Verdict::unless((!names.is_empty()).then(|| format!("for {}", some_of(&names))))
    })
}
