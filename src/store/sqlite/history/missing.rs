//! Looks without an answer → what is missing, and then gone: see `absence`.

use std::sync::Arc;

use super::History;
use crate::domain::OutcomeKind;
use crate::store::sqlite::absence::{Absence, FailedLook};
use crate::store::sqlite::interval::Interval;
use crate::store::sqlite::moment::Moment;

impl History {
    /// The question was asked and not answered.
    pub(in super::super) fn unanswered(
        &mut self,
        outcome: OutcomeKind,
        look: &FailedLook,
        moment: Moment,
    ) {
        self.look_changed |= self.look.ask(outcome, moment);
        self.missed(look, moment);
    }

    /// There was no answer, whether or not the question was asked.
    pub(in super::super) fn missed(&mut self, look: &FailedLook, moment: Moment) {
        // Within one scan the best outcome stands.
        let answered = self.look.answered;
        if answered.scan == moment.scan || !moment.supersedes(answered) {
            return;
        }
        let latest = Arc::clone(&self.look.session);
        let mut absent = Vec::new();
        let awaited = self.intervals.iter_mut().enumerate();
        for (place, interval) in awaited.filter(|(_, it)| it.is_awaited()) {
            let Some(absence) = look.says_of(interval.session(&latest)) else {
                continue;
            };
            let Some(is_enough) = interval.fail(moment, absence) else {
                continue;
            };
            let is_absent = match absence {
                Absence::Denied => true,
                Absence::Unanswered | Absence::Outshone => is_enough,
            };
            if is_absent {
                absent.push(place);
            }
        }
        let stays = |place: &usize| self.stays_in_another_chain(*place, &absent);
        let (over, missed): (Vec<_>, Vec<_>) = absent.iter().copied().partition(stays);
        for place in over {
            self.end(Some(place), moment);
        }
        for place in missed {
            if let Some(interval) = self.intervals.get_mut(place) {
                interval.miss(moment, &self.chronology);
            }
        }
    }

    /// Whether a certificate that is absent may yet come in another chain than this
    /// one, or is missed in that: it goes missing once, in the last of its chains.
    fn stays_in_another_chain(&self, place: usize, absent: &[usize]) -> bool {
        let Some(this) = self.intervals.get(place).filter(|it| it.is_open()) else {
            return false;
        };
        let rank = |place, it: &Interval| {
            let may_come = !absent.contains(&place);
            (may_come, it.seen.is_none(), it.id)
        };
        let mut open = self.intervals.iter().enumerate();
        open.any(|(other, it)| {
            let is_chain = it.is_open() && it.certificate == this.certificate;
            is_chain && rank(other, it) > rank(place, this)
        })
    }
}
