use crate::domain::{Severity, counted};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "renewal-incomplete",
    title: "the successor is in use elsewhere, but not here",
    severity: Severity::Warning,
    citation: "NIST SP 1800-16B section 5.1",
    advice: "Install the new certificate here too, and reload the service: a file that \
        was replaced is often not read again.",
    note: Some(
        "A successor is what took its place somewhere, of the same subject, usages \
        and names (half of more than four), as far as certsweep saw that. It is also \
        found where nobody saw it, once the old one is within 30 days of its end (the \
        last quarter of a shorter lifetime), or over: then it began later, ends later \
        and is not that near its end; both have alternative names, and are signed by \
        others. Before that, hosts with a certificate each are taken for what they are.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.evidence.place.is_none() {
        return Verdict::NotApplicable;
    }
    case.leaf_alone(|facts| {
        let successor = case.evidence.kin.successor;
        Verdict::unless(successor.map(|successor| match facts.not_after {
            Some(end) => {
                let days = counted(case.now.days_until(end), "day");
                format!("{days} left; its successor is {successor}")
            }
            None => format!("its successor is {successor}"),
        }))
    })
}
