mod forms;
mod places;
mod state;

use super::super::tests::rows::installation;
use super::*;
use crate::domain::{Fingerprint, Trust};
use crate::judge::{Judgement, Limits};
use crate::report::{Head, StatedStore};

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// With a trust store in a file of a hostile name.
fn head() -> Head {
    let store = StatedStore {
        name: "roots|\u{1b}[2J\"\n.pem".to_owned(),
        roots: 3,
        hash: Fingerprint::of(b"roots"),
    };
    Head {
        trust_stores: vec![store],
        settings: vec![("Oldest look".to_owned(), "8d".to_owned())],
        ..Head::at(now())
    }
}

fn terms() -> Terms {
    Terms {
        fail_on: Severity::Error,
        failing: Failing::ExpiryAndInvalidity,
        max_age: Duration::from_hours(8 * 24),
        overdue_fails: false,
        since: None,
        now: now(),
    }
}

fn finding(rule: &'static str, severity: Severity) -> Finding {
    Finding {
        rule,
        severity,
        detail: format!("about {rule}"),
        certificate: None,
    }
}

fn judged(findings: Vec<Finding>) -> Installation {
    let mut row = installation("x");
    let judgement = Judgement {
        trust: Trust::Trusted,
        trust_reason: String::new(),
        trusted_by: Vec::new(),
        root: None,
        unsent_not_after: None,
        findings,
        accepted: Vec::new(),
        owner: None,
        tags: Vec::new(),
        is_one_of_many: false,
        max_age: Limits::default().max_age,
    };
    row.judgement = Some(judgement.into());
    row
}

fn everything_from(fail_on: Severity) -> Terms {
    Terms {
        fail_on,
        failing: Failing::Everything,
        ..terms()
    }
}
