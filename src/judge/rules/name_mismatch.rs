use super::some_of;
use crate::domain::Severity;
use crate::judge::case::Member;
use crate::judge::names::{self, NameMatch};
use crate::judge::{Case, PointerNames, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "name-mismatch",
    title: "the certificate is not for the name asked for",
    severity: Severity::Error,
    citation: "RFC 9525 section 6",
    advice: "Issue a certificate with this name among its alternative names, or find \
        out why the request reached another server (DNS, load balancer, default \
        site).",
    note: Some(
        "By the alternative names alone, as clients do. A bare address asks for no \
        name; its PTR name counts only if the policy says so (`pointer_names`).",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some((leaf, place)) = case.served() else {
        return Verdict::NotApplicable;
    };
    let pointer = match case.limits.pointer_names {
        PointerNames::Required => place.pointer.as_deref(),
        PointerNames::Ignored => None,
    };
    let names = place.server_name.as_deref().into_iter().chain(pointer);
    Verdict::all(names.map(|name| Verdict::unless(objection(leaf, name))))
        .about(leaf.certificate.fingerprint)
}

/// Why the leaf is not for the server name that was asked for, if it isn't.
pub(in crate::judge) fn objection_to_server_name(case: &Case<'_>) -> Option<String> {
    let (leaf, place) = case.served()?;
    objection(leaf, place.server_name.as_deref()?)
}

fn objection(leaf: Member<'_>, name: &str) -> Option<String> {
    match names::matches(leaf.certificate, name) {
        NameMatch::Matches => None,
        NameMatch::CommonNameOnly => Some(format!(
            "for {name} by its common name only, which clients no longer look at"
        )),
        NameMatch::Mismatch => {
            let names = some_of(&leaf.facts.alternative_names);
            Some(match names.as_str() {
                "" => format!("not for {name}"),
                names => format!("not for {name}, but for {names}"),
            })
        }
    }
}
