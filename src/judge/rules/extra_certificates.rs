use std::sync::Arc;

use super::some_of;
use crate::domain::{Severity, Trust, counted};
use crate::judge::{Case, Rule, Verdict};
use crate::x509::Certificate;

pub(super) static RULE: Rule = Rule {
    id: "extra-certificates",
    title: "the server sends certificates that the chain does not need",
    severity: Severity::Info,
    citation: "RFC 8446 section 4.4.2",
    advice: "Take them out of the chain file, unless old clients need them to reach a root \
        that they know. Clients should put up with them, but every handshake carries \
        them, and some old clients refuse such a chain.",
    note: Some(
        "By the path that was found: it may be one of several, and go round a \
        cross-signed authority that was sent.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let (chain, assessment) = (case.evidence.chain, case.evidence.assessment);
    if chain.len() < 2 {
        return Verdict::NotApplicable;
    }
    // What is needed is known where the path is, all the way to its end.
    let is_wrong = matches!(assessment.trust, Trust::Invalid | Trust::Unchecked);
    let is_known = assessment.root.is_some() && !is_wrong;
    let extra = is_known.then(|| told(chain, &assessment.extra, "not needed"));
    let duplicates = told(chain, &assessment.duplicates, "sent before");
    let lines: Vec<String> = extra.flatten().into_iter().chain(duplicates).collect();
    match lines.as_slice() {
        [] if !is_known => Verdict::NotApplicable,
        [] => Verdict::Pass,
        lines => Verdict::fail(lines.join("; ")),
    }
}

/// How many certificates stand at these positions, and whose they are.
fn told(chain: &[Arc<Certificate>], positions: &[usize], what: &str) -> Option<String> {
    let certificates = positions.iter().filter_map(|position| chain.get(*position));
    let names: Vec<&str> = certificates.map(|certificate| name(certificate)).collect();
    let count = counted(names.len(), "certificate");
    (!names.is_empty()).then(|| format!("{count} {what}: {}", some_of(&names)))
}

/// The common name, else all of the name.
fn name(certificate: &Certificate) -> &str {
    let Ok(facts) = &certificate.facts else {
        return "one that can't be read";
    };
    let subject = &facts.subject;
    let name = subject.common_name.as_ref();
    match name.unwrap_or(&subject.distinguished_name).as_str() {
        "" => "one without a name",
        name => name,
    }
}
