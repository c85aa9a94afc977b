use crate::domain::{Severity, Trust};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "untrusted",
    title: "the chain ends in a root that no store holds",
    severity: Severity::Error,
    citation: "RFC 5280 section 6.1.1",
    advice: "If it is your own CA, give its root with --trust-store and to the clients. \
        If nobody knows it, find out who installed it.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let assessment = case.evidence.assessment;
    match assessment.trust {
        Trust::UntrustedRoot => Verdict::fail(assessment.reason.clone()),
        Trust::Invalid | Trust::SelfSigned | Trust::IncompleteChain | Trust::Unchecked => {
            Verdict::NotApplicable
        }
        Trust::Expired | Trust::NameMismatch | Trust::Trusted => Verdict::Pass,
    }
}
