//! The answers of one scan, in one order and in the other.

use proptest::prelude::{Strategy, prop_assert_eq, prop_oneof, proptest};

use super::absence::failed_looks;
use super::*;

/// What a scan leaves open, and what it tells.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    /// Certificate and chain, since when, and since when missing.
    open: Vec<(i64, i64, i64, Option<i64>)>,
    /// Certificate and chain, the kind of the event, and its predecessor.
    news: Vec<(i64, i64, Option<&'static str>, Option<i64>)>,
}

impl Question {
    /// The same question before this scan, seeing these answers in this order.
    fn after(&self, scan: i64, answers: &[Answer]) -> Left {
        let mut question = Self {
            history: self.history.clone(),
            relatives: self.relatives.clone(),
            next: self.next,
        };
        for (second, answer) in (0..).zip(answers) {
            let seen = moment(scan, scan * DAY + second);
            question.answer(answer.clone(), seen);
            question.store();
            // A batch is written twice.
            let known = question.history.clone();
            question.answer(answer.clone(), seen);
            assert_eq!(question.history, known);
        }
        question.left(scan)
    }

    fn left(&self, scan: i64) -> Left {
        let intervals = self.history.intervals.iter();
        let open = intervals.clone().filter(|it| it.is_open());
        let open = open.map(|it| {
            let is_news = it.first.scan.number() == scan;
            let first = if is_news {
                i64::MAX
            } else {
                it.first.at.seconds()
            };
            let missing = it.missing.map(|since| since.at.seconds());
            (it.certificate, it.chain, first, missing)
        });
        let news = intervals.filter(|it| it.first.scan.number() == scan);
        let news = news.map(|it| {
            let began = it.began.map(EventKind::as_str);
            (it.certificate, it.chain, began, it.previous)
        });
        let mut left = Left {
            open: open.collect(),
            news: news.collect(),
        };
        left.open.sort_unstable();
        left.news.sort_unstable();
        left
    }

    /// What is left by all orders of these certificates and chains, which is the same.
    fn after_all(&self, scan: i64, seen: &[(i64, i64)]) -> Left {
        let seen = seen
            .iter()
            .map(|(certificate, chain)| answer(*certificate, *chain));
        let seen: Vec<_> = seen.collect();
        let left = self.after(scan, &seen);
        for order in orders(&seen) {
            assert_eq!(self.after(scan, &order), left, "{order:?}");
        }
        left
    }

    /// What is left by both orders, which is the same.
    fn after_both(&self, scan: i64, one: i64, other: i64) -> Left {
        let [one, other] = [one, other].map(|certificate| answer(certificate, certificate));
        let left = self.after(scan, &[one.clone(), other.clone()]);
        assert_eq!(left, self.after(scan, &[other, one]));
        left
    }
}

#[test]
fn what_is_new_and_what_it_seemed_to_replace_take_turns() {
    for relatives in [
        Relatives::default(),
        relatives(&[(1, "a", 0, 40), (2, "a", 8, 90)]),
    ] {
        let mut question = Question::new();
        question.relatives = relatives;
        let left = question.after_both(30, 1, 2);
        assert_eq!(left.open, [(1, 1, 0, None), (2, 2, i64::MAX, None)]);
        assert_eq!(left.news, [(2, 2, Some("alternating"), None)]);
    }
}

#[test]
fn what_comes_back_late_and_what_replaced_it_take_turns() {
    let mut question = Question::new();
    question.days(2, [2; 6]);
    let left = question.after_both(20, 1, 2);
    let since = 2 * DAY;
    assert_eq!(left.open, [(1, 1, i64::MAX, None), (2, 2, since, None)]);
    assert_eq!(left.news, [(1, 1, Some("alternating"), None)]);
}

#[test]
fn what_comes_back_after_it_was_gone_returns_beside_what_was_there_meanwhile() {
    let mut question = Question::new();
    question.days(2, [2]);
    question.days(3, [1]);
    question.fail(OutcomeKind::Refused, moment(4, 4 * DAY));
    question.store();
    question.fail(OutcomeKind::Refused, moment(5, 14 * DAY));
    question.store();
    question.days(20, [2; 6]);
    let left = question.after_both(40, 1, 2);
    assert_eq!(left.news, [(1, 1, Some("returned"), None)]);
    assert_eq!(left.open.len(), 2);
}

#[test]
fn a_certificate_is_there_again_in_all_the_chains_that_its_scan_ended_it_in() {
    let mut question = Question::new();
    for day in 2..8 {
        question.answer(answer(1, day % 2), moment(day, day * DAY));
        question.store();
    }
    for chain in [0, 1] {
        let [one, other] = [answer(1, chain), answer(2, 2)];
        let left = question.after(9, &[one.clone(), other.clone()]);
        assert_eq!(left, question.after(9, &[other, one]));
        assert_eq!(left.open.len(), 3);
        assert_eq!(left.news, [(2, 2, Some("alternating"), None)]);
    }
}

#[test]
fn chains_that_one_scan_sees_take_turns() {
    let mut question = Question::new();
    let [one, other] = [answer(1, 1), answer(1, 2)];
    let left = question.after(2, &[one.clone(), other.clone()]);
    assert_eq!(left, question.after(2, &[other.clone(), one.clone()]));
    assert_eq!(left.news, [(1, 2, Some("alternating"), None)]);
    for day in 3..9 {
        question.answer(other.clone(), moment(day, day * DAY));
        question.store();
    }
    let left = question.after(20, &[one.clone(), other.clone()]);
    assert_eq!(left, question.after(20, &[other, one]));
    assert_eq!(left.news, [(1, 1, Some("alternating"), None)]);
    assert_eq!(left.open.len(), 2);
}

#[test]
fn a_further_one_replaces_nothing_where_its_scan_sees_one_that_took_turns() {
    let mut question = Question::new();
    question.days(2, [2, 1, 2, 1]);
    for seen in [1, 2] {
        let left = question.after_both(8, seen, 3);
        assert_eq!(left.open.len(), 3, "beside {seen}");
        assert_eq!(left.news, [(3, 3, Some("alternating"), None)]);
    }
}

#[test]
fn what_another_scan_has_seen_since_stays_replaced() {
    let mut question = Question::new();
    question.days(2, [2]);
    question.days(3, [2]);
    // Scan 2 is gone on with.
    question.answer(answer(1, 1), moment(2, 4 * DAY));
    assert_eq!(
        question.tell(),
        [
            "1 new replaced",
            "2 replaced current",
            "1 alternating current"
        ]
    );
}

#[test]
fn what_a_restless_question_tells_does_not_depend_on_the_order() {
    for steps in 0..6 {
        let mut question = Question::new();
        question.days(2, 2..2 + steps);
        question.after_both(20, 1 + steps, 100);
    }
}

#[test]
fn what_one_scan_ends_is_not_forgotten_by_it() {
    let mut question = Question::new();
    // Others come and go beside the first.
    for day in 2..40 {
        question.answer(answer(1, 1), moment(day, day * DAY));
        question.answer(answer(day, day), moment(day, day * DAY + 1));
        question.store();
    }
    question.days(40, [1]);
    question.history.look.restless = 0;
    question.after_both(50, 1, 100);
}

#[test]
fn a_renewal_takes_turns_with_whatever_it_would_renew() {
    let mut question = Question::new();
    question.days(2, [3, 1, 2, 3]);
    question.relatives = families();
    let back = (1, 1, Some("alternating"), None);
    let left = question.after_all(8, &[(1, 1), (2, 2), (6, 6)]);
    assert_eq!(left.open.len(), 4);
    assert_eq!(left.news, [back, (6, 6, Some("alternating"), None)]);
    // Of two the one that was seen last, where its scan sees neither.
    let left = question.after_all(8, &[(1, 1), (6, 6)]);
    assert_eq!(left.open.len(), 3);
    assert_eq!(left.news, [back, (6, 6, Some("renewed"), Some(3))]);
}

#[test]
fn what_returns_has_not_ended_a_chain_that_was_away_for_too_long() {
    let mut question = Question::answered_with(answer(1, 10));
    let seen = [
        (1, 11),
        (1, 10),
        (2, 21),
        (1, 11),
        (1, 10),
        (1, 10),
        (1, 10),
        (1, 10),
    ];
    for (day, (certificate, chain)) in (2..).zip(seen) {
        question.answer(answer(certificate, chain), moment(day, day * DAY));
        question.store();
    }
    let left = question.after_all(12, &[(1, 10), (2, 20)]);
    assert_eq!(left.news, [(2, 20, Some("returned"), Some(1))]);
}

#[test]
fn a_further_chain_ends_none_where_its_scan_sees_another() {
    let mut question = Question::answered_with(answer(1, 2));
    question.turns(2, [1, 3, 1, 3, 1]);
    for further in [2, 4] {
        let left = question.after_all(7, &[(1, 1), (1, further)]);
        assert_eq!(left.open.len(), 3);
        assert_eq!(left.news, [(1, further, Some("alternating"), None)]);
    }
}

#[test]
fn how_long_a_chain_was_away_does_not_count_what_its_scan_saw() {
    let mut question = Question::answered_with(answer(2, 2));
    for (day, (certificate, chain)) in
        (2..).zip([(1, 11), (2, 2), (1, 11), (1, 10), (2, 2), (1, 10)])
    {
        question.answer(answer(certificate, chain), moment(day, day * DAY));
        question.store();
    }
    let left = question.after_all(9, &[(1, 11), (2, 2)]);
    assert_eq!(left.news, [(1, 11, Some("alternating"), Some(2))]);
}

/// What a look of an earlier scan brought.
#[derive(Clone, Copy, Debug)]
enum Brought {
    Answer(i64, i64),
    Nothing(usize),
}

fn brought() -> impl Strategy<Value = Brought> {
    prop_oneof![
        4 => (1_i64..4, 0_i64..2).prop_map(|(certificate, chain)| Brought::Answer(certificate, chain)),
        1 => (0_usize..9).prop_map(Brought::Nothing),
    ]
}

/// Certificate 5 renews 1, and 6 renews 2 and 3.
fn families() -> Relatives {
    relatives(&[
        (1, "a", 0, 90),
        (5, "a", 60, 150),
        (2, "b", 0, 90),
        (3, "b", 0, 90),
        (6, "b", 60, 150),
    ])
}

fn of_chain(certificate: i64, chain: i64) -> Answer {
    answer(certificate, 10 * certificate + chain)
}

fn orders(answers: &[Answer]) -> Vec<Vec<Answer>> {
    if answers.len() < 2 {
        return vec![answers.to_vec()];
    }
    let mut orders = Vec::new();
    for first in 0..answers.len() {
        let mut rest = answers.to_vec();
        let first = rest.remove(first);
        for mut order in self::orders(&rest) {
            order.insert(0, first.clone());
            orders.push(order);
        }
    }
    orders
}

proptest! {
    #[test]
    fn the_order_of_answers_within_a_scan_tells_nothing(
        looks in proptest::collection::vec((brought(), 1_i64..4), 1..24),
        current in proptest::collection::vec(proptest::bool::ANY, 8),
        other in (1_i64..8, 0_i64..2),
    ) {
        let kinds = failed_looks();
        let mut question = Question::answered_with(of_chain(1, 0));
        question.relatives = families();
        let mut at = 0;
        for (scan, (brought, days)) in (2..).zip(looks) {
            at += days * DAY;
            let moment = moment(scan, at);
            match brought {
                Brought::Answer(certificate, chain) => {
                    question.answer(of_chain(certificate, chain), moment);
                }
                Brought::Nothing(kind) => {
                    let outcome = OutcomeKind::Silent;
                    question.history.unanswered(outcome, &kinds[kind], moment);
                }
            }
            question.store();
        }
        // Near the limit each answer counts.
        let restless = &mut question.history.look.restless;
        if (RESTLESS - 2..=RESTLESS + 3).contains(restless) {
            *restless = RESTLESS - 3;
        }
        let there = question.history.intervals.iter().filter(|it| it.is_current());
        let there = there.map(|it| (it.certificate, it.chain));
        let mut seen: Vec<_> = there.zip(current).filter(|(_, seen)| *seen).map(|(it, _)| it).collect();
        seen.truncate(3);
        seen.push((other.0, 10 * other.0 + other.1));
        seen.sort_unstable();
        seen.dedup();
        let answers: Vec<_> = seen.into_iter().map(|(certificate, chain)| answer(certificate, chain)).collect();
        let left = question.after(1_000, &answers);
        for order in orders(&answers) {
            prop_assert_eq!(&question.after(1_000, &order), &left);
        }
    }
}
