//! A certificate that is sent in several chains by turns.

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::absence::failed_looks;
use super::*;

impl Question {
    /// A scan a day, each of which sees certificate 1 in one of these chains.
    pub(super) fn turns(&mut self, first: i64, chains: impl IntoIterator<Item = i64>) {
        for (day, chain) in (first..).zip(chains) {
            self.answer(answer(1, chain), moment(day, day * DAY));
            self.store();
        }
    }

    /// The chains in which certificate 1 is current.
    fn chains(&self) -> Vec<i64> {
        let intervals = self.history.intervals.iter();
        let current = intervals.filter(|it| it.certificate == 1 && it.is_current());
        current.map(|it| it.chain).collect()
    }

    /// How many intervals say this of themselves at the end of their line.
    fn count(&self, word: &str) -> usize {
        let told = self.tell();
        told.iter().filter(|line| line.ends_with(word)).count()
    }
}

/// Chains 1 and 2 by turns until day 6.
fn in_turn() -> Question {
    let mut question = Question::new();
    question.turns(2, [2, 1, 2, 1, 2]);
    assert_eq!(question.chains(), [2, 1]);
    question
}

fn by(version: &str, chain: i64) -> Answer {
    let mut answer = answer(1, chain);
    version.clone_into(&mut Arc::make_mut(&mut answer.session).tls_version);
    answer
}

#[test]
fn whatever_its_chains_a_certificate_is_missing_once_and_gone_once() {
    let mut question = in_turn();
    question.fail(OutcomeKind::Refused, moment(7, 7 * DAY));
    assert_eq!(
        (question.count("missing"), question.count("current")),
        (1, 0)
    );
    question.store();
    question.fail(OutcomeKind::Refused, moment(8, 13 * DAY));
    assert_eq!((question.count("gone"), question.count("missing")), (1, 0));

    let mut question = in_turn();
    for day in [7, 8, 9] {
        assert_eq!(question.chains(), [2, 1]);
        question.fail(OutcomeKind::Filtered, moment(day, day * DAY));
        question.store();
    }
    assert_eq!(
        (question.count("missing"), question.count("current")),
        (1, 0)
    );
    for day in [20, 21, 22] {
        assert_eq!(question.count("gone"), 0);
        question.fail(OutcomeKind::Filtered, moment(day, day * DAY));
        question.store();
    }
    assert_eq!((question.count("gone"), question.count("missing")), (1, 0));
}

#[test]
fn what_the_same_scan_disproves_was_so_in_no_chain() {
    for chain in [1, 2] {
        let mut question = in_turn();
        let known = question.tell();
        question.fail(OutcomeKind::Refused, moment(7, 7 * DAY));
        question.store();
        question.answer(answer(1, chain), moment(7, 7 * DAY + 1));
        question.store();
        assert_eq!(question.tell(), known);
        assert_eq!(question.chains(), [2, 1]);
    }
}

#[test]
fn what_an_answer_replaced_stays_so_though_its_scan_sees_more() {
    let mut question = in_turn();
    question.answer(answer(2, 3), moment(7, 7 * DAY));
    question.answer(answer(2, 3), moment(7, 7 * DAY + 1));
    assert_eq!(question.current(), [2]);
}

#[test]
fn a_certificate_returns_once_in_whatever_chain() {
    for (gone, chains) in [
        (false, [1, 2]),
        (false, [2, 1]),
        (true, [1, 2]),
        (true, [2, 1]),
    ] {
        let mut question = in_turn();
        question.fail(OutcomeKind::Refused, moment(7, 7 * DAY));
        question.store();
        if gone {
            question.fail(OutcomeKind::Refused, moment(8, 14 * DAY));
            question.store();
        }
        let known = question.next;
        question.turns(20, [chains[0]]);
        assert_eq!(
            (question.count("missing"), question.count("current")),
            (0, 1)
        );
        question.turns(21, [chains[1]]);
        let began = question
            .history
            .intervals
            .iter()
            .filter(|it| it.id >= known);
        let began: Vec<_> = began.map(|it| it.began.unwrap()).collect();
        assert_eq!(began, [EventKind::Returned, EventKind::Alternating]);
        assert_eq!(question.chains(), chains);
        assert_eq!(question.count("missing"), 0);
        // And no more of them from then on.
        let intervals = question.next;
        question.turns(22, [1, 2, 1, 2]);
        assert_eq!(question.next, intervals);
    }
}

#[test]
fn a_certificate_that_was_missed_may_be_back_in_a_further_chain() {
    let mut question = in_turn();
    question.fail(OutcomeKind::Refused, moment(7, 7 * DAY));
    question.store();
    question.turns(8, [3]);
    assert_eq!(question.tell().last().unwrap(), "1 returned current");
    assert_eq!(question.count("missing"), 0);
}

#[test]
fn a_certificate_stays_as_long_as_one_of_its_chains_may_come() {
    let denied = |version| failed_look(&[(version, OutcomeKind::TlsRefused)], refused());
    let mut question = Question::answered_with(by("TLSv1.2", 1));
    question.answer(by("TLSv1.3", 2), moment(2, 2 * DAY));
    question.store();
    question.answer(by("TLSv1.2", 1), moment(3, 3 * DAY));
    question.store();
    for (day, version, chains, missing) in [
        (4, "tls1.2", &[2][..], 0),
        (9, "tls1.2", &[2], 0),
        (10, "tls1.3", &[], 1),
        (12, "tls1.2", &[], 1),
    ] {
        let outcome = OutcomeKind::TlsRefused;
        let look = denied(version);
        question
            .history
            .unanswered(outcome, &look, moment(day, day * DAY));
        question.store();
        assert_eq!(
            (&*question.chains(), question.count("missing")),
            (chains, missing)
        );
    }
    question.fail(OutcomeKind::Refused, moment(16, 16 * DAY));
    assert_eq!(question.count("gone"), 1);
}

#[test]
fn a_chain_that_comes_back_late_ends_nothing_that_its_certificate_takes_turns_with() {
    let mut question = Question::new();
    question.turns(2, [2; 5]);
    for (day, (certificate, chain)) in (7..).zip([(2, 3), (1, 2), (2, 3), (1, 2), (2, 3)]) {
        question.answer(answer(certificate, chain), moment(day, day * DAY));
        question.store();
    }
    assert_eq!(question.current(), [2, 1]);
    question.turns(12, [1]);
    assert_eq!(question.tell().last().unwrap(), "1 changed current");
    assert_eq!(question.current(), [2, 1]);
    assert_eq!(question.chains(), [1]);
}

#[test]
fn of_chains_that_stay_away_at_once_the_last_one_is_gone() {
    let mut question = in_turn();
    for (day, (certificate, chain)) in (7..).zip([(2, 3), (1, 1), (2, 3), (1, 2), (2, 3)]) {
        question.answer(answer(certificate, chain), moment(day, day * DAY));
        question.store();
    }
    // They were last seen two looks apart.
    for interval in &mut question.history.intervals {
        interval.longest_away = if interval.chain == 1 { 4 } else { 3 };
    }
    question.days(12, [2; 5]);
    assert_eq!(question.current().len(), 3);
    question.days(17, [2; 5]);
    assert_eq!(question.current(), [2]);
    assert_eq!(
        (
            question.count("1 alternating replaced"),
            question.count("gone")
        ),
        (1, 1)
    );
}

#[test]
fn what_was_missing_in_several_chains_before_is_gone_once_and_back_from_all() {
    let missed = || {
        let mut question = in_turn();
        for interval in &mut question.history.intervals {
            interval.missing = interval.is_open().then(|| moment(7, 7 * DAY));
        }
        assert_eq!(question.count("missing"), 2);
        question
    };
    let mut question = missed();
    question.fail(OutcomeKind::Refused, moment(8, 14 * DAY));
    assert_eq!((question.count("gone"), question.count("missing")), (1, 0));
    for chain in [1, 2] {
        let mut question = missed();
        question.turns(8, [chain]);
        assert_eq!(
            (question.count("missing"), question.chains()),
            (0, vec![chain])
        );
    }
}

#[test]
fn what_had_moved_with_its_chains_returns() {
    let mut question = in_turn();
    question.fail(OutcomeKind::Refused, moment(7, 7 * DAY));
    question.store();
    // By the end of the scan it was known where else it had been seen, and before.
    let intervals = question.history.intervals.iter_mut();
    for interval in intervals.filter(|it| it.is_open()) {
        interval.missing = None;
        interval.end(moment(7, 7 * DAY - 1), HowEnded::Moved);
    }
    question.store();
    question.turns(8, [1]);
    assert_eq!(question.tell().last().unwrap(), "1 returned current");
}

/// What a look brings.
#[derive(Clone, Copy, Debug)]
enum Brings {
    /// A certificate in a chain, by TLS 1.3 or 1.2.
    Answer(i64, i64, bool),
    /// One of the failed looks.
    Nothing(usize),
}

fn brings() -> impl Strategy<Value = Brings> {
    prop_oneof![
        (1_i64..3, 0_i64..3, proptest::bool::ANY)
            .prop_map(|(certificate, chain, newer)| Brings::Answer(certificate, chain, newer)),
        (0_usize..9).prop_map(Brings::Nothing),
    ]
}

/// What there is to see of a certificate: how it stands, and how many of its
/// intervals say that it went missing, and that it is gone.
fn seen(question: &Question, certificate: i64) -> (&'static str, usize, usize) {
    let intervals = question.history.intervals.iter();
    let of_it: Vec<_> = intervals
        .filter(|it| it.certificate == certificate)
        .collect();
    let stands = if of_it.iter().any(|it| it.is_current()) {
        "current"
    } else if of_it.iter().any(|it| it.is_open()) {
        "missing"
    } else {
        "over"
    };
    let missing = of_it.iter().filter(|it| it.missing.is_some()).count();
    let is_gone = |it: &&&Interval| it.ended.is_some_and(|end| end.how.as_str() == "gone");
    (stands, missing, of_it.iter().filter(is_gone).count())
}

proptest! {
    #[test]
    fn in_whatever_chains_a_certificate_comes_it_stands_in_one_way_and_each_is_told_once(
        looks in proptest::collection::vec((brings(), 1_i64..4), 1..40),
    ) {
        let kinds = failed_looks();
        let mut question = Question::answered_with(by("TLSv1.2", 1));
        let mut at = 0;
        for (scan, (brought, days)) in (2..).zip(looks) {
            at += days * DAY;
            let moment = moment(scan, at);
            let before = [1, 2].map(|certificate| seen(&question, certificate));
            match brought {
                Brings::Answer(certificate, chain, newer) => {
                    let version = if newer { "TLSv1.3" } else { "TLSv1.2" };
                    let mut answer = by(version, 10 * certificate + chain);
                    answer.certificate = certificate;
                    question.answer(answer, moment);
                    let intervals = question.history.intervals.iter();
                    let missing = intervals.filter(|it| it.is_open() && !it.is_current());
                    prop_assert!(missing.clone().all(|it| it.certificate != certificate));
                    prop_assert_eq!(seen(&question, certificate).0, "current");
                }
                Brings::Nothing(kind) => {
                    let outcome = OutcomeKind::Silent;
                    question.history.unanswered(outcome, &kinds[kind], moment);
                }
            }
            for (certificate, (stood, missing, gone)) in (1..).zip(before) {
                let (stands, now_missing, now_gone) = seen(&question, certificate);
                let told = match (stood, stands) {
                    ("current", "missing") => (1, 0),
                    ("current" | "missing", "over") => (0, now_gone - gone),
                    _ => (0, 0),
                };
                prop_assert_eq!((now_missing - missing, now_gone - gone), told);
                prop_assert!(told.1 <= 1);
                if let (Brings::Nothing(_), "missing", "over") = (brought, stood, stands) {
                    prop_assert_eq!(told.1, 1);
                }
                if stands == "missing" {
                    let intervals = question.history.intervals.iter();
                    let open = intervals.filter(|it| it.certificate == certificate && it.is_open());
                    prop_assert_eq!(open.count(), 1);
                }
            }
            question.store();
        }
    }
}
