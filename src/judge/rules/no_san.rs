use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "no-san",
    title: "the certificate has no alternative names",
    severity: Severity::Warning,
    citation: "RFC 9110 section 4.3.4; CA/Browser Forum Baseline Requirements \
        section 7.1.2.7.12",
    advice: "Reissue it with its names as subject alternative names. Clients have not \
        looked at the common name for years.",
    note: None,
    zlint: &["e_ext_san_missing"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.served_leaf(|facts| {
        let none = facts.alternative_names.is_empty();
        Verdict::unless(none.then(|| match &facts.subject.common_name {
            Some(name) => format!("only the common name says whose it is: {name}"),
            None => "nothing in it says whose it is".to_owned(),
        }))
    })
}
