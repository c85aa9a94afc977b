use std::time::Duration;

use crate::domain::{Severity, counted};
use crate::judge::case::DAY;
use crate::judge::{Case, Lead, Rule, Verdict};

pub(super) static RULE: Rule = Rule {
    id: "expiring",
    title: "a certificate of the chain ends soon",
    severity: Severity::Warning,
    citation: "NIST SP 1800-16B section 5.1",
    advice: "Renew it before the day named, and check that every place that shows it \
        got the new one (certsweep show lists them). Automate it if this keeps \
        coming.",
    note: Some(
        "A warning 30 days before the end, an error 7 days and critical 3 days \
        before it; the policy gives other days, or per cent of the lifetime. Of a \
        certificate made for 100 days or less the warning comes when a quarter of \
        its lifetime is left, if that is later; before the warning it is nothing. \
        On port 5696 and with the tag `kmip` it is always 30, 7 and 3 days.",
    ),
    zlint: &[],
    check,
};

/// What holds for KMIP, whatever the lifetime and the policy: key managers
/// lock storage out when they fail, and their certificates are changed by
/// hand, on both sides.
const KMIP: [Lead; 3] = [Lead::Days(30), Lead::Days(7), Lead::Days(3)];

/// Up to this lifetime a quarter of it may be the warning, in days.
const SHORT_LIFETIME: i64 = 100;

/// What the lifetime counts as where its beginning can't be read, in days.
const UNREADABLE_LIFETIME: i64 = 365;

fn check(case: &Case<'_>) -> Verdict {
    case.each_relied_on(|member| {
        let end = member.facts.not_after;
        let Some(end) = end.filter(|end| !case.now.is_past(*end)) else {
            return Verdict::NotApplicable;
        };
        let lifetime = match member.facts.not_before {
            Some(start) => end.seconds().saturating_sub(start.seconds()).max(0),
            None => UNREADABLE_LIFETIME * DAY,
        };
        match severity(case, end.since(case.now), lifetime) {
            None => Verdict::Pass,
            Some(severity) => {
                let days = counted(case.now.days_until(end), "day");
                Verdict::fail_at(severity, format!("ends in {days}, at {end}"))
            }
        }
    })
}

/// How much it matters that so much time is left of a lifetime in seconds.
fn severity(case: &Case<'_>, left: Duration, lifetime: i64) -> Option<Severity> {
    let limits = case.limits;
    let [warning, error, critical] = if is_kmip(case) {
        KMIP.map(|lead| seconds(lead, lifetime))
    } else {
        let leads = [
            limits.expiring_warning,
            limits.expiring_error,
            limits.expiring_critical,
        ];
        let [warning, error, critical] = leads.map(|lead| seconds(lead, lifetime));
        // Whoever wants an error earlier than a warning gets it.
        let first = warning.max(error).max(critical);
        [shortened(first, lifetime), error, critical]
    };
    let is_within = |lead: u64| left <= Duration::from_secs(lead);
    if !is_within(warning) {
        None
    } else if is_within(critical) {
        Some(Severity::Critical)
    } else if is_within(error) {
        Some(Severity::Error)
    } else {
        Some(Severity::Warning)
    }
}

fn is_kmip(case: &Case<'_>) -> bool {
    let port = case.evidence.place.map(|place| place.port.number());
    port == Some(5696) || case.tags.iter().any(|tag| tag == "kmip")
}

fn seconds(lead: Lead, lifetime: i64) -> u64 {
    let seconds = match lead {
        Lead::Days(days) => i64::from(days) * DAY,
        Lead::PerCent(per_cent) => lifetime.saturating_mul(per_cent.into()) / 100,
    };
    seconds.unsigned_abs()
}

/// The warning for a short lifetime: 30 days before the end of 47 would be
/// most of them.
fn shortened(warning: u64, lifetime: i64) -> u64 {
    if lifetime <= SHORT_LIFETIME * DAY {
        warning.min(lifetime.unsigned_abs() / 4)
    } else {
        warning
    }
}
