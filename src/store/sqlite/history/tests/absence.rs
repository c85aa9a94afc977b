//! Looks that found nothing: missing, gone, back again.

use proptest::prelude::{prop_assert_eq, proptest};

use super::*;
use crate::domain::{Outcome, Phase};
use crate::store::sqlite::absence::Failures;
use crate::store::sqlite::interval::End;

#[test]
fn an_answer_of_the_host_is_enough_to_be_missing_and_six_days_later_gone() {
    for outcome in [
        OutcomeKind::Refused,
        OutcomeKind::TlsRefused,
        OutcomeKind::NoCertificate,
        OutcomeKind::NotTls,
    ] {
        for (later, state) in [(6 * DAY - 1, "missing"), (6 * DAY, "gone")] {
            let mut question = Question::new();
            question.fail(outcome, moment(2, DAY));
            assert_eq!(question.tell(), ["1 new missing"], "{outcome}");
            question.store();
            question.fail(outcome, moment(3, DAY + later));
            assert_eq!(question.tell(), [format!("1 new {state}")], "{outcome}");
        }
    }
}

#[test]
fn a_host_that_is_not_reached_is_missing_after_three_looks_in_two_scans() {
    for outcome in [
        OutcomeKind::Filtered,
        OutcomeKind::Unreachable,
        OutcomeKind::Silent,
        OutcomeKind::Broken,
    ] {
        let missing_after = |scans: [i64; 4]| {
            let mut question = Question::new();
            let looks = scans.into_iter().zip(1..);
            let mut states = looks.map(|(scan, look)| {
                question.fail(outcome, moment(scan, 10 * look));
                question.store();
                question.current().is_empty()
            });
            states.position(|missing| missing).map(|looks| looks + 1)
        };
        assert_eq!(missing_after([2, 2, 3, 3]), Some(3), "{outcome}");
        assert_eq!(missing_after([2, 3, 4, 5]), Some(3), "{outcome}");
        assert_eq!(missing_after([2, 2, 2, 3]), Some(4), "{outcome}");
        assert_eq!(missing_after([2, 2, 2, 2]), None, "one scan is not enough");
    }
}

#[test]
fn it_takes_the_same_evidence_again_to_be_gone() {
    let mut question = Question::new();
    for (scan, day) in [(2, 1), (3, 2), (4, 3)] {
        question.fail(OutcomeKind::Filtered, moment(scan, day * DAY));
    }
    assert_eq!(question.tell(), ["1 new missing"]);
    for (scan, day, state) in [(5, 10, "missing"), (6, 11, "missing"), (7, 12, "gone")] {
        question.store();
        question.fail(OutcomeKind::Filtered, moment(scan, day * DAY));
        assert_eq!(question.tell(), [format!("1 new {state}")], "day {day}");
    }
    // Enough before the six days are over counts on the first look after them.
    for (last, state) in [(9 * DAY - 1, "missing"), (9 * DAY, "gone")] {
        let mut question = Question::new();
        for day in 1..=8 {
            question.fail(OutcomeKind::Filtered, moment(day + 1, day * DAY));
        }
        question.fail(OutcomeKind::Filtered, moment(20, last));
        assert_eq!(question.tell(), [format!("1 new {state}")]);
    }
}

#[test]
fn an_answer_begins_the_count_of_failed_looks_anew() {
    let mut question = Question::new();
    for scan in 1..20 {
        let at = scan * DAY;
        question.fail(OutcomeKind::Filtered, moment(3 * scan, at));
        question.fail(OutcomeKind::Filtered, moment(3 * scan + 1, at + 1));
        question.answer(answer(1, 1), moment(3 * scan + 2, at + 2));
        question.store();
    }
    assert_eq!(question.tell(), ["1 new current"]);
}

#[test]
fn what_says_nothing_makes_nothing_missing() {
    for outcome in [
        OutcomeKind::Unresolved,
        OutcomeKind::Excluded,
        OutcomeKind::Fresh,
        OutcomeKind::NotAttempted,
        OutcomeKind::LocalError,
    ] {
        let mut question = Question::new();
        for scan in 2..9 {
            question.fail(outcome, moment(scan, scan * DAY));
        }
        assert_eq!(question.tell(), ["1 new current"], "{outcome}");
        assert_eq!(question.history.changed_failures().count(), 0);
    }
}

#[test]
fn what_comes_back_has_returned_in_an_interval_of_its_own() {
    let mut question = Question::new();
    question.fail(OutcomeKind::Refused, moment(2, DAY));
    question.store();
    question.answer(answer(1, 1), moment(3, 2 * DAY));
    assert_eq!(question.tell(), ["1 new replaced", "1 returned current"]);
    let [before, after] = &question.history.intervals[..] else {
        panic!("two intervals");
    };
    assert_eq!(before.missing, Some(moment(2, DAY)));
    assert_eq!(before.seen.as_ref().unwrap().last, moment(1, 0));
    assert_eq!((after.first, after.previous), (moment(3, 2 * DAY), None));
    question.store();

    question.fail(OutcomeKind::Refused, moment(4, 3 * DAY));
    question.store();
    question.fail(OutcomeKind::Refused, moment(5, 9 * DAY));
    assert_eq!(question.tell(), ["1 returned gone"]);
    question.store();
    question.answer(answer(1, 1), moment(6, 10 * DAY));
    assert_eq!(question.tell(), ["1 returned gone", "1 returned current"]);
}

#[test]
fn another_certificate_takes_the_place_of_one_that_is_missing_and_not_of_one_gone() {
    let mut question = Question::new();
    question.fail(OutcomeKind::Refused, moment(2, DAY));
    question.answer(answer(2, 2), moment(3, 2 * DAY));
    assert_eq!(question.tell(), ["1 new replaced", "2 replaced current"]);

    for (of_other, began, previous) in [("b", "new", None), ("a", "renewed", Some(1))] {
        let mut question = Question::new();
        question.relatives = relatives(&[(1, "a", 0, 90), (2, of_other, 60, 150)]);
        question.fail(OutcomeKind::Refused, moment(2, DAY));
        question.fail(OutcomeKind::Refused, moment(3, 7 * DAY));
        question.answer(answer(2, 2), moment(4, 8 * DAY));
        assert_eq!(
            question.tell(),
            ["1 new gone".to_owned(), format!("2 {began} current")]
        );
        assert_eq!(question.history.intervals[1].previous, previous);
    }
}

#[test]
fn what_an_answer_disproves_in_the_same_scan_never_was() {
    let mut question = Question::new();
    question.fail(OutcomeKind::Refused, moment(2, DAY));
    question.store();
    question.answer(answer(1, 1), moment(2, DAY + 1));
    assert_eq!(question.tell(), ["1 new current"]);
    assert_eq!(question.history.intervals[0].missing, None);
    question.fail(OutcomeKind::Refused, moment(2, DAY + 2));
    assert_eq!(question.tell(), ["1 new current"]);

    let mut question = Question::new();
    question.fail(OutcomeKind::Refused, moment(2, DAY));
    question.fail(OutcomeKind::Refused, moment(3, 7 * DAY));
    question.answer(answer(1, 1), moment(3, 7 * DAY + 1));
    assert_eq!(question.tell(), ["1 new replaced", "1 returned current"]);
}

/// Gone on day 7, and others from day 8 on.
fn gone_and_then(others: impl IntoIterator<Item = i64>) -> Question {
    let mut question = Question::new();
    for (scan, day) in [(2, 1), (3, 7)] {
        question.fail(OutcomeKind::Refused, moment(scan, day * DAY));
        question.store();
    }
    question.days(8, others);
    question
}

#[test]
fn what_comes_back_after_it_was_gone_ends_what_was_there_for_long() {
    let mut question = gone_and_then([2; 4]);
    question.days(20, [1]);
    let told = ["1 new gone", "2 new replaced", "1 returned current"];
    assert_eq!(question.tell(), told);
    assert_eq!(question.history.intervals.last().unwrap().previous, Some(2));
    // They take turns after all.
    question.days(21, [2]);
    let told = ["1 returned current", "2 alternating current"];
    assert_eq!(question.tell(), told);
}

#[test]
fn what_comes_back_after_it_was_gone_may_take_turns_with_what_was_there_shortly() {
    let mut question = gone_and_then([2; 3]);
    question.days(20, [1]);
    assert_eq!(question.tell(), ["2 new current", "1 returned current"]);
}

#[test]
fn what_comes_back_after_it_was_gone_ends_nothing_that_the_same_scan_saw() {
    let mut question = gone_and_then([2; 6]);
    for (second, certificate) in [(0, 2), (1, 1)] {
        let seen = moment(20, 20 * DAY + second);
        question.answer(answer(certificate, certificate), seen);
    }
    question.store();
    assert_eq!(question.current(), [2, 1]);
}

#[test]
fn those_that_took_turns_and_were_gone_together_take_turns_again() {
    let mut question = Question::new();
    question.days(2, [2, 1, 2, 1, 2]);
    for (scan, day) in [(20, 20), (21, 27)] {
        question.fail(OutcomeKind::Refused, moment(scan, day * DAY));
        question.store();
    }
    assert_eq!(question.current(), [] as [i64; 0]);
    question.days(28, [1, 2, 1, 1, 2]);
    assert_eq!(
        question.tell(),
        ["1 returned current", "2 returned current"]
    );
}

#[test]
fn what_others_took_turns_without_ends_nothing_when_it_takes_its_turn_again() {
    let mut question = Question::new();
    question.days(2, [2, 1, 2, 2, 2, 2, 2, 2]);
    assert_eq!(question.tell().last().unwrap(), "1 alternating gone");
    question.days(20, [1]);
    assert_eq!(question.current(), [2, 1]);
}

/// Looks that say something of what came by TLS 1.2, by TLS 1.3, of both in one
/// way or two, or of neither.
pub(super) fn failed_looks() -> Vec<FailedLook> {
    const LOST: OutcomeKind = OutcomeKind::Silent;
    const HEARD: OutcomeKind = OutcomeKind::TlsRefused;
    let silent = || Outcome::Silent(Phase::Hello);
    vec![
        failed_look(&[("tls1.3", LOST)], silent()),
        failed_look(&[("tls1.3", HEARD)], refused()),
        failed_look(&[("tls1.2", LOST)], silent()),
        failed_look(&[("tls1.2", HEARD)], refused()),
        failed_look(&[("tls1.2", HEARD), ("tls1.3", LOST)], refused()),
        failed_look(&[("tls1.2", LOST), ("tls1.3", HEARD)], refused()),
        FailedLook::unconnected(OutcomeKind::Filtered),
        FailedLook::unconnected(OutcomeKind::Refused),
        FailedLook::unconnected(OutcomeKind::NotAttempted),
    ]
}

fn answer_by(version: &str, certificate: i64) -> Answer {
    let mut answer = answer(certificate, certificate);
    version.clone_into(&mut Arc::make_mut(&mut answer.session).tls_version);
    answer
}

/// What is counted against a certificate, and where that has led.
fn standing(question: &Question, certificate: i64) -> (Failures, Option<Moment>, Option<End>) {
    let mut intervals = question.history.intervals.iter();
    let interval = intervals.find(|it| it.certificate == certificate).unwrap();
    (interval.failures, interval.missing, interval.ended)
}

proptest! {
    #[test]
    fn a_look_that_says_nothing_of_a_certificate_counts_nothing_against_it(
        looks in proptest::collection::vec((0_usize..9, 0_i64..2, 1_i64..4), 1..24),
    ) {
        let kinds = failed_looks();
        // Each at a question of its own, and both at one.
        let one = answer_by("TLSv1.2", 1);
        let two = answer_by("TLSv1.3", 2);
        let mut alone = [Question::answered_with(one.clone()), Question::answered_with(two.clone())];
        let mut beside = Question::answered_with(one);
        beside.answer(two, moment(1, 1));
        beside.store();
        let (mut scan, mut at) = (1, 0);
        for (kind, next_scan, days) in looks {
            scan += next_scan + i64::from(scan == 1);
            at += days * DAY;
            let moment = moment(scan, at);
            let known = [1, 2].map(|certificate| standing(&beside, certificate));
            for question in alone.iter_mut().chain([&mut beside]) {
                question.history.unanswered(OutcomeKind::Silent, &kinds[kind], moment);
                question.store();
            }
            for (certificate, version) in [(1, "TLSv1.2"), (2, "TLSv1.3")] {
                let session = answer_by(version, certificate).session;
                let place = usize::from(certificate == 2);
                let stands = standing(&beside, certificate);
                prop_assert_eq!(stands, standing(&alone[place], certificate));
                if kinds[kind].says_of(&session).is_none() {
                    prop_assert_eq!(stands, known[place]);
                }
            }
        }
    }
}
