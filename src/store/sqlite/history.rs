//! Answers and failed looks → the intervals of one question.
//!
//! Pure: what is known comes in, what has to be stored is marked changed.

use crate::domain::{OutcomeKind, ScanId};

use super::moment::Moment;

/// One question: how it stands, and what was installed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) look: Look,
    /// What answers now; `None` once that has ended without a successor.
    pub(super) current: Option<Interval>,
    /// Intervals that ended meanwhile.
    pub(super) ended: Vec<Interval>,
    /// Whether the look has to be stored.
    pub(super) look_changed: bool,
    /// Whether the current interval has to be stored.
    pub(super) current_changed: bool,
}

/// The latest look at a question, and its latest answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) asked: Moment,
    pub(super) outcome: OutcomeKind,
    pub(super) answered: Moment,
    pub(super) session: SessionWords,
    pub(super) truncated: Option<String>,
    pub(super) ocsp_staple: Option<Vec<u8>>,
}

/// A session in the inventory's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionWords {
    pub(super) tls_version: String,
    pub(super) cipher_suite: String,
    pub(super) key_exchange: Option<String>,
    pub(super) alpn: Option<String>,
    pub(super) client_auth: Option<String>,
    /// The authorities it named, JSON; `None` where it named none.
    pub(super) client_auth_issuers: Option<String>,
}

/// A certificate, sent in one chain, as long as it was the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) id: i64,
    pub(super) certificate: i64,
    pub(super) chain: i64,
    /// Whether the flight broke off: the chain may go on.
    pub(super) chain_is_partial: bool,
    /// The certificate that it took the place of.
    pub(super) previous: Option<i64>,
    pub(super) first: Moment,
    pub(super) end: Option<End>,
}

/// How an interval ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// When it was the answer for the last time.
    pub(super) last: Moment,
    /// The scan that saw something else.
    pub(super) scan: ScanId,
    /// The session it came by last.
    pub(super) session: SessionWords,
}

/// A certificate seen as the answer to the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) certificate: i64,
    pub(super) chain: i64,
    pub(super) session: SessionWords,
    /// The trouble that followed the leaf: the rest of the chain is not known.
    pub(super) truncated: Option<String>,
    pub(super) ocsp_staple: Option<Vec<u8>>,
}

impl History {
    /// The history of a question that was never answered before.
    pub(super) fn begin(answer: Answer, moment: Moment, ids: &mut impl FnMut() -> i64) -> Self {
        Self {
            current: Some(Interval::begin(ids(), &answer, None, moment)),
            look: Look {
                asked: moment,
                outcome: OutcomeKind::Certificate,
                answered: moment,
                session: answer.session,
                truncated: answer.truncated,
                ocsp_staple: answer.ocsp_staple,
            },
            ended: Vec::new(),
            look_changed: true,
            current_changed: true,
        }
    }

    /// The question was answered.
    pub(super) fn answered(
        &mut self,
        answer: Answer,
        moment: Moment,
        ids: &mut impl FnMut() -> i64,
    ) {
        self.asked(OutcomeKind::Certificate, moment);
        if !moment.supersedes(self.look.answered) {
            return;
        }
        match self.current.take() {
            Some(mut interval) if interval.goes_on_with(&answer) => {
                self.current_changed |= interval.complete(&answer);
                self.current = Some(interval);
            }
            before => {
                let previous = before.as_ref().and_then(|before| before.precedes(&answer));
                self.ended.extend(before.map(|interval| Interval {
                    end: Some(End {
                        last: self.look.answered,
                        scan: moment.scan,
                        session: self.look.session.clone(),
                    }),
                    ..interval
                }));
                self.current_changed = true;
                self.current = Some(Interval::begin(ids(), &answer, previous, moment));
            }
        }
        self.look_changed = true;
        self.look.answered = moment;
        self.look.session = answer.session;
        self.look.truncated = answer.truncated;
        self.look.ocsp_staple = answer.ocsp_staple;
    }

    /// The question was asked, with this outcome. Within one scan the best
    /// outcome stands.
    pub(super) fn asked(&mut self, outcome: OutcomeKind, moment: Moment) {
        let look = &mut self.look;
        let (asked, outcome) = if moment.scan == look.asked.scan {
            let at = moment.at.max(look.asked.at);
            (Moment { at, ..moment }, outcome.min(look.outcome))
        } else if moment.supersedes(look.asked) {
            (moment, outcome)
        } else {
            return;
        };
        self.look_changed |= asked != look.asked || outcome != look.outcome;
        look.asked = asked;
        look.outcome = outcome;
    }

    /// Ended intervals, and the current one if it changed: what to store.
    pub(super) fn changed_intervals(&self) -> impl Iterator<Item = &Interval> {
        let current = self.current.iter().filter(|_| self.current_changed);
        self.ended.iter().chain(current)
    }
}

impl Interval {
    fn begin(id: i64, answer: &Answer, previous: Option<i64>, first: Moment) -> Self {
        Self {
            id,
            certificate: answer.certificate,
            chain: answer.chain,
            chain_is_partial: answer.truncated.is_some(),
            previous,
            first,
            end: None,
        }
    }

    /// Whether `answer` is more of the same. A flight that broke off shows
    /// nothing against the chain known, nor does a chain known from one
    /// against that of a whole flight.
    fn goes_on_with(&self, answer: &Answer) -> bool {
        let same_chain = self.chain == answer.chain;
        self.certificate == answer.certificate
            && (same_chain || self.chain_is_partial || answer.truncated.is_some())
    }

    /// Takes the chain of a whole flight in place of one that broke off;
    /// returns whether it did.
    fn complete(&mut self, answer: &Answer) -> bool {
        let completes = self.chain_is_partial && answer.truncated.is_none();
        if completes {
            self.chain = answer.chain;
            self.chain_is_partial = false;
        }
        completes
    }

    /// The certificate that `answer`'s took the place of: this one's, or where
    /// only the chain changed, the one before it.
    fn precedes(&self, answer: &Answer) -> Option<i64> {
        if self.certificate == answer.certificate {
            self.previous
        } else {
            Some(self.certificate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

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
                tls_version: format!("by {certificate}"),
                ..SessionWords::default()
            },
            truncated: None,
            ocsp_staple: None,
        }
    }

    fn stored(mut history: History) -> History {
        history.ended.clear();
        history.look_changed = false;
        history.current_changed = false;
        history
    }

    fn ids() -> impl FnMut() -> i64 {
        let mut last = 0;
        move || {
            last += 1;
            last
        }
    }

    #[test]
    fn the_same_answer_again_touches_no_interval() {
        let mut ids = ids();
        let mut history = stored(History::begin(answer(1, 1), moment(1, 10), &mut ids));
        history.answered(answer(1, 1), moment(2, 20), &mut ids);
        assert_eq!(history.changed_intervals().count(), 0);
        assert!(history.look_changed);
        assert_eq!(history.look.answered, moment(2, 20));
    }

    #[test]
    fn another_certificate_ends_the_interval_when_it_was_last_seen() {
        let mut ids = ids();
        let mut history = stored(History::begin(answer(1, 1), moment(1, 10), &mut ids));
        history.asked(OutcomeKind::Filtered, moment(2, 20));
        history.answered(answer(2, 2), moment(3, 30), &mut ids);
        let end = history.ended[0].end.clone().unwrap();
        assert_eq!(end.last, moment(1, 10));
        assert_eq!(end.scan, ScanId::new(3));
        assert_eq!(end.session.tls_version, "by 1");
        let current = history.current.unwrap();
        assert_eq!((current.certificate, current.previous), (2, Some(1)));
    }

    #[test]
    fn another_chain_keeps_the_predecessor() {
        let mut ids = ids();
        let mut history = stored(History::begin(answer(1, 1), moment(1, 10), &mut ids));
        history.answered(answer(2, 2), moment(2, 20), &mut ids);
        history.answered(answer(2, 3), moment(3, 30), &mut ids);
        let current = history.current.as_ref().unwrap();
        assert_eq!((current.chain, current.previous), (3, Some(1)));
        assert_eq!(history.ended.len(), 2);
    }

    #[test]
    fn a_broken_off_flight_says_nothing_against_the_chain() {
        let mut ids = ids();
        let mut history = stored(History::begin(answer(1, 1), moment(1, 10), &mut ids));
        let broken_off = Answer {
            truncated: Some("reset at flight".to_owned()),
            ..answer(1, 9)
        };
        history.answered(broken_off, moment(2, 20), &mut ids);
        assert_eq!(history.changed_intervals().count(), 0);
        assert_eq!(history.current.unwrap().chain, 1);
    }

    #[test]
    fn a_whole_flight_completes_the_chain_of_one_that_broke_off() {
        let mut ids = ids();
        let broken_off = Answer {
            truncated: Some("reset at flight".to_owned()),
            ..answer(1, 1)
        };
        let begun = History::begin(broken_off.clone(), moment(1, 10), &mut ids);
        let mut history = stored(begun);
        history.answered(answer(1, 2), moment(2, 20), &mut ids);
        assert!(history.ended.is_empty());
        assert!(history.current_changed);
        let current = history.current.clone().unwrap();
        assert_eq!((current.id, current.chain), (1, 2));
        assert_eq!(current.first, moment(1, 10));
        // It is whole now: another one is another.
        let mut history = stored(history);
        history.answered(broken_off, moment(3, 30), &mut ids);
        assert_eq!(history.changed_intervals().count(), 0);
        history.answered(answer(1, 3), moment(4, 40), &mut ids);
        assert_eq!(history.ended.len(), 1);
    }

    #[test]
    fn what_was_stored_before_changes_nothing() {
        let mut ids = ids();
        let mut history = History::begin(answer(1, 1), moment(1, 10), &mut ids);
        history.answered(answer(2, 2), moment(2, 20), &mut ids);
        history.asked(OutcomeKind::Silent, moment(2, 30));
        let known = stored(history);
        let mut replayed = known.clone();
        replayed.answered(answer(1, 1), moment(1, 10), &mut ids);
        replayed.answered(answer(2, 2), moment(2, 20), &mut ids);
        replayed.asked(OutcomeKind::Silent, moment(2, 30));
        assert_eq!(replayed, known);
    }

    #[test]
    fn a_later_scan_counts_though_the_clock_was_set_back() {
        let mut ids = ids();
        let mut history = stored(History::begin(answer(1, 1), moment(1, 1000), &mut ids));
        history.answered(answer(2, 2), moment(2, 10), &mut ids);
        assert_eq!(history.current.unwrap().certificate, 2);
    }

    #[test]
    fn within_a_scan_the_best_outcome_stands() {
        let mut ids = ids();
        let mut history = History::begin(answer(1, 1), moment(1, 10), &mut ids);
        history.asked(OutcomeKind::TlsRefused, moment(1, 20));
        assert_eq!(history.look.outcome, OutcomeKind::Certificate);
        assert_eq!(history.look.asked, moment(1, 20));
        history.asked(OutcomeKind::TlsRefused, moment(2, 30));
        assert_eq!(history.look.outcome, OutcomeKind::TlsRefused);
        assert_eq!(history.look.answered, moment(1, 10));
    }
}
