use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "chain-order",
    title: "the chain is not sent in its order",
    severity: Severity::Notice,
    citation: "RFC 5246 section 7.4.2; RFC 8446 section 4.4.2",
    advice: "Put the chain file in order: the leaf, then each certificate's issuer \
        after it. Old clients and appliances refuse any other.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let evidence = case.evidence;
    if evidence.chain.len() < 2 {
        return Verdict::NotApplicable;
    }
    let out_of_order = evidence.assessment.out_of_order;
    Verdict::unless(
        out_of_order.then(|| "a certificate does not certify the one before it".to_owned()),
    )
}
