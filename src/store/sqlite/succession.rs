//! The questions at one endpoint and name, one a key type → which of the
//! certificates that are new there renews one of another type.
//!
//! Pure. A server may have certificates of several types side by side, all for
//! the same names: that one of another type came says nothing against the
//! first. It is told as its renewal if it ends later, and the same scan asked
//! for the first and was denied it, or the server, free to choose, chose the
//! first until it was due and now does not. Neither ends the first, which takes
//! the evidence that it always does; and if the scan sees it after all, the
//! other is just new.

use super::absence::FailedLook;
use super::histories::Question;
use super::interval::Interval;
use super::moment::Moment;
use super::relatives::Relatives;
use crate::domain::{KeyType, OutcomeKind, ScanId};
use crate::report::EventKind;

/// A certificate that a server chose to show, free to show any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    pub(super) key_type: KeyType,
    /// What its look says of others.
    pub(super) look: &'a FailedLook,
}

/// Tells what is new at these questions, after a look that the scan had at
/// `moment`, as what it is.
pub(super) fn tell(
    there: &mut [Question],
    choice: Option<Choice<'_>>,
    moment: Moment,
    relatives: &Relatives,
) {
    if there.len() < 2 {
        return;
    }
    let succession = Succession {
        there: &*there,
        choice,
        moment,
        relatives,
    };
    let news: Vec<_> = there.iter().map(|new| succession.news(new)).collect();
    for (question, news) in there.iter_mut().zip(news) {
        let Some(news) = news else { continue };
        if let Some(new) = begun(&mut question.history.intervals, moment.scan) {
            (new.began, new.previous) = match news {
                News::Renews(previous) => (Some(EventKind::Renewed), Some(previous)),
                News::RenewsNone => (Some(EventKind::New), None),
            };
            new.changed = true;
        }
    }
}

struct Succession<'a> {
    there: &'a [Question],
    choice: Option<Choice<'a>>,
    moment: Moment,
    relatives: &'a Relatives,
}

/// What a new certificate is, after all.
#[derive(Clone, Copy, Debug)]
enum News {
    /// It renews this one.
    Renews(i64),
    /// It stands beside what it was told to renew.
    RenewsNone,
}

impl Succession<'_> {
    /// What is to be told of the certificate that is new at a question, if it
    /// is not what was told.
    fn news(&self, question: &Question) -> Option<News> {
        let new = latest(question).filter(|it| it.is_current())?;
        if new.first.scan != self.moment.scan {
            return None;
        }
        let others = self.there.iter();
        let mut others = others.filter(|other| other.key_type != question.key_type);
        match (new.began, new.previous) {
            (Some(EventKind::New), _) => {
                let renewed = others.find(|old| self.is_renewed(old, question, new))?;
                latest(renewed).map(|old| News::Renews(old.certificate))
            }
            (Some(EventKind::Renewed), Some(previous)) => {
                let is_there = |it: &Question| it.history.certificates().any(|it| it == previous);
                let was_seen = others.any(|old| self.saw(old) && is_there(old));
                was_seen.then_some(News::RenewsNone)
            }
            _ => None,
        }
    }

    fn is_renewed(&self, old: &Question, by: &Question, new: &Interval) -> bool {
        let Some(interval) = latest(old).filter(|it| it.is_open()) else {
            return false;
        };
        let (before, after) = (interval.certificate, new.certificate);
        !self.saw(old)
            && self.relatives.renews(before, after)
            && self.relatives.outlasts(before, after)
            && (self.denied(old, interval) || self.chose_until_due(old, interval, by, new))
    }

    /// Whether the scan asked for it, and the server has it no more.
    fn denied(&self, old: &Question, interval: &Interval) -> bool {
        let look = &old.history.look;
        let is_denial = matches!(
            look.outcome,
            OutcomeKind::NoCertificate | OutcomeKind::TlsRefused
        );
        interval.missing.is_some() && look.asked.scan == self.moment.scan && is_denial
    }

    /// Whether it was what the server chose, until it was due. Where those of
    /// several types are current nobody knows which one that was.
    fn chose_until_due(
        &self,
        old: &Question,
        interval: &Interval,
        by: &Question,
        new: &Interval,
    ) -> bool {
        let Some(choice) = self.choice.filter(|it| it.key_type == by.key_type) else {
            return false;
        };
        let others = self.there.iter().filter(|it| it.key_type != by.key_type);
        let open = others.filter(|it| latest(it).is_some_and(Interval::is_open));
        let sessions = (&old.history.look.session, &by.history.look.session);
        new.first == self.moment
            && open.count() == 1
            && choice.look.contradicts(sessions.0, sessions.1)
            && self.relatives.is_due(interval.certificate, self.moment.at)
    }

    /// Whether this scan had an answer to a question.
    fn saw(&self, question: &Question) -> bool {
        question.history.look.answered.scan == self.moment.scan
    }
}

fn latest(question: &Question) -> Option<&Interval> {
    let mut intervals = question.history.intervals.iter();
    intervals.find(|interval| interval.seen.is_none())
}

fn begun(intervals: &mut [Interval], scan: ScanId) -> Option<&mut Interval> {
    let mut intervals = intervals.iter_mut();
    intervals.find(|interval| interval.seen.is_none() && interval.first.scan == scan)
}
