use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "eku-wrong",
    title: "a certificate of the chain says that it is not for servers",
    severity: Severity::Error,
    citation: "RFC 5280 section 4.2.1.12; CA/Browser Forum Baseline Requirements sections \
        7.1.2.7.10 and 7.1.2.10.6",
    advice: "Have it issued from a template for servers, with the extended key usage \
        serverAuth. Clients refuse this one. Where the finding names another than the leaf, \
        have the certificate issued below an intermediate that is for servers.",
    note: Some(
        "The leaf, and the intermediates above it; of the root nobody asks. OpenSSL \
        and rustls do not take anyExtendedKeyUsage for serverAuth, and the Baseline \
        Requirements forbid it.",
    ),
    zlint: &["e_sub_cert_eku_server_auth_client_auth_missing"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    if case.evidence.place.is_none() {
        return Verdict::NotApplicable;
    }
    case.each_relied_on(|member| {
        let is_leaf = member.position == Some(0);
        let is_intermediate = case.is_in_path(&member) && !case.is_root(&member);
        match &member.facts.extended_key_usage {
            Some(usages) if is_leaf || is_intermediate => {
                let wrong = !usages.iter().any(|usage| usage == "serverAuth");
                Verdict::unless(wrong.then(|| format!("only for {}", some_of(usages))))
            }
            _ => Verdict::NotApplicable,
        }
    })
}
