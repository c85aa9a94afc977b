//! Answers and failed looks → the intervals of one question.
//!
//! Pure: what is known comes in, what has to be stored is marked changed.
//!
//! Another certificate ends the one before it at once, if the look could have
//! brought that one or if it renews it. One that comes back within three looks
//! alternates with its successor, and both are current; so are all that take
//! turns, until one stays away for too long, and two that one scan saw, in
//! whatever order (see `beside`): they may depend on the version, or on the server
//! behind a balancer. One that comes
//! back later, after it was replaced or missed until it was gone, ends what was
//! there meanwhile: see `returning`. Without a successor it takes evidence: see
//! `missing`.

mod beside;
mod missing;
mod parting;
mod returning;

use std::sync::Arc;

use crate::domain::{OutcomeKind, ScanId};
use crate::report::EventKind;

use super::absence::FailedLook;
use super::chronology::Chronology;
use super::interval::{Answer, HowEnded, Interval, Seen};
use super::look::{Look, RESTLESS, is_ephemeral};
use super::moment::Moment;
use super::relatives::Relatives;

/// One question: how it stands, and what was installed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) look: Look,
    /// Those that an answer may continue or come back to, the latest answer
    /// among them; and those that were till now.
    pub(super) intervals: Vec<Interval>,
    /// When the scans ran that say since when something is absent.
    pub(super) chronology: Arc<Chronology>,
    /// Intervals that are over and were no events: nothing is kept of them.
    pub(super) forgotten: Vec<i64>,
    /// Whether the look has to be stored: when the question was asked and
    /// answered.
    pub(super) look_changed: bool,
    /// And whether also the way in which the answer came.
    pub(super) way_changed: bool,
}

/// Intervals that have ended and may be come back to, at most.
const MOST_ENDED: usize = 8;

/// What an unknown answer adds to the restlessness of a question, while one
/// that is known takes off 1; and where it stops.
const RESTLESS_STEP: i64 = 2;
const MOST_RESTLESS: i64 = 2 * RESTLESS;

/// Where an answer belongs.
enum Place {
    /// It continues this interval.
    Current(usize),
    /// It comes back to what is missing here, or has ended.
    Past(usize),
    /// Nothing like it is known.
    Nowhere,
}

/// An interval about to begin.
#[derive(Clone, Copy)]
struct Beginning {
    kind: EventKind,
    previous: Option<i64>,
    longest_away: i64,
}

impl History {
    /// The history of a question that was never answered before.
    pub(super) fn begin(answer: Answer, moment: Moment, ids: &mut impl FnMut() -> i64) -> Self {
        Self {
            intervals: vec![Interval::begin(ids(), &answer, moment)],
            look: Look::begin(answer, moment),
            chronology: Arc::default(),
            forgotten: Vec::new(),
            look_changed: true,
            way_changed: true,
        }
    }

    /// The question was answered.
    pub(super) fn answered(
        &mut self,
        answer: Answer,
        look: &FailedLook,
        moment: Moment,
        relatives: &Relatives,
        ids: &mut impl FnMut() -> i64,
    ) {
        self.look_changed |= self.look.ask(OutcomeKind::Certificate, moment);
        if !moment.supersedes(self.look.answered) {
            return;
        }
        let answered = self.look.answered;
        for interval in self.intervals.iter_mut().filter(|it| it.watched) {
            interval.forgive(moment, answered);
            interval.forget_failures();
        }
        self.unwatch_returned(moment);
        self.take_back(&answer, moment, relatives);
        let certificate = answer.certificate;
        match self.place_of(&answer) {
            Place::Current(place) => self.go_on(place, &answer),
            Place::Past(place) => {
                let beginning = self.come_back(place, &answer, look, moment);
                self.begin_anew(&answer, beginning, moment, ids());
            }
            Place::Nowhere => {
                let beginning = self.take_over(&answer, look, moment, relatives);
                self.begin_anew(&answer, beginning, moment, ids());
            }
        }
        self.look_changed = true;
        self.way_changed |= self.look.answer(answer, moment);
        self.end_missing_chains(certificate, moment);
        self.part_with_absent(look, moment);
        self.vacate_taken(look, moment);
        self.forget_oldest(moment);
    }

    /// Intervals to store.
    pub(super) fn changed_intervals(&self) -> impl Iterator<Item = &Interval> {
        self.intervals.iter().filter(|interval| interval.changed)
    }

    /// Intervals whose failures to store, or to remove.
    pub(super) fn changed_failures(&self) -> impl Iterator<Item = &Interval> {
        let intervals = self.intervals.iter();
        intervals.filter(|interval| interval.failures_changed)
    }

    /// The certificates that an answer may be related to.
    pub(super) fn certificates(&self) -> impl Iterator<Item = i64> {
        self.intervals.iter().map(|interval| interval.certificate)
    }

    /// The certificate of the latest answer.
    pub(super) fn latest_certificate(&self) -> Option<i64> {
        let latest = self.latest().and_then(|place| self.intervals.get(place));
        latest.map(|interval| interval.certificate)
    }

    /// Whether the latest answer began in this scan.
    pub(super) fn has_news_of(&self, scan: ScanId) -> bool {
        let latest = self.latest().and_then(|place| self.intervals.get(place));
        latest.is_some_and(|interval| interval.first.scan == scan)
    }

    fn place_of(&self, answer: &Answer) -> Place {
        let is_continued = |interval: &Interval| {
            interval.is_continued_by(answer, interval.session(&self.look.session))
        };
        let same = |interval: &Interval| interval.certificate == answer.certificate;
        let current = self.find(|it| it.is_current() && is_continued(it));
        let past = || self.find(is_continued);
        let similar = || match self.find(|it| it.is_current() && same(it)) {
            Some(_) => None,
            None => self.find(same),
        };
        match (current, past().or_else(similar)) {
            (Some(place), _) => Place::Current(place),
            (None, Some(place)) => Place::Past(place),
            (None, None) => Place::Nowhere,
        }
    }

    /// The place of an interval that is watched: of several that which was the
    /// answer last.
    fn find(&self, wanted: impl Fn(&Interval) -> bool) -> Option<usize> {
        let watched = self.intervals.iter().enumerate();
        watched
            .filter(|(_, interval)| interval.watched && wanted(interval))
            .max_by_key(|(_, it)| (it.seen.as_ref().map_or(i64::MAX, |seen| seen.answer), it.id))
            .map(|(place, _)| place)
    }

    fn latest(&self) -> Option<usize> {
        self.find(|interval| interval.seen.is_none())
    }

    /// More of the same, or the turn of another that alternates.
    fn go_on(&mut self, place: usize, answer: &Answer) {
        self.look.restless = (self.look.restless - 1).max(0);
        if self.latest() != Some(place) {
            self.set_aside_latest();
        }
        let next = self.look.answers + 1;
        if let Some(interval) = self.intervals.get_mut(place) {
            interval.longest_away = interval.longest_away.max(interval.away(next));
            interval.changed |= interval.seen.take().is_some();
            interval.complete(answer);
            if !is_ephemeral(self.look.restless) {
                interval.tell();
            }
        }
    }

    /// A certificate that nobody knew takes the place of the one it renews,
    /// else of the latest answer that the look could have brought.
    fn take_over(
        &mut self,
        answer: &Answer,
        look: &FailedLook,
        moment: Moment,
        relatives: &Relatives,
    ) -> Beginning {
        let new = answer.certificate;
        let is_left = |it: &Interval| {
            let session = it.session(&self.look.session);
            let contradicted = look.contradicts(session, &answer.session);
            it.is_open() && (contradicted || self.saw(it, moment.scan))
        };
        let same = self.find(|it| it.is_open() && it.certificate == new);
        let renewed = self.find(|it| it.is_open() && relatives.renews(it.certificate, new));
        let before = same.or(renewed).or_else(|| self.find(is_left));
        let is_vacant = before.is_none();
        let before = before.or_else(|| self.find(|it| it.seen.is_none() && !it.is_open()));
        let old = before.and_then(|place| self.intervals.get(place));
        let renews = old.is_some_and(|old| relatives.renews(old.certificate, new));
        let takes_turns = old.is_some_and(|old| self.saw(old, moment.scan));
        let is_due = renews && old.is_some_and(|old| relatives.is_due(old.certificate, moment.at));
        let previous = old.map(|old| old.certificate);
        let beginning = match (same, renews, is_vacant) {
            (Some(_), ..) => Beginning {
                previous: old.and_then(|old| old.previous),
                ..Beginning::new(if takes_turns {
                    EventKind::Alternating
                } else {
                    EventKind::Changed
                })
            },
            _ if takes_turns => Beginning::new(EventKind::Alternating),
            (None, true, _) => Beginning {
                previous,
                ..Beginning::new(EventKind::Renewed)
            },
            (None, false, false) => Beginning {
                previous,
                ..Beginning::new(EventKind::Replaced)
            },
            (None, false, true) => Beginning::new(EventKind::New),
        };
        if !is_due {
            self.look.restless = (self.look.restless + RESTLESS_STEP).min(MOST_RESTLESS);
        }
        if !takes_turns {
            if let (None, Some(replaced)) = (same, previous) {
                self.end_chains(replaced, answer, look, moment);
            }
            self.end(before, moment);
        }
        self.set_aside_latest();
        beginning
    }

    /// Whether a scan had this interval's certificate for an answer, and it is
    /// current.
    fn saw(&self, interval: &Interval, scan: ScanId) -> bool {
        let last = interval
            .seen
            .as_ref()
            .map_or(self.look.answered, |it| it.last);
        interval.is_current() && last.scan == scan
    }

    fn begin_anew(&mut self, answer: &Answer, beginning: Beginning, moment: Moment, id: i64) {
        let is_event = !is_ephemeral(self.look.restless);
        self.intervals.push(Interval {
            began: is_event.then_some(beginning.kind),
            previous: beginning.previous,
            longest_away: beginning.longest_away,
            ..Interval::begin(id, answer, moment)
        });
    }

    fn end(&mut self, place: Option<usize>, moment: Moment) {
        if let Some(interval) = place.and_then(|place| self.intervals.get_mut(place)) {
            interval.end(moment, HowEnded::Replaced);
        }
    }

    /// Writes down when and how the latest answer was seen: another is about
    /// to be.
    fn set_aside_latest(&mut self) {
        let seen = Seen {
            last: self.look.answered,
            answer: self.look.answers,
            session: Arc::clone(&self.look.session),
        };
        let latest = self.latest();
        if let Some(latest) = latest.and_then(|place| self.intervals.get_mut(place)) {
            latest.seen = Some(seen);
            latest.changed = true;
        }
    }

    fn forget_oldest(&mut self, moment: Moment) {
        let past = |it: &Interval| it.watched && !it.is_open() && it.seen.is_some();
        let count = self.intervals.iter().filter(|it| past(it)).count();
        for _ in MOST_ENDED..count {
            let ended = self.intervals.iter().enumerate();
            let ended = ended.filter(|(_, interval)| past(interval));
            // Whether this scan's will stay ended is not known yet.
            let is_news = |it: &Interval| it.ended.is_some_and(|end| end.at.scan == moment.scan);
            let oldest = ended.min_by_key(|(_, interval)| (is_news(interval), interval.id));
            if let Some((oldest, _)) = oldest {
                self.unwatch(oldest, moment);
            }
        }
    }

    fn unwatch(&mut self, place: usize, moment: Moment) {
        if let Some(interval) = self.intervals.get_mut(place) {
            interval.vacate(moment);
            interval.watched = false;
            interval.changed = true;
            if interval.began.is_none() {
                self.forgotten.push(interval.id);
            }
        }
    }
}

impl Beginning {
    fn new(kind: EventKind) -> Self {
        Self {
            kind,
            previous: None,
            longest_away: 0,
        }
    }
}

#[cfg(test)]
mod tests;
