use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "must-staple",
    title: "the certificate asks for a staple that the server does not send",
    severity: Severity::Error,
    citation: "RFC 7633 section 4",
    advice: "Turn OCSP stapling on in the server, or have the certificate issued without \
        the extension: clients that honour it refuse the connection.",
    note: None,
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let stapled = case.evidence.place.and_then(|place| place.stapled);
    case.served_leaf(|facts| match stapled {
        Some(stapled) if facts.must_staple => {
            Verdict::unless((!stapled).then(|| "no OCSP response was stapled".to_owned()))
        }
        Some(_) | None => Verdict::NotApplicable,
    })
}
