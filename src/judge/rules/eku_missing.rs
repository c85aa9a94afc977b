use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "eku-missing",
    title: "the certificate does not say that it is for servers",
    severity: Severity::Notice,
    citation: "CA/Browser Forum Baseline Requirements section 7.1.2.7.10; RFC 5280 section \
        4.2.1.12",
    advice: "Have it issued with the extended key usage serverAuth: some clients insist on it.",
    note: None,
    zlint: &["e_sub_cert_eku_missing"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.served_leaf(|facts| {
        let missing = facts.extended_key_usage.is_none();
        Verdict::unless(missing.then(|| "no extended key usage".to_owned()))
    })
}
