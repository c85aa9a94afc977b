use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "eku-wrong",
    title: "the certificate says that it is not for servers",
    severity: Severity::Error,
    citation: "RFC 5280 section 4.2.1.12",
    advice: "Have it issued from a template for servers, with the extended key usage \
        serverAuth. Clients refuse this one.",
    note: None,
    zlint: &["e_sub_cert_eku_server_auth_client_auth_missing"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.served_leaf(|facts| {
        let Some(usages) = &facts.extended_key_usage else {
            return Verdict::NotApplicable;
        };
        let is_right = |usage: &String| usage == "serverAuth" || usage == "anyExtendedKeyUsage";
        let wrong = !usages.iter().any(is_right);
        Verdict::unless(wrong.then(|| format!("only for {}", some_of(usages))))
    })
}
