use crate::domain::{HybridGroup, Severity, TlsVersion};
use crate::judge::{Case, Place, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "not-pq-ready",
    title: "the endpoint agrees to no post-quantum key exchange",
    severity: Severity::Info,
    citation: "NIST IR 8547; FIPS 203",
    advice: "Nothing is wrong today. Plan for TLS 1.3 with X25519MLKEM768 where what is \
        sent must stay secret for years.",
    note: Some(
        "Where it was asked: the profile `thorough` offers TLS 1.3 by itself, without \
        which there are no such groups, and then hybrid groups alone. After one of \
        `gentle` it is found of servers that took TLS 1.2 with TLS 1.3 on offer.",
    ),
    zlint: &[],
    check,
};

fn check(case: &Case<'_>) -> Verdict {
    let Some(place) = case.evidence.place else {
        return Verdict::NotApplicable;
    };
    // What it agreed to when it was another server is over.
    if lacks_tls_1_3(place) {
        return Verdict::fail("it does not speak TLS 1.3, and no older version has hybrid groups");
    }
    match place.hybrid_group {
        Some(HybridGroup::Agreed(_)) => Verdict::Pass,
        Some(HybridGroup::Refused) => Verdict::fail("it refused every hybrid group"),
        None => Verdict::NotApplicable,
    }
}

/// Whether TLS 1.3 was offered, in vain, and nothing says that it is spoken.
fn lacks_tls_1_3(place: &Place) -> bool {
    const NEWEST: TlsVersion = TlsVersion::TLS_1_3;
    let is_older = place.tls_version.is_some_and(|version| version < NEWEST);
    let was_offered = place.offered.is_some_and(|set| set.contains(NEWEST));
    let is_refused = place.refused.contains(&NEWEST) || was_offered;
    is_older && is_refused && !place.versions.contains(&NEWEST)
}
