use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};
use crate::x509::Staple;

pub(super) static RULE: Rule = Rule {
    id: "must-staple",
    title: "the certificate asks for a staple that the server does not send",
    severity: Severity::Error,
    citation: "RFC 7633 section 4; RFC 6066 section 8; RFC 6960 section 4.2.1",
    advice: "Turn OCSP stapling on in the server, or have the certificate issued without \
        the extension: clients that honour it refuse the connection.",
    note: Some(
        "What a response says of which certificate is not looked at, but an error \
        without a status is none.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let staple = case.evidence.place.and_then(|place| place.staple);
    case.served_leaf(|facts| match staple {
        Some(staple) if facts.must_staple => Verdict::unless(wanting(staple).map(str::to_owned)),
        Some(_) | None => Verdict::NotApplicable,
    })
}

/// What is wrong with a staple.
fn wanting(staple: Staple) -> Option<&'static str> {
    match staple {
        Staple::Missing => Some("no OCSP response was stapled"),
        Staple::Empty => Some("the staple is empty"),
        Staple::NoResponse => Some("what was stapled is no OCSP response"),
        Staple::Error => Some("the OCSP response that was stapled is an error without a status"),
        Staple::Response => None,
    }
}
