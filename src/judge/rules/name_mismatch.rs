use super::some_of;
use crate::domain::Severity;
use crate::judge::case::Member;
use crate::judge::{Case, PointerNames, Rule, Verdict};
use crate::x509::{self, NameMatch};

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
        name; its PTR name counts only if the policy says so (`pointer_names`). Where \
        a server does not know a target's name (unrecognized_name) and was asked \
        without one instead, what it shows should be for that name; `trust` goes by \
        the name that was sent alone.",
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
    let asked_for = names.map(|name| Verdict::unless(objection(leaf, name)));
    let declined = of_declined(leaf, &place.declined_names);
    Verdict::all(asked_for.chain([declined])).about(leaf.certificate.fingerprint)
}

/// Why the leaf is not for the server name that was asked for, if it isn't.
pub(in crate::judge) fn objection_to_server_name(case: &Case<'_>) -> Option<String> {
    let (leaf, place) = case.served()?;
    objection(leaf, place.server_name.as_deref()?)
}

/// One flaw for all of them: a forgotten host may have very many names.
fn of_declined(leaf: Member<'_>, names: &[String]) -> Verdict {
    if names.is_empty() {
        return Verdict::NotApplicable;
    }
    let matches = |name: &str| x509::name_match(leaf.certificate, name) == NameMatch::Matches;
    let others: Vec<_> = names.iter().filter(|name| !matches(name)).collect();
    let objection = || {
        let (others, names) = (some_of(&others), but_for(leaf));
        format!("not for {others}, which the server does not know{names}")
    };
    Verdict::unless((!others.is_empty()).then(objection))
}

fn objection(leaf: Member<'_>, name: &str) -> Option<String> {
    match x509::name_match(leaf.certificate, name) {
        NameMatch::Matches => None,
        NameMatch::CommonNameOnly => Some(format!(
            "for {name} by its common name only, which clients no longer look at"
        )),
        NameMatch::Mismatch => Some(format!("not for {name}{}", but_for(leaf))),
    }
}

/// `, but for www.example.com`, where it is for anything.
fn but_for(leaf: Member<'_>) -> String {
    match some_of(&leaf.facts.alternative_names).as_str() {
        "" => String::new(),
        names => format!(", but for {names}"),
    }
}
