use crate::domain::{HybridGroup, Severity};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "not-pq-ready",
    title: "the endpoint agrees to no post-quantum key exchange",
    severity: Severity::Info,
    citation: "NIST IR 8547; FIPS 203",
    advice: "Nothing is wrong today. Plan for TLS 1.3 with X25519MLKEM768 where what is \
        sent must stay secret for years.",
    note: Some("Where it was asked: the profile `thorough` offers hybrid groups alone."),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match case.evidence.place.and_then(|place| place.hybrid_group) {
        Some(HybridGroup::Agreed(_)) => Verdict::Pass,
        Some(HybridGroup::Refused) => Verdict::fail("it refused every hybrid group"),
        None => Verdict::NotApplicable,
    }
}
