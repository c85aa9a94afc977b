use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "ca-as-leaf",
    title: "a CA certificate serves as a server's",
    severity: Severity::Warning,
    citation: "CA/Browser Forum Baseline Requirements section 7.1.2.7.8; RFC 5280 section 4.2.1.9",
    advice: "Issue a server certificate without the CA bit. Whoever takes this server \
        over can sign certificates that everybody accepts who trusts it.",
    note: None,
    zlint: &["e_sub_cert_not_is_ca"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.served_leaf(|facts| {
        let is_ca = facts.is_ca == Some(true);
        Verdict::unless(is_ca.then(|| "its basic constraints say CA".to_owned()))
    })
}
