//! A check → one JSON document.

use serde_json::{Value, json};

use super::{Check, Failing, Line};
use crate::report::Head;

/// The document: numbers as numbers, times RFC 3339.
#[must_use]
pub fn document(check: &Check, head: &Head) -> Value {
    let (counts, terms) = (check.counts(), check.terms());
    let by_severity = counts.by_severity.iter();
    let by_severity = by_severity.map(|(severity, count)| (severity.to_string(), (*count).into()));
    let findings: Vec<_> = counts
        .by_finding
        .iter()
        .map(|((rule, severity), count)| {
            json!({"finding": rule, "severity": severity.as_str(), "installations": count})
        })
        .collect();
    let last_scan = check.last_scan().map(|scan| {
        json!({
            "id": scan.id.number(),
            "started_at": scan.started_at.to_string(),
            "finished_at": scan.finished_at.map(|at| at.to_string()),
            "state": scan.state.as_str(),
        })
    });
    let stores = head.trust_stores.iter().map(ToString::to_string);
    json!({
        "schema": 1,
        "type": "check",
        "tool": head.tool,
        "now": head.now.to_string(),
        "trust_stores": stores.collect::<Vec<_>>(),
        "settings": head.stated_settings().collect::<Vec<_>>(),
        "state": check.state().as_str(),
        "fail_on": terms.fail_on.as_str(),
        "fails_on_every_finding": terms.failing == Failing::Everything,
        "since": terms.since.map(|since| since.to_string()),
        "installations": counts.installations,
        "failing": counts.failing,
        "warning": counts.warning,
        "accepted": counts.accepted,
        "unjudged": counts.unjudged,
        "by_severity": by_severity.collect::<serde_json::Map<_, _>>(),
        "findings": findings,
        "endpoints": counts.endpoints,
        "endpoints_overdue": counts.overdue,
        "endpoints_looked_at_in_future": counts.ahead,
        "max_age_seconds": terms.max_age.as_secs(),
        "oldest_look": counts.oldest_look.map(|at| at.to_string()),
        "last_scan": last_scan,
        "worst": check.worst().iter().map(line).collect::<Vec<_>>(),
    })
}

fn line(line: &Line) -> Value {
    json!({
        "fails": line.fails,
        "severity": line.severity.as_str(),
        "finding": line.rule,
        "detail": line.detail,
        "other_findings": line.others,
        "place": line.place,
        "subject": line.subject,
        "sha256": line.sha256.to_string(),
        "chain_not_after": line.chain_ends.map(|ends| ends.to_string()),
        "earliest_end": line.ends.map(|ends| ends.to_string()),
    })
}
