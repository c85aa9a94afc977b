//! Certificates that take turns at one question.

use super::*;

#[test]
fn a_certificate_that_comes_back_within_three_looks_alternates() {
    for (others, began) in [
        (1, "alternating"),
        (2, "alternating"),
        (3, "alternating"),
        (4, "returned"),
    ] {
        let mut question = Question::new();
        question.days(2, vec![2; others]);
        assert_eq!(question.tell(), ["1 new replaced", "2 replaced current"]);
        question.days(9, [1]);
        let last = question.tell().pop();
        assert_eq!(last, Some(format!("1 {began} current")), "{others}");
        let both = began == "alternating";
        assert_eq!(question.current().len(), if both { 2 } else { 1 });
    }
}

#[test]
fn those_that_alternate_make_no_intervals() {
    for members in 2..=4 {
        let mut question = Question::new();
        question.days(2, (0..40).map(|look| look % members + 1));
        let intervals = question.next;
        question.days(50, (0..400).map(|look| look % members + 1));
        assert_eq!(question.next, intervals, "{members}");
        let mut current = question.current();
        current.sort_unstable();
        assert_eq!(current, (1..=members).collect::<Vec<_>>());
        assert_eq!(question.history.look.restless, 0);
    }
}

#[test]
fn chance_makes_few_intervals() {
    // A linear congruential generator: the same chance in every run.
    let mut state = 7_u64;
    let mut chance = |members: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from((state >> 33) % members + 1).unwrap()
    };
    for (members, most) in [(2, 12), (3, 20), (8, 60)] {
        let mut question = Question::new();
        question.days(2, (0..2_000).map(|_| chance(members)));
        assert!(question.next <= most, "{} of {members}", question.next);
        let intervals = question.next;
        question.days(3_000, (0..2_000).map(|_| chance(members)));
        assert!(
            question.next <= intervals + 6,
            "{} of {members}",
            question.next
        );
    }
}

#[test]
fn what_alternated_and_stays_away_is_gone() {
    let mut question = Question::new();
    question.days(2, [2, 1, 2, 2, 2]);
    assert_eq!(question.current().len(), 2);
    question.days(7, [2]);
    let told = question.tell();
    assert_eq!(told.last().unwrap(), "1 alternating gone");
    // It came back after four looks: it is given twice as many.
    question.days(8, [1, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(question.current().len(), 2);
    question.days(17, [2]);
    assert_eq!(question.current(), [2]);
}

#[test]
fn what_alternates_is_missing_and_comes_back_one_by_one() {
    let mut question = Question::new();
    question.days(2, [2, 1]);
    question.fail(OutcomeKind::Refused, moment(4, 4 * DAY));
    assert_eq!(question.current(), [] as [i64; 0]);
    question.store();
    question.days(5, [1]);
    assert_eq!(question.current(), [1]);
    question.days(6, [2]);
    assert_eq!(question.current(), [1, 2]);
}

#[test]
fn chains_may_alternate_too() {
    let mut question = Question::new();
    for scan in 2..100 {
        question.answer(answer(1, scan % 2), moment(scan, scan * DAY));
        question.store();
    }
    assert_eq!(
        question.tell(),
        ["1 changed current", "1 alternating current"]
    );
    assert_eq!(question.next, 4);
}

#[test]
fn a_chain_that_comes_back_late_is_another_change() {
    let mut question = Question::new();
    for (scan, chain) in (2..).zip([2, 2, 2, 2, 2, 1]) {
        question.answer(answer(1, chain), moment(scan, scan * DAY));
        question.store();
    }
    assert_eq!(question.tell(), ["1 changed replaced", "1 changed current"]);
}

#[test]
fn a_certificate_of_each_look_leaves_a_bounded_number_of_intervals() {
    let mut question = Question::new();
    question.days(2, 2..200);
    assert_eq!(question.history.intervals.len(), MOST_ENDED + 1);
    let told = question.tell();
    assert!(told.iter().all(|line| line.contains("unsaid")), "{told:?}");
    // The first ones were events, and have been kept.
    question.answer(answer(300, 300), moment(300, 300 * DAY));
    assert_eq!(question.history.forgotten.len(), 1);
    // When it settles, what happens is an event again.
    question.days(301, vec![300; 20]);
    question.days(330, [400]);
    assert_eq!(question.tell().last().unwrap(), "400 replaced current");
}

#[test]
fn renewals_that_are_due_are_events_however_rare_the_looks() {
    let mut question = Question::new();
    let certificates: Vec<_> = (1..=30)
        .map(|number| (number, "a", number * 30 - 45, number * 30))
        .collect();
    question.relatives = relatives(&certificates);
    for number in 2..=30 {
        let at = moment(number, (number * 30 - 30) * DAY);
        question.answer(answer(number, number), at);
        question.store();
    }
    assert!(question.tell().iter().all(|line| line.contains("renewed")));
}

#[test]
fn two_that_one_scan_sees_take_turns_from_the_first_scan_on() {
    let mut question = Question::new();
    for scan in 1..=5 {
        for certificate in [1, 2] {
            let seen = moment(scan, scan * DAY + certificate);
            question.answer(answer(certificate, certificate), seen);
        }
        question.store();
        assert_eq!(question.current(), [1, 2], "after scan {scan}");
    }
    assert_eq!(question.tell(), ["1 new current", "2 alternating current"]);
    // One of them is taken away.
    question.days(6, [2, 2, 2, 2]);
    assert_eq!(question.tell(), ["1 new gone", "2 alternating current"]);
}

#[test]
fn what_comes_back_late_ends_nothing_that_the_same_scan_saw() {
    for (seen, current) in [(&[2, 1][..], &[2, 1][..]), (&[1], &[1])] {
        let mut question = Question::new();
        question.days(2, [2; 6]);
        for (second, certificate) in (0..).zip(seen) {
            let seen = moment(20, 20 * DAY + second);
            question.answer(answer(*certificate, *certificate), seen);
        }
        assert_eq!(question.current(), current);
        let began = if seen.len() == 2 {
            "alternating"
        } else {
            "returned"
        };
        let last = question.tell().pop();
        assert_eq!(last, Some(format!("1 {began} current")));
    }
}

#[test]
fn what_a_scan_did_not_see_itself_is_replaced() {
    let mut question = Question::new();
    question.fail(OutcomeKind::Filtered, moment(2, 2 * DAY));
    question.answer(answer(2, 2), moment(2, 2 * DAY + 1));
    assert_eq!(question.tell(), ["1 new replaced", "2 replaced current"]);
}

#[test]
fn a_fresh_certificate_at_each_of_several_looks_of_a_scan_stays_bounded() {
    let mut question = Question::new();
    for look in 2..200 {
        question.answer(answer(look, look), moment(look / 3, look * DAY));
        question.store();
        let count = question.history.intervals.len();
        assert!(count <= MOST_ENDED + 8, "{count} after {look}");
    }
}

#[test]
fn a_certificate_whose_chains_alternate_is_replaced_with_all_of_them() {
    let mut question = Question::new();
    for scan in 2..10 {
        question.answer(answer(1, scan % 2), moment(scan, scan * DAY));
        question.store();
    }
    question.days(10, [2]);
    assert_eq!(
        question.tell(),
        [
            "1 changed replaced",
            "1 alternating replaced",
            "2 replaced current"
        ]
    );
    question.days(11, [2; 5]);
    let gone = question.tell().iter().any(|line| line.ends_with("gone"));
    assert!(!gone, "{:?}", question.tell());
}

#[test]
fn a_certificate_whose_chains_alternate_may_take_turns_with_another() {
    let turns = [(2, 2), (1, 0), (2, 2), (1, 1), (2, 2), (1, 0), (1, 1)];
    let mut question = Question::new();
    for scan in 2..10 {
        question.answer(answer(1, scan % 2), moment(scan, scan * DAY));
        question.store();
    }
    for (scan, (certificate, chain)) in (10..).zip(turns) {
        question.answer(answer(certificate, chain), moment(scan, scan * DAY));
        question.store();
    }
    let mut current = question.current();
    current.sort_unstable();
    assert_eq!(current, [1, 1, 2]);

    // Or one scan sees both.
    let mut question = Question::new();
    for scan in 2..10 {
        question.answer(answer(1, scan % 2), moment(scan, scan * DAY));
        question.store();
    }
    question.answer(answer(1, 0), moment(10, 10 * DAY));
    question.answer(answer(2, 2), moment(10, 10 * DAY + 1));
    assert_eq!(question.current().len(), 3);
}

#[test]
fn a_further_chain_ends_one_of_those_that_alternate() {
    let mut question = Question::new();
    for scan in 2..10 {
        question.answer(answer(1, scan % 2), moment(scan, scan * DAY));
        question.store();
    }
    question.answer(answer(1, 7), moment(10, 10 * DAY));
    assert_eq!(question.current().len(), 2);
}

#[test]
fn the_certificate_that_a_restless_question_settles_on_is_an_event() {
    let mut question = Question::new();
    question.days(2, 2..=6);
    question.days(20, [6, 6]);
    assert_eq!(question.tell().last().unwrap(), "6 unsaid current");
    question.days(22, [6]);
    let told = question.tell();
    assert_eq!(told.last().unwrap(), "6 replaced current");
    let unsaid = told.iter().filter(|line| line.contains("unsaid"));
    assert_eq!(unsaid.count(), 1, "no other is: {told:?}");
    let last = question.history.intervals.last().unwrap();
    assert_eq!((last.previous, last.first), (Some(5), moment(6, 6 * DAY)));
}
