//! An answer that is known and was not current → how it comes back.
//!
//! What became of a certificate holds for all the chains that it was sent in. As
//! long as it is current in another one, nothing but its chain has changed.

use super::{Beginning, History};
use crate::domain::ScanId;
use crate::report::EventKind;
use crate::store::sqlite::absence::FailedLook;
use crate::store::sqlite::interval::{Answer, HowEnded, Interval};
use crate::store::sqlite::moment::Moment;

/// What became of a certificate that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is current in another chain.
    Stayed,
    /// It was replaced, and comes back as soon as one that takes turns.
    TookTurns,
    /// It was replaced, and comes back later than that.
    Replaced,
    /// It was missing and then gone, for longer than one that takes turns.
    Missed,
    /// It is missing, or was gone for another reason.
    Absent,
}

impl History {
    /// A certificate comes back: in its turn, or after it was missing, gone or
    /// replaced. What took its place ends, unless the same scan saw that.
    pub(super) fn come_back(
        &mut self,
        place: usize,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
    ) -> Beginning {
        self.look.restless = (self.look.restless - 1).max(0);
        let next = self.next_beside(moment.scan);
        let Some(old) = self.intervals.get(place) else {
            return Beginning::new(EventKind::Returned);
        };
        let was_expected = old.away(next) <= old.patience();
        let mut beginning = Beginning {
            kind: EventKind::Returned,
            previous: old.previous,
            longest_away: old.longest_away.max(old.away(next)),
        };
        let fate = self.fate_of(answer.certificate, next);
        // Whether no answer of this scan can take it back.
        let mut is_final = true;
        match fate {
            Fate::Stayed => {
                let is_chain =
                    |it: &Interval| it.is_current() && it.certificate == answer.certificate;
                let other = self.find(|it| is_chain(it) && self.is_over(it, answer, look, moment));
                let seen_beside = self.find(|it| is_chain(it) && self.saw(it, moment.scan));
                beginning.kind = match other {
                    Some(_) if !was_expected && seen_beside.is_none() => EventKind::Changed,
                    _ => EventKind::Alternating,
                };
                if beginning.kind == EventKind::Changed {
                    self.end(other, moment);
                }
            }
            Fate::TookTurns => beginning.kind = EventKind::Alternating,
            Fate::Replaced | Fate::Missed => {
                let latest = self.find(|it| it.is_open() && it.seen.is_none());
                let latest = latest.and_then(|place| self.intervals.get(place));
                let seen_beside = latest.is_some_and(|it| self.saw(it, moment.scan));
                if seen_beside && fate == Fate::Replaced {
                    beginning.kind = EventKind::Alternating;
                }
                let successor = latest.filter(|it| self.is_over(it, answer, look, moment));
                if let Some(theirs) = successor.map(|it| it.certificate) {
                    beginning.previous = Some(theirs);
                    self.end_chains(theirs, answer, look, moment);
                    is_final = false;
                }
            }
            Fate::Absent => {}
        }
        self.end(Some(place), moment);
        self.set_aside_latest();
        if is_final {
            self.unwatch(place, moment);
        }
        beginning
    }

    /// The number of the next answer, without those that its scan had before: how
    /// long something was away does not depend on their order.
    pub(super) fn next_beside(&self, scan: ScanId) -> i64 {
        let seen = self.intervals.iter().filter(|it| self.saw(it, scan));
        seen.fold(self.look.answers + 1, |next, _| next - 1)
    }

    /// What became of a certificate, if it comes back with the answer of this number.
    pub(super) fn fate_of(&self, certificate: i64, next: i64) -> Fate {
        let chains = || {
            let watched = self.intervals.iter().filter(|it| it.watched);
            watched.filter(|it| it.certificate == certificate)
        };
        if chains().any(Interval::is_current) {
            return Fate::Stayed;
        }
        if chains().any(Interval::is_open) {
            return Fate::Absent;
        }
        let away = chains().map(|it| it.away(next)).min();
        let patience = chains().map(Interval::patience).max();
        let is_late = away > patience;
        match last_end(chains()) {
            Some((HowEnded::Replaced, _)) if is_late => Fate::Replaced,
            Some((HowEnded::Replaced, _)) => Fate::TookTurns,
            // What others took turns without may take turns with them again.
            Some((HowEnded::Gone, true)) if is_late => Fate::Missed,
            _ => Fate::Absent,
        }
    }
}

/// How a certificate has ended in its chains, and whether it was missing before.
/// What a scan made of one chain alone is what it made of all.
pub(super) fn last_end<'a>(
    chains: impl Iterator<Item = &'a Interval> + Clone,
) -> Option<(HowEnded, bool)> {
    let ends = chains.filter_map(|it| Some((it.ended?, it.missing.is_some())));
    let last = ends.clone().max_by_key(|(end, _)| end.at.at)?.0.at.scan;
    let ends = ends.filter(|(end, _)| end.at.scan == last);
    ends.map(|(end, was_missing)| (end.how, was_missing)).max()
}
