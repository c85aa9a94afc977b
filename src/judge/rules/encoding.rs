use super::some_of;
use crate::domain::Severity;
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "encoding",
    title: "a certificate is not encoded as it must be",
    severity: Severity::Warning,
    citation: "RFC 5280 section 4.1; ITU-T X.690",
    advice: "Report it to who issued the certificate. Strict clients refuse what \
        lenient ones read.",
    note: Some(
        "What is told stands after its field: bytes where nothing belongs, what can't be read, \
        lengths, numbers and truth values in another form than DER's, extensions that stand \
        twice, dates in another form than RFC 5280's, names beyond ASCII.",
    ),
    zlint: &["e_asn1_syntax", "e_cert_ext_invalid_der"],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    case.each(|member| {
        let faults = &member.facts.faults;
        Verdict::unless((!faults.is_empty()).then(|| some_of(faults)))
    })
}
