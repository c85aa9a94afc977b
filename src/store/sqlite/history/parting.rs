//! An answer → what is over with it, apart from what it took the place of.

use std::sync::Arc;

use super::History;
use crate::store::sqlite::absence::FailedLook;
use crate::store::sqlite::interval::{Answer, HowEnded, Interval};
use crate::store::sqlite::moment::Moment;

impl History {
    /// Ends a certificate that another takes the place of, in all the chains that
    /// it was sent in by turns: as far as the look could have brought them, and
    /// its scan has not.
    pub(super) fn end_chains(
        &mut self,
        certificate: i64,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
    ) {
        let is_over =
            |it: &Interval| it.certificate == certificate && self.is_over(it, answer, look, moment);
        let chains = self.intervals.iter().enumerate();
        let over: Vec<_> = chains
            .filter_map(|(place, it)| is_over(it).then_some(place))
            .collect();
        for place in over {
            self.end(Some(place), moment);
        }
    }

    /// Whether the look could have brought an interval's certificate, and its
    /// scan has not.
    pub(super) fn is_over(
        &self,
        interval: &Interval,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
    ) -> bool {
        let session = interval.session(&self.look.session);
        look.contradicts(session, &answer.session) && !self.saw(interval, moment.scan)
    }

    /// Ends what is missing of the certificate of the latest answer: it is back,
    /// in whatever chain.
    pub(super) fn end_missing_chains(&mut self, certificate: i64, moment: Moment) {
        let chains = self.intervals.iter_mut();
        let chains = chains.filter(|it| it.certificate == certificate && it.seen.is_some());
        for interval in chains.filter(|it| !it.is_current()) {
            interval.end(moment, HowEnded::Replaced);
        }
    }

    /// Ends what alternated and has not come back, though it could have. Of a
    /// certificate that was sent in several chains the last one is gone.
    pub(super) fn part_with_absent(&mut self, look: &FailedLook, moment: Moment) {
        let next = self.look.answers + 1;
        let answer = Arc::clone(&self.look.session);
        let is_over = |it: &Interval| {
            it.is_open()
                && it.away(next) > it.patience()
                && look.contradicts(it.session(&answer), &answer)
        };
        for place in 0..self.intervals.len() {
            let Some(interval) = self.intervals.get(place).filter(|it| is_over(it)) else {
                continue;
            };
            let (id, certificate) = (interval.id, interval.certificate);
            let mut open = self.intervals.iter().filter(|it| it.is_open());
            let how = if open.any(|it| it.id != id && it.certificate == certificate) {
                HowEnded::Replaced
            } else {
                HowEnded::Gone
            };
            if let Some(interval) = self.intervals.get_mut(place) {
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
