use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "wildcard",
    title: "the certificate is for any name of a pattern",
    severity: Severity::Notice,
    citation: "RFC 9525 section 7.1",
    advice: "Know every place that holds its key: one stolen is all stolen. Where few \
        names are behind it, give each its own certificate.",
    note: Some(
        "A star anywhere in a host's name counts, also where clients take it for none \
        (`w*.example.com`, `a.*.example.com`).",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.leaf_alone(|facts| {
        let common_name = facts.subject.common_name.iter();
        let mut names: Vec<&String> = facts.alternative_names.iter().collect();
        if names.is_empty() {
            names.extend(common_name);
        }
        if names.is_empty() {
            return Verdict::NotApplicable;
        }
        names.retain(|name| is_wildcard(name));
        Verdict::unless((!names.is_empty()).then(|| format!("for {}", some_of(&names))))
    })
}

/// Whether it is a host's name with a star; no address of mail, URI or words.
fn is_wildcard(name: &str) -> bool {
    name.contains('*') && !name.contains(['@', '/', ':', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_counts_wherever_it_stands_in_a_hosts_name() {
        for name in ["*.example.com", "*", "w*.example.com", "a.*.example.com"] {
            assert!(is_wildcard(name), "{name}");
        }
        for name in [
            "www.example.com",
            "*@example.com",
            "https://example.com/*",
            "* Test CA *",
        ] {
            assert!(!is_wildcard(name), "{name}");
        }
    }
}
