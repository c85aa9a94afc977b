use super::*;
use crate::domain::{ScanId, Timestamp};
use crate::store::sqlite::interval::SessionWords;
use crate::store::sqlite::relatives::tests::relatives;

/// One question, asked again and again.
struct Question {
    history: History,
    relatives: Relatives,
    next: i64,
}

const DAY: i64 = 86_400;

fn moment(scan: i64, at: i64) -> Moment {
    Moment {
        at: Timestamp::from_seconds(at),
        scan: ScanId::new(scan),
    }
}

fn answer(certificate: i64, chain: i64) -> Answer {
    Answer {
        certificate,
        chain,
        session: SessionWords {
            tls_version: "TLSv1.2".to_owned(),
            cipher_suite: format!("by {certificate}"),
            client_auth: Some("none".to_owned()),
            ..SessionWords::default()
        },
        truncated: None,
        ocsp_staple: None,
    }
}

fn broken_off(answer: Answer) -> Answer {
    Answer {
        truncated: Some("reset at flight".to_owned()),
        ..answer
    }
}

impl Question {
    /// Answered first with certificate and chain 1, by scan 1 at second 0.
    fn new() -> Self {
        Self::answered_with(answer(1, 1))
    }

    fn answered_with(answer: Answer) -> Self {
        let history = History::begin(answer, moment(1, 0), &mut || 1);
        let mut question = Self {
            history,
            relatives: Relatives::default(),
            next: 2,
        };
        question.store();
        question
    }

    fn answer(&mut self, answer: Answer, moment: Moment) {
        let mut ids = || {
            self.next += 1;
            self.next - 1
        };
        self.history
            .answered(answer, moment, &self.relatives, &mut ids);
    }

    /// A scan a day, each of which sees one of these certificates.
    fn days(&mut self, first: i64, certificates: impl IntoIterator<Item = i64>) {
        for (day, certificate) in (first..).zip(certificates) {
            self.answer(answer(certificate, certificate), moment(day, day * DAY));
            self.store();
        }
    }

    fn fail(&mut self, outcome: OutcomeKind, moment: Moment) {
        let look = FailedLook::unconnected(outcome);
        self.history.unanswered(outcome, &look, moment);
    }

    /// What a batch leaves for the next one.
    fn store(&mut self) {
        let forgotten = std::mem::take(&mut self.history.forgotten);
        let intervals = &mut self.history.intervals;
        intervals.retain(|it| it.watched && !forgotten.contains(&it.id));
        for interval in intervals.iter_mut() {
            interval.changed = false;
        }
        self.history.look_changed = false;
        self.history.failures_changed = false;
        let latest = intervals.iter().filter(|it| it.seen.is_none());
        assert_eq!(latest.count(), 1, "{intervals:?}");
    }

    /// `2 replaced current` for each interval, in the order they began.
    fn tell(&self) -> Vec<String> {
        let mut intervals: Vec<_> = self.history.intervals.iter().collect();
        intervals.sort_by_key(|it| it.id);
        let line = |it: &&Interval| {
            let began = it.began.map_or("unsaid", EventKind::as_str);
            let state = match (it.ended, it.missing) {
                (Some(end), _) => end.how.as_str(),
                (None, Some(_)) => "missing",
                (None, None) => "current",
            };
            format!("{} {began} {state}", it.certificate)
        };
        intervals.iter().map(line).collect()
    }

    fn changed(&self) -> usize {
        self.history.changed_intervals().count()
    }

    fn current(&self) -> Vec<i64> {
        let current = self.history.intervals.iter().filter(|it| it.is_current());
        current.map(|it| it.certificate).collect()
    }
}

#[test]
fn the_same_answer_again_touches_no_interval() {
    let mut question = Question::new();
    question.answer(answer(1, 1), moment(2, 20));
    assert_eq!(question.changed(), 0);
    assert!(question.history.look_changed && !question.history.failures_changed);
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
        asking.session.client_auth = auth.map(str::to_owned);
        version.clone_into(&mut asking.session.tls_version);
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
        assert!(!question.history.failures_changed);
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
