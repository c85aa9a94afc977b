//! An answer → what earlier ones of its scan did not end after all.
//!
//! What one scan sees stands side by side, in whatever order it comes: what would
//! have taken turns with an answer, had that come first, takes turns with it. Of two
//! that were both not there before, the first is told as what it is by itself.

use super::returning::{Fate, last_end};
use super::{Beginning, History, is_ephemeral};
use crate::domain::ScanId;
use crate::report::EventKind;
use crate::store::sqlite::interval::{Answer, End, HowEnded, Interval};
use crate::store::sqlite::moment::Moment;
use crate::store::sqlite::relatives::Relatives;

impl History {
    /// Lets what began in this scan stand beside `answer`, and what ended by that go
    /// on.
    pub(super) fn take_back(&mut self, answer: &Answer, moment: Moment, relatives: &Relatives) {
        let news = self.intervals.iter().enumerate();
        let news = news.filter(|(_, it)| it.is_news_of(moment.scan) && self.saw(it, moment.scan));
        let disproved: Vec<_> = news
            .filter(|(_, new)| self.is_disproved(new, answer, moment.scan, relatives))
            .map(|(place, _)| place)
            .collect();
        for place in disproved {
            self.stand_beside(place);
        }
        if let Some(here) = self.find(|it| self.has_parted(it, answer, moment.scan))
            && let Some(here) = self.intervals.get_mut(here)
        {
            here.reopen();
        }
    }

    /// Whether an answer is in a chain that this scan took for over, for the others
    /// that its certificate came in.
    fn has_parted(&self, interval: &Interval, answer: &Answer, scan: ScanId) -> bool {
        let is_end = |end: &End| end.how == HowEnded::Replaced && end.at.scan == scan;
        let mut news = self.intervals.iter().filter(|it| it.is_news_of(scan));
        interval.missing.is_none()
            && interval.ended.as_ref().is_some_and(is_end)
            && interval.is_continued_by(answer, interval.session(&self.look.session))
            && !news.any(|new| self.ended_by(new).any(|it| it.id == interval.id))
    }

    /// Nobody comes back to what has come back: till the end of that scan it was
    /// kept for the case that this is taken back.
    pub(super) fn unwatch_returned(&mut self, moment: Moment) {
        let latest = &self.look.session;
        let is_again = |old: &Interval, new: &Interval| {
            new.id > old.id && new.is_more_of(old, latest) && !new.is_news_of(moment.scan)
        };
        let over = self.intervals.iter().enumerate();
        let over = over.filter(|(_, it)| it.watched && !it.is_open() && it.seen.is_some());
        let over = over.filter(|(_, old)| self.intervals.iter().any(|new| is_again(old, new)));
        let over: Vec<_> = over.map(|(place, _)| place).collect();
        for place in over {
            self.unwatch(place, moment);
        }
    }

    /// Whether it would have begun otherwise if `answer` had come first.
    fn is_disproved(
        &self,
        new: &Interval,
        answer: &Answer,
        scan: ScanId,
        relatives: &Relatives,
    ) -> bool {
        let certificate = answer.certificate;
        let mut ended = self.ended_by(new).peekable();
        let has_ended = ended.peek().is_some();
        if new.certificate == certificate {
            let latest = &self.look.session;
            let is_answer = |it: &Interval| it.is_continued_by(answer, it.session(latest));
            let mut others = self.intervals.iter().filter(|it| it.id != new.id);
            let is_here = |it: &Interval| it.is_current() && !it.is_news_of(scan) && is_answer(it);
            return has_ended && (ended.any(is_answer) || others.any(is_here));
        }
        let was_ended = ended.any(|it| it.certificate == certificate);
        match new.began {
            Some(EventKind::Renewed) if has_ended => {
                let renewed = relatives.renews(certificate, new.certificate);
                was_ended || renewed && self.ends_nothing(certificate, scan)
            }
            // Of another key type, if it renews any.
            Some(EventKind::New | EventKind::Renewed) => self.knew(certificate, scan),
            Some(EventKind::Replaced | EventKind::Returned) | None if has_ended => {
                was_ended || self.ends_nothing(certificate, scan)
            }
            _ => false,
        }
    }

    /// What a new one took the place of, in all its chains that ended by that.
    fn ended_by(&self, new: &Interval) -> impl Iterator<Item = &Interval> {
        let end = End {
            at: new.first,
            how: HowEnded::Replaced,
        };
        let scan = new.first.scan;
        let mut open = self.intervals.iter().filter(|it| it.is_open());
        let is_left = open.any(|it| Some(it.certificate) == new.previous && !it.is_news_of(scan));
        let (of_another, of_its_own) = match new.began {
            Some(EventKind::Changed) => (false, true),
            Some(EventKind::Renewed | EventKind::Replaced) => (true, false),
            // If any is left, a chain of what stands beside it parted at that moment.
            Some(EventKind::Returned) => (!is_left, false),
            None => (!is_left, true),
            Some(_) => (false, false),
        };
        let (id, certificate, previous) = (new.id, new.certificate, new.previous);
        self.intervals.iter().filter(move |it| {
            let is_previous = of_another && Some(it.certificate) == previous;
            let is_chain = of_its_own && it.certificate == certificate && it.missing.is_none();
            it.watched && it.id != id && it.ended == Some(end) && (is_previous || is_chain)
        })
    }

    /// Whether a certificate was known before this scan.
    fn knew(&self, certificate: i64, scan: ScanId) -> bool {
        let mut intervals = self.intervals.iter().filter(|it| it.watched);
        intervals.any(|it| it.certificate == certificate && !it.is_news_of(scan))
    }

    /// Whether an answer with a certificate that was known before this scan leaves
    /// what is there as it is.
    fn ends_nothing(&self, certificate: i64, scan: ScanId) -> bool {
        let mut current = self.intervals.iter().filter(|it| it.is_current());
        match self.fate_of(certificate, self.next_beside(scan)) {
            Fate::Stayed => current.any(|it| it.certificate == certificate && !it.is_news_of(scan)),
            Fate::TookTurns | Fate::Absent => self.knew(certificate, scan),
            Fate::Replaced | Fate::Missed => false,
        }
    }

    /// What is new stands beside what it took the place of.
    fn stand_beside(&mut self, place: usize) {
        let Some(new) = self.intervals.get(place) else {
            return;
        };
        let ended: Vec<_> = self.ended_by(new).map(|it| it.id).collect();
        let beginning = self.beginning_beside(new);
        // As if the answer had come first.
        let is_event = !is_ephemeral(self.look.restless - 1);
        for interval in &mut self.intervals {
            if ended.contains(&interval.id) {
                interval.reopen();
            }
        }
        if let Some(new) = self.intervals.get_mut(place) {
            new.began = (new.began.is_some() || is_event).then_some(beginning.kind);
            new.previous = beginning.previous;
            new.changed = true;
        }
    }

    fn beginning_beside(&self, new: &Interval) -> Beginning {
        let is_chain = |it: &Interval| it.certificate == new.certificate;
        if self.ended_by(new).any(is_chain) {
            return Beginning {
                previous: new.previous,
                ..Beginning::new(EventKind::Alternating)
            };
        }
        let before = self.intervals.iter().filter(|it| it.watched);
        let before = before.filter(|it| it.id < new.id && is_chain(it));
        // What it came back to, if it did.
        let old = before.clone();
        let old = old.max_by_key(|it| (it.chain == new.chain, it.id));
        Beginning {
            previous: old.and_then(|old| old.previous),
            ..Beginning::new(match last_end(before) {
                Some((HowEnded::Gone, _)) => EventKind::Returned,
                _ => EventKind::Alternating,
            })
        }
    }
}
