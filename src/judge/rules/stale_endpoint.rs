use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "stale-endpoint",
    title: "the endpoint was not looked at for too long",
    severity: Severity::Warning,
    citation: "NIST SP 1800-16B section 5.1",
    advice: "What is said of it may no longer be so. Scan it again, and find out why \
        the scans left it out (certsweep report --of coverage).",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(last_checked) = case.evidence.place.and_then(|place| place.last_checked) else {
        return Verdict::NotApplicable;
    };
    let is_stale = case.now.since(last_checked) > case.limits.max_age;
    Verdict::unless(is_stale.then(|| format!("last looked at {last_checked}")))
}
