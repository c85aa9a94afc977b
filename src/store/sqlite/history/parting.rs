//! An answer → what is over with it, apart from what it took the place of.

use std::sync::Arc;

use super::History;
use crate::store::sqlite::absence::FailedLook;
use crate::store::sqlite::interval::{Answer, HowEnded};
use crate::store::sqlite::moment::Moment;

impl History {
    /// Ends a certificate that another takes the place of in all the chains that
    /// it was sent in by turns: as far as the look could have brought them, and
    /// its scan has not.
    pub(super) fn end_other_chains(
        &mut self,
        certificate: i64,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
    ) {
        let latest = Arc::clone(&self.look.session);
        let is_over = |place: &usize| {
            self.intervals.get(*place).is_some_and(|it| {
                let contradicted = look.contradicts(it.session(&latest), &answer.session);
                it.certificate == certificate && contradicted && !self.saw(it, moment.scan)
            })
        };
        let over: Vec<_> = (0..self.intervals.len()).filter(is_over).collect();
        for place in over {
            self.end(Some(place), moment);
        }
    }

    /// Ends what alternated and has not come back, though it could have.
    pub(super) fn part_with_absent(&mut self, look: &FailedLook, moment: Moment) {
        let next = self.look.answers + 1;
        let open = self.intervals.iter().filter(|it| it.is_open());
        let open: Vec<_> = open.map(|it| (it.id, it.certificate)).collect();
        let answer = &self.look.session;
        for interval in self.intervals.iter_mut().filter(|it| it.is_open()) {
            let contradicted = look.contradicts(interval.session(answer), answer);
            if contradicted && interval.away(next) > interval.patience() {
                let stays = |(id, certificate): &(i64, i64)| {
                    *id != interval.id && *certificate == interval.certificate
                };
                let how = if open.iter().any(stays) {
                    HowEnded::Replaced
                } else {
                    HowEnded::Gone
                };
                interval.end(moment, how);
            }
        }
    }

    /// The place of what has moved is taken, by an answer that might have been
    /// it: nobody looks for it here any more.
    pub(super) fn vacate_taken(&mut self, look: &FailedLook, moment: Moment) {
        let answer = &self.look.session;
        for interval in self.intervals.iter_mut().filter(|it| !it.is_open()) {
            if look.contradicts(interval.session(answer), answer) {
                interval.vacate(moment);
            }
        }
    }
}
