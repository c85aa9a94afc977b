use crate::domain::{Severity, Trust};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "incomplete-chain",
    title: "what is sent leads to no root",
    severity: Severity::Error,
    citation: "RFC 5246 section 7.4.2; RFC 8446 section 4.4.2",
    advice: "Add the missing intermediate to the server's chain file, after the leaf. \
        Browsers that have it cached hide the fault; other clients fail. If the \
        issuer is a root of your own, give it with --trust-store.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let assessment = case.evidence.assessment;
    match assessment.trust {
        Trust::IncompleteChain => Verdict::fail(match &assessment.missing_intermediate {
            None => assessment.reason.clone(),
            Some(fix) => format!("{}: {fix}", assessment.reason),
        }),
        Trust::Invalid | Trust::SelfSigned | Trust::Unchecked => Verdict::NotApplicable,
        Trust::UntrustedRoot | Trust::Expired | Trust::NameMismatch | Trust::Trusted => {
            Verdict::Pass
        }
    }
}
