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
        let said = |it: &Interval| look.says_of(&it.session(&latest).tls_version);
        let is_enough = if self.counts(said) {
            let Some(is_enough) = self.failures.count(moment) else {
                return;
            };
            self.failures_changed = true;
            is_enough
        } else {
            false
        };
        let mut is_news = false;
        for interval in self.intervals.iter_mut().filter(|it| it.is_awaited()) {
            let is_absent = match said(interval) {
                Some(Absence::Denied) => true,
                Some(Absence::Unanswered) => is_enough,
                None => false,
            };
            if is_absent {
                is_news |= interval.miss(moment);
            }
        }
        if is_news {
            self.failures.restart();
            self.failures_changed = true;
        }
    }

    /// Whether a failed look is one of those that are enough together: one that
    /// denied some of the certificates, and says nothing of the others, brings
    /// these no nearer to being missing. What has moved is counted for where it
    /// is all that there was.
    fn counts(&self, said: impl Fn(&Interval) -> Option<Absence>) -> bool {
        let open = self.intervals.iter().filter(|it| it.is_open());
        let mut said_of: Vec<_> = open.map(&said).collect();
        if said_of.is_empty() {
            let moved = self.intervals.iter().filter(|it| it.is_awaited());
            said_of.extend(moved.map(said));
        }
        let denied = Some(Absence::Denied);
        let is_denial = !said_of.is_empty() && said_of.iter().all(|said| *said == denied);
        is_denial || said_of.contains(&Some(Absence::Unanswered))
    }
}
