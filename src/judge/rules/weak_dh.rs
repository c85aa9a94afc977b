use crate::domain::{KeyExchange, Severity};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "weak-dh",
    title: "the Diffie-Hellman prime is too small",
    severity: Severity::Error,
    citation: "RFC 9325 section 4.5; RFC 7919",
    advice: "Configure ffdhe2048 or larger (RFC 7919), or turn DHE off and leave ECDHE.",
    note: Some("Where the connection that brought the certificate used DHE."),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let least = case.limits.dh_bits;
    match case.evidence.place.and_then(|place| place.key_exchange) {
        Some(KeyExchange::Dhe { bits }) => {
            let weak = bits < least;
            Verdict::unless(weak.then(|| format!("{bits} bits, fewer than {least}")))
        }
        Some(
            KeyExchange::Group(_)
            | KeyExchange::ExplicitCurve
            | KeyExchange::Rsa
            | KeyExchange::StaticDh,
        )
        | None => Verdict::NotApplicable,
    }
}
