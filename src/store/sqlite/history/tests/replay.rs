//! What was stored before, and clocks and orders that should not matter.

use super::*;

#[test]
fn what_was_stored_before_changes_nothing() {
    let mut question = Question::new();
    question.answer(answer(2, 2), moment(2, 20));
    question.answer(answer(1, 1), moment(3, 30));
    question.fail(OutcomeKind::Filtered, moment(4, 40));
    question.fail(OutcomeKind::Refused, moment(4, 50));
    question.store();
    let known = question.history.clone();
    for _ in 0..2 {
        question.answer(answer(1, 1), moment(1, 0));
        question.answer(answer(2, 2), moment(2, 20));
        question.answer(answer(1, 1), moment(3, 30));
        question.fail(OutcomeKind::Filtered, moment(4, 40));
        question.fail(OutcomeKind::Refused, moment(4, 50));
    }
    assert_eq!(question.history, known);
}

#[test]
fn a_later_scan_counts_though_the_clock_was_set_back() {
    let mut question = Question::new();
    question.answer(answer(2, 2), moment(2, -1_000));
    assert_eq!(question.current(), [2]);
    question.fail(OutcomeKind::Refused, moment(3, -2_000));
    assert_eq!(question.current(), [] as [i64; 0]);
    question.fail(OutcomeKind::Refused, moment(4, -3_000));
    assert_eq!(question.tell()[1], "2 replaced missing");
}

#[test]
fn within_a_scan_the_best_outcome_stands() {
    let mut question = Question::new();
    question.fail(OutcomeKind::TlsRefused, moment(1, 20));
    assert_eq!(question.history.look.outcome, OutcomeKind::Certificate);
    assert_eq!(question.history.look.asked, moment(1, 20));
    assert_eq!(question.tell(), ["1 new current"]);
    question.fail(OutcomeKind::TlsRefused, moment(2, 30));
    assert_eq!(question.history.look.outcome, OutcomeKind::TlsRefused);
    assert_eq!(question.history.look.answered, moment(1, 0));
}
