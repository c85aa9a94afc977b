//! An answer that is known and was not current → how it comes back.

use super::{Beginning, History};
use crate::report::EventKind;
use crate::store::sqlite::absence::FailedLook;
use crate::store::sqlite::interval::{Answer, HowEnded};
use crate::store::sqlite::moment::Moment;

impl History {
    /// A certificate comes back: in its turn, or after it was missing, gone or
    /// replaced.
    pub(super) fn come_back(
        &mut self,
        place: usize,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
    ) -> Beginning {
        self.look.restless = (self.look.restless - 1).max(0);
        let next = self.look.answers + 1;
        let successor = self.find(|it| {
            let is_latest = it.is_open() && it.seen.is_none();
            is_latest && look.contradicts(&self.look.session, &answer.session)
        });
        let theirs = successor.and_then(|place| self.intervals.get(place));
        let seen_beside = theirs.is_some_and(|it| self.saw(it, moment.scan));
        let theirs = theirs.map(|interval| interval.certificate);
        let Some(old) = self.intervals.get_mut(place) else {
            return Beginning::new(EventKind::Returned);
        };
        let away = old.away(next);
        let was_replaced = old.ended.is_some_and(|end| end.how == HowEnded::Replaced);
        // What others took turns without may take turns with them again.
        let was_missed = old.missing.is_some()
            && old.ended.is_some_and(|end| end.how == HowEnded::Gone)
            && away > old.patience();
        let mut beginning = Beginning {
            kind: EventKind::Returned,
            previous: old.previous,
            longest_away: old.longest_away.max(away),
        };
        let is_other = theirs != Some(old.certificate);
        if was_replaced && (away <= old.patience() || (seen_beside && is_other)) {
            beginning.kind = EventKind::Alternating;
        } else if (was_replaced || was_missed) && is_other && !seen_beside {
            beginning.previous = theirs.or(beginning.previous);
            if let Some(theirs) = theirs {
                self.end_other_chains(theirs, answer, look, moment);
            }
            self.end(successor, moment);
        } else if was_replaced {
            beginning.kind = EventKind::Changed;
            self.end(successor, moment);
        }
        self.end(Some(place), moment);
        self.set_aside_latest();
        self.unwatch(place, moment);
        beginning
    }
}
