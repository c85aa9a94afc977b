use crate::domain::{Severity, counted};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "expired",
    title: "a certificate of the chain is over",
    severity: Severity::Critical,
    citation: "RFC 5280 section 4.1.2.5",
    advice: "Install a new certificate now: clients refuse this one. Where the finding \
        names another than the leaf, the server sends an old intermediate: replace \
        the chain file. Where it is a root of a trust store, have the certificate \
        issued below a current one.",
    note: Some(
        "The last second of validity is inside of it. A day that has begun counts, as in \
        `days_left`. The root counts as well, sent or not.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.each_relied_on(|member| match member.facts.not_after {
        None => Verdict::NotApplicable,
        Some(end) if case.now.is_past(end) => {
            let days = counted(-case.now.days_until(end), "day");
            Verdict::fail(format!("expired {days} ago, at {end}"))
        }
        Some(_) => Verdict::Pass,
    })
}
