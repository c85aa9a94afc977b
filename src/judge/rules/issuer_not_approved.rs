use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};
use crate::x509::Name;

pub(super) static RULE: Rule = Rule {
    id: "issuer-not-approved",
    title: "the issuer is not one of those approved",
    severity: Severity::Warning,
    citation: "NIST SP 1800-16B section 5.1",
    advice: "Ask its owner why it does not come from an approved CA, and have it \
        reissued by one, or approve the issuer (approved_issuers).",
    note: Some(
        "By name alone, the issuer's or the root's, the common name or all of it; \
        whether the chain deserves it is for the rules of trust.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let approved = &case.limits.approved_issuers;
    if approved.is_empty() {
        return Verdict::NotApplicable;
    }
    let root = case.evidence.assessment.root.as_ref();
    case.leaf_alone(|facts| {
        let issuer = &facts.issuer;
        let names = std::iter::once(issuer).chain(root.map(|root| &root.name));
        let mut texts = names.flat_map(Name::texts);
        let is_approved = texts.any(|text| approved.iter().any(|it| it.matches(text)));
        Verdict::unless((!is_approved).then(|| issuer.distinguished_name.clone()))
    })
}
