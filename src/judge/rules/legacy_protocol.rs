use super::some_of;
use crate::domain::{Severity, TlsVersion};
use crate::judge::{Case, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "legacy-protocol",
    title: "the endpoint accepts a protocol that is forbidden",
    severity: Severity::Error,
    citation: "RFC 6176; RFC 7568; RFC 8996",
    advice: "Turn SSLv2, SSLv3, TLS 1.0 and 1.1 off in the server; TLS 1.2 has been \
        there since 2008. Where a device can do no better, accept the finding with \
        a date.",
    note: Some(
        "The profile `thorough` asks for each version; otherwise only the one that \
        the certificate came by is known, and a pass says little.",
    ),
    zlint: &[],
    check,
};

const FORBIDDEN: [TlsVersion; 4] = [
    TlsVersion::SSL_2,
    TlsVersion::SSL_3,
    TlsVersion::TLS_1_0,
    TlsVersion::TLS_1_1,
];

fn check(case: &Case<'_>) -> Verdict {
    let Some(place) = case.evidence.place else {
        return Verdict::NotApplicable;
    };
    let is_known =
        |version| place.tls_version == Some(version) || place.versions.contains(&version);
    if place.tls_version.is_none() && place.versions.is_empty() {
        return Verdict::NotApplicable;
    }
    let accepted: Vec<TlsVersion> = FORBIDDEN.into_iter().filter(|it| is_known(*it)).collect();
    Verdict::unless((!accepted.is_empty()).then(|| format!("accepts {}", some_of(&accepted))))
}
