use crate::domain::{KeyExchange, Severity};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "no-forward-secrecy",
    title: "who gets the key can read what was recorded",
    severity: Severity::Warning,
    citation: "RFC 9325 section 4.1",
    advice: "Turn on ECDHE suites and put them first; turn off those with RSA key \
        transport and static Diffie-Hellman.",
    note: Some(
        "Of the connection that brought the certificate: the server chose this with \
        better on offer.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    match case.evidence.place.and_then(|place| place.key_exchange) {
        Some(KeyExchange::Rsa) => Verdict::fail("RSA key transport"),
        Some(KeyExchange::StaticDh) => Verdict::fail("static Diffie-Hellman"),
        Some(KeyExchange::Group(_) | KeyExchange::ExplicitCurve | KeyExchange::Dhe { .. }) => {
            Verdict::Pass
        }
        None => Verdict::NotApplicable,
    }
}
