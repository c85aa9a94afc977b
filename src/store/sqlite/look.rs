use std::sync::Arc;

use super::interval::{Answer, SessionWords};
use super::moment::Moment;
use crate::domain::OutcomeKind;

/// The latest look at a question, and its latest answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) asked: Moment,
    pub(super) outcome: OutcomeKind,
    pub(super) answered: Moment,
    /// How many answers there were.
    pub(super) answers: i64,
    /// Grows with answers that nobody knew, and falls with those that were.
    pub(super) restless: i64,
    pub(super) session: Arc<SessionWords>,
    pub(super) truncated: Option<String>,
    pub(super) ocsp_staple: Option<Vec<u8>>,
    /// As [`Answer::offered`].
    pub(super) offered: Option<String>,
}

/// From how restless a question is on there is another certificate at every
/// look, so that no further one is an event.
pub(super) const RESTLESS: i64 = 8;

/// Whether a question that is so restless has another certificate at every
/// look.
pub(super) const fn is_ephemeral(restless: i64) -> bool {
    restless >= RESTLESS
}

impl Look {
    /// The first one, which was answered.
    pub(super) fn begin(answer: Answer, moment: Moment) -> Self {
        Self {
            asked: moment,
            outcome: OutcomeKind::Certificate,
            answered: moment,
            answers: 1,
            restless: 0,
            session: answer.session,
            truncated: answer.truncated,
            ocsp_staple: answer.ocsp_staple,
            offered: answer.offered,
        }
    }

    /// The question was asked, with this outcome; returns whether that is
    /// news. Within one scan the best outcome stands.
    pub(super) fn ask(&mut self, outcome: OutcomeKind, moment: Moment) -> bool {
        let (asked, outcome) = if moment.scan == self.asked.scan {
            let at = moment.at.max(self.asked.at);
            (Moment { at, ..moment }, outcome.min(self.outcome))
        } else if moment.supersedes(self.asked) {
            (moment, outcome)
        } else {
            return false;
        };
        let is_news = asked != self.asked || outcome != self.outcome;
        self.asked = asked;
        self.outcome = outcome;
        is_news
    }

    /// There is a newer answer; returns whether it came in another way.
    pub(super) fn answer(&mut self, answer: Answer, moment: Moment) -> bool {
        self.answers += 1;
        self.answered = moment;
        let is_other = self.session != answer.session
            || self.truncated != answer.truncated
            || self.ocsp_staple != answer.ocsp_staple
            || self.offered != answer.offered;
        self.session = answer.session;
        self.truncated = answer.truncated;
        self.ocsp_staple = answer.ocsp_staple;
        self.offered = answer.offered;
        is_other
    }
}
