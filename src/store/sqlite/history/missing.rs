//! Looks without an answer → what is missing, and then gone: see `absence`.

use std::sync::Arc;

use super::History;
use crate::domain::OutcomeKind;
use crate::store::sqlite::absence::{Absence, FailedLook};
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
        for interval in self.intervals.iter_mut().filter(|it| it.is_awaited()) {
            let version = &interval.session(&latest).tls_version;
            let Some(absence) = look.says_of(version) else {
                continue;
            };
            let Some(is_enough) = interval.fail(moment) else {
                continue;
            };
            let is_absent = match absence {
                Absence::Denied => true,
                Absence::Unanswered => is_enough,
            };
            if is_absent {
                interval.miss(moment);
            }
        }
    }
}
