//! When a check fails, when it warns, and when it can't tell.

use std::sync::Arc;

use super::*;
use crate::judge::Accepted;
use crate::report::tests::rows::endpoint;

fn state(terms: Terms, findings: Vec<Finding>) -> CheckState {
    let mut check = Check::new(terms);
    check.installation(&judged(findings));
    check.state()
}

#[test]
fn only_expiry_and_invalidity_fail_unless_a_severity_is_asked_for() {
    use Severity::{Critical, Error, Notice, Warning};
    let cases = [
        (vec![], CheckState::Ok, CheckState::Ok),
        (
            vec![finding("expired", Critical)],
            CheckState::Failed,
            CheckState::Failed,
        ),
        (
            vec![finding("expiring", Error)],
            CheckState::Failed,
            CheckState::Failed,
        ),
        (
            vec![finding("expiring", Warning)],
            CheckState::Warning,
            CheckState::Warning,
        ),
        (
            vec![finding("weak-key", Critical)],
            CheckState::Ok,
            CheckState::Failed,
        ),
        (
            vec![finding("wildcard", Notice)],
            CheckState::Ok,
            CheckState::Ok,
        ),
    ];
    for (findings, usual, everything) in cases {
        assert_eq!(state(terms(), findings.clone()), usual, "{findings:?}");
        let all = everything_from(Error);
        assert_eq!(state(all, findings.clone()), everything, "{findings:?}");
    }
    let notice = vec![finding("wildcard", Notice)];
    assert_eq!(state(everything_from(Notice), notice), CheckState::Failed);
}

#[test]
fn what_was_not_looked_at_or_not_judged_is_never_green() {
    assert_eq!(Check::new(terms()).state(), CheckState::Unknown);
    let mut unjudged = Check::new(terms());
    unjudged.installation(&judged(Vec::new()));
    unjudged.installation(&installation("x"));
    assert_eq!(unjudged.state(), CheckState::Unknown);
    assert!(check_text(&unjudged, &head()).contains("not judged: 1 of 2 installations"));
    unjudged.installation(&judged(vec![finding("expired", Severity::Critical)]));
    assert_eq!(unjudged.state(), CheckState::Failed);
    let mut left_out = Check::new(terms());
    left_out.left_out();
    assert_eq!(left_out.state(), CheckState::Ok);
}

#[test]
fn accepted_findings_do_not_count() {
    let mut row = judged(Vec::new());
    let accepted = Accepted {
        finding: finding("expired", Severity::Critical),
        owner: "web".to_owned(),
        reason: "retired".to_owned(),
        until: now(),
    };
    let judgement = Arc::make_mut(row.judgement.as_mut().unwrap());
    judgement.accepted.push(accepted);
    let mut check = Check::new(terms());
    check.installation(&row);
    assert_eq!(check.state(), CheckState::Ok);
    assert_eq!(check.counts().accepted, 1);
}

#[test]
fn only_what_was_first_seen_later_counts_and_nothing_new_is_green() {
    let mut row = judged(vec![finding("expired", Severity::Critical)]);
    row.first_seen = now();
    let since = |since| Terms {
        since: Some(since),
        ..terms()
    };
    let mut check = Check::new(since(now()));
    assert!(!check.installation(&row));
    assert_eq!(check.state(), CheckState::Ok);
    let before = Timestamp::from_micros(now().micros() - 1);
    let mut check = Check::new(since(before));
    assert!(check.installation(&row));
    assert_eq!(check.state(), CheckState::Failed);
}

#[test]
fn endpoints_are_overdue_from_the_first_moment_past_the_age() {
    let mut check = Check::new(terms());
    check.installation(&judged(Vec::new()));
    let mut row = endpoint("x");
    let limit = now().seconds() - 8 * 86_400;
    row.last_checked = Timestamp::from_seconds(limit);
    check.endpoint(&(&row).into(), check.terms().max_age);
    assert_eq!((check.counts().overdue, check.state()), (0, CheckState::Ok));
    row.last_checked = Timestamp::from_micros(limit * 1_000_000 - 1);
    check.endpoint(&(&row).into(), check.terms().max_age);
    assert_eq!(
        (check.counts().overdue, check.state()),
        (1, CheckState::Warning)
    );
    assert_eq!(check.counts().oldest_look, Some(row.last_checked));
    let mut strict = Check::new(everything_from(Severity::Warning));
    strict.installation(&judged(Vec::new()));
    strict.endpoint(&(&row).into(), strict.terms().max_age);
    assert_eq!(strict.state(), CheckState::Failed);
}

#[test]
fn an_endpoint_whose_look_lies_in_the_future_is_overdue() {
    let at = |seconds: i64| {
        let mut check = Check::new(everything_from(Severity::Warning));
        check.installation(&judged(Vec::new()));
        let mut row = endpoint("x");
        row.last_checked = Timestamp::from_seconds(now().seconds() + seconds);
        check.endpoint(&(&row).into(), check.terms().max_age);
        check
    };
    assert_eq!(
        at(300).state(),
        CheckState::Ok,
        "clocks are set back a little"
    );
    let check = at(301);
    assert_eq!(check.state(), CheckState::Failed);
    assert_eq!(
        (check.counts().overdue, check.counts().oldest_look),
        (1, None)
    );
    let told = "  FAILS  1 endpoint not looked at for 8d \
        (the latest look at 1 of them lies in the future)\n";
    let page = check_text(&check, &head());
    assert!(page.contains(told), "{page}");
    assert!(nagios(&check, &head()).contains("lies in the future)"));
    assert_eq!(
        check_document(&check, &head())["endpoints_looked_at_in_future"],
        1
    );
}
