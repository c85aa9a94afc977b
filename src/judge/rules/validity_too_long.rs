use crate::domain::{Severity, Timestamp};
use crate::judge::case::DAY;
use crate::judge::{Case, Rule, Verdict};
use crate::x509::Facts;

pub(super) static RULE: Rule = Rule {
    id: "validity-too-long",
    title: "the certificate is valid for longer than public CAs may issue",
    severity: Severity::Error,
    citation: "CA/Browser Forum Baseline Requirements section 6.3.2",
    advice: "Browsers refuse it. Have it reissued for the time allowed, and automate \
        its renewal: the limit falls to 47 days in 2029.",
    note: Some(
        "825 days from 2018-03-01, 398 from 2020-09-01, 200 from 2026-03-15, 100 \
        from 2027-03-15, 47 from 2029-03-15, by the beginning of its validity; \
        only below one of Mozilla's roots, and only for servers: neither for CAs nor \
        where the extended key usage leaves serverAuth out.",
    ),
    zlint: &[
        "e_sub_cert_valid_time_longer_than_825_days",
        "e_tls_server_cert_valid_time_longer_than_398_days",
    ],
    check,
};

/// From which day of issue on how many days are allowed: ballots 193, SC31
/// and SC-081v3. Before the first, the limit was in months.
const LIMITS: [(Timestamp, i64); 5] = [
    (Timestamp::from_seconds(1_868_227_200), 47), // 2029-03-15
    (Timestamp::from_seconds(1_805_068_800), 100), // 2027-03-15
    (Timestamp::from_seconds(1_773_532_800), 200), // 2026-03-15
    (Timestamp::from_seconds(1_598_918_400), 398), // 2020-09-01
    (Timestamp::from_seconds(1_519_862_400), 825), // 2018-03-01
];

fn check(case: &Case<'_>) -> Verdict {
    if !case.evidence.assessment.publicly_trusted {
        return Verdict::NotApplicable;
    }
    case.leaf_alone(|facts| match (facts.not_before, facts.not_after) {
        (Some(start), Some(end)) if is_for_servers(facts) => judge(start, end),
        _ => Verdict::NotApplicable,
    })
}

/// Section 6.3.2 speaks of subscribers' certificates for TLS alone.
fn is_for_servers(facts: &Facts) -> bool {
    let serves = |usage: &String| usage == "serverAuth" || usage == "anyExtendedKeyUsage";
    let usages = facts.extended_key_usage.as_ref();
    facts.is_ca != Some(true) && usages.is_none_or(|usages| usages.iter().any(serves))
}

fn judge(start: Timestamp, end: Timestamp) -> Verdict {
    let mut limits = LIMITS.iter();
    let Some((_, days)) = limits.find(|(since, _)| start >= *since) else {
        return Verdict::NotApplicable;
    };
    // The second that it ends with is inside (section 6.3.2).
    let seconds = end
        .seconds()
        .saturating_sub(start.seconds())
        .saturating_add(1);
    let too_long = seconds > days * DAY;
    Verdict::unless(too_long.then(|| {
        let valid = seconds.div_euclid(DAY) + i64::from(seconds.rem_euclid(DAY) != 0);
        format!("valid for {valid} days, issued when {days} were allowed")
    }))
}
