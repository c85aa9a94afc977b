use crate::domain::{Severity, Trust};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "unchecked",
    title: "whether the chain is to be trusted could not be checked",
    severity: Severity::Warning,
    citation: "RFC 5280 section 6.1.3",
    advice: "Nothing is known to be wrong, and nothing vouches for it. Check the chain with a \
        client that knows its algorithms; have a certificate reissued whose signature few can \
        verify, or whose chain has no end.",
    note: Some(
        "Signatures by algorithms, parameters or keys that this program has no verifier for, \
        limits on names that it can't compare, and chains with more ways up than its budget.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let assessment = case.evidence.assessment;
    match assessment.trust {
        Trust::Unchecked => Verdict::fail(assessment.reason.clone()),
        Trust::Invalid => Verdict::NotApplicable,
        Trust::SelfSigned
        | Trust::UntrustedRoot
        | Trust::IncompleteChain
        | Trust::Expired
        | Trust::NameMismatch
        | Trust::Trusted => Verdict::Pass,
    }
}
