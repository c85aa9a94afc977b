use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "not-yet-valid",
    title: "a certificate of the chain has not begun",
    severity: Severity::Critical,
    citation: "RFC 5280 section 4.1.2.5",
    advice: "Check the clocks of the server and of this machine first. If both are right, \
        install a certificate that is valid now.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.each_relied_on(|member| match member.facts.not_before {
        None => Verdict::NotApplicable,
        Some(start) if case.now < start => Verdict::fail(format!("not valid before {start}")),
        Some(_) => Verdict::Pass,
    })
}
