use crate::domain::{Severity, Trust};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "self-signed",
    title: "nobody but itself vouches for the certificate",
    severity: Severity::Warning,
    citation: "RFC 5280 section 3.2",
    advice: "If it is an appliance's own certificate, replace it by one of your CA, or \
        add it to the trust store (--trust-store) once you checked its fingerprint \
        on the appliance.",
    note: Some(
        "By its own signature, which is checked, and not by its names. One that is \
        in a trust store is not found.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let assessment = case.evidence.assessment;
    match assessment.trust {
        Trust::SelfSigned => Verdict::fail(assessment.reason.clone()),
        Trust::Invalid | Trust::Unchecked => Verdict::NotApplicable,
        Trust::UntrustedRoot
        | Trust::IncompleteChain
        | Trust::Expired
        | Trust::NameMismatch
        | Trust::Trusted => Verdict::Pass,
    }
}
