//! Answers that agree and answers that differ.

use super::*;

#[test]
fn the_same_answer_again_touches_no_interval() {
    let mut question = Question::new();
    question.answer(answer(1, 1), moment(2, 20));
    assert_eq!(question.changed(), 0);
    assert!(question.history.look_changed);
    assert_eq!(question.history.changed_failures().count(), 0);
    assert_eq!(question.history.look.answered, moment(2, 20));
}

#[test]
fn another_certificate_ends_the_interval_when_it_was_last_seen() {
    let mut question = Question::new();
    question.fail(OutcomeKind::Filtered, moment(2, 20));
    question.answer(answer(2, 2), moment(3, 30));
    let [before, after] = &question.history.intervals[..] else {
        panic!("two intervals");
    };
    let seen = before.seen.clone().unwrap();
    assert_eq!((seen.last, seen.answer), (moment(1, 0), 1));
    assert_eq!(seen.session.cipher_suite, "by 1");
    assert_eq!(before.ended.unwrap().at, moment(3, 30));
    assert_eq!((after.certificate, after.previous), (2, Some(1)));
    assert_eq!(question.tell(), ["1 new replaced", "2 replaced current"]);
}

#[test]
fn one_that_it_renews_is_told_from_another() {
    let mut question = Question::new();
    question.relatives = relatives(&[(1, "a", 0, 90), (2, "a", 60, 150), (3, "b", 0, 90)]);
    question.days(61, [2, 3]);
    assert_eq!(
        question.tell(),
        ["1 new replaced", "2 renewed replaced", "3 replaced current"]
    );
}

#[test]
fn another_chain_keeps_the_predecessor_and_is_a_change() {
    let mut question = Question::new();
    question.answer(answer(2, 2), moment(2, 20));
    question.answer(answer(2, 3), moment(3, 30));
    let [.., current] = &question.history.intervals[..] else {
        panic!("intervals");
    };
    assert_eq!((current.chain, current.previous), (3, Some(1)));
    assert_eq!(
        question.tell(),
        ["1 new replaced", "2 replaced replaced", "2 changed current"]
    );
}

#[test]
fn a_server_that_begins_to_ask_for_client_certificates_has_changed() {
    let asking = |auth: Option<&str>, version: &str| {
        let mut asking = answer(1, 1);
        Arc::make_mut(&mut asking.session).client_auth = auth.map(str::to_owned);
        version.clone_into(&mut Arc::make_mut(&mut asking.session).tls_version);
        asking
    };
    let cases = [
        (asking(Some("requested"), "TLSv1.2"), 2),
        // In another version it may ask for them otherwise.
        (asking(Some("requested"), "TLSv1.3"), 1),
        (asking(None, "TLSv1.2"), 1),
        (asking(Some("none"), "TLSv1.2"), 1),
    ];
    for (other, intervals) in cases {
        let mut question = Question::new();
        question.answer(other, moment(2, 20));
        assert_eq!(question.history.intervals.len(), intervals);
    }
    let mut question = Question::answered_with(asking(Some("requested"), "TLSv1.2"));
    question.answer(asking(Some("required"), "TLSv1.2"), moment(2, 20));
    assert_eq!(question.tell(), ["1 new current"]);
}

#[test]
fn a_broken_off_flight_says_nothing_against_the_chain() {
    let mut question = Question::new();
    question.answer(broken_off(answer(1, 9)), moment(2, 20));
    assert_eq!(question.changed(), 0);
    assert_eq!(question.history.intervals[0].chain, 1);
}

#[test]
fn a_whole_flight_completes_the_chain_of_one_that_broke_off() {
    let mut question = Question::answered_with(broken_off(answer(1, 1)));
    question.answer(answer(1, 2), moment(2, 20));
    let [interval] = &question.history.intervals[..] else {
        panic!("one interval");
    };
    assert_eq!((interval.chain, interval.changed), (2, true));
    // It is whole now: another one is another.
    question.store();
    question.answer(broken_off(answer(1, 1)), moment(3, 30));
    assert_eq!(question.changed(), 0);
    question.answer(answer(1, 3), moment(4, 40));
    assert_eq!(question.tell(), ["1 new replaced", "1 changed current"]);
}
