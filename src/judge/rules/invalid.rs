use crate::domain::{Severity, Trust};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "invalid",
    title: "a certificate can't be read, or a signature is wrong",
    severity: Severity::Critical,
    citation: "RFC 5280 sections 4.1 and 6.1.3",
    advice: "Look at what the server really sends (certsweep probe). A damaged file or a \
        wrong chain file is the usual cause; if neither is, somebody else may be \
        answering.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let unread = Verdict::all(case.evidence.chain.iter().map(|certificate| {
        let fault = certificate.facts.as_ref().err();
        Verdict::unless(fault.map(ToString::to_string)).about(certificate.fingerprint)
    }));
    let assessment = case.evidence.assessment;
    match (unread, assessment.trust) {
        (unread @ Verdict::Fail(_), _) => unread,
        (_, Trust::Invalid) => Verdict::fail(assessment.reason.clone()),
        (_, Trust::Unchecked) => Verdict::NotApplicable,
        (unread, _) => unread,
    }
}
