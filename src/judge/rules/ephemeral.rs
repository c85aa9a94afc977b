use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "ephemeral",
    title: "there is another certificate at every look",
    severity: Severity::Info,
    citation: "certsweep's own",
    advice: "The server makes a certificate for each connection or each start, so nobody can \
        recognise it by one: give it a lasting certificate. Until then the inventory keeps the \
        last few, and they are no events.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.evidence.place.is_none() {
        return Verdict::NotApplicable;
    }
    let is_ephemeral = case.evidence.past.is_ephemeral;
    Verdict::unless(is_ephemeral.then(|| "one of the last few seen there".to_owned()))
}
