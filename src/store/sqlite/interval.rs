use std::sync::Arc;

use serde::Deserialize;

use super::absence::{Absence, Failures, MISSING_BEFORE_GONE, Weight};
use super::chronology::Chronology;
use super::moment::Moment;
use crate::domain::{ScanId, Timestamp};
use crate::report::EventKind;

/// A certificate, sent in one chain, in the span in which it was current at a
/// question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two are columns, three say what has to be stored of them"
)]
pub(super) struct Interval {
    pub(super) id: i64,
    pub(super) certificate: i64,
    pub(super) chain: i64,
    /// Whether the flight broke off: the chain may go on.
    pub(super) chain_is_partial: bool,
    /// How it began; `None` where that is no event, since there is another
    /// certificate at every look.
    pub(super) began: Option<EventKind>,
    /// The certificate that it took the place of.
    pub(super) previous: Option<i64>,
    pub(super) first: Moment,
    /// When and how it was last the answer; `None` for the latest answer,
    /// whose look tells.
    pub(super) seen: Option<Seen>,
    /// The failed looks that count against it.
    pub(super) failures: Failures,
    /// Since when it is missing, or was before it ended.
    pub(super) missing: Option<Moment>,
    pub(super) ended: Option<End>,
    /// Since when it is certain that what moved is not here any more.
    pub(super) vacated_at: Option<Timestamp>,
    /// The most looks with other answers that it was away for and came back.
    pub(super) longest_away: i64,
    /// Whether an answer may still continue it or come back to it.
    pub(super) watched: bool,
    /// Whether it has no row yet.
    pub(super) is_new: bool,
    /// Whether it has to be stored.
    pub(super) changed: bool,
    /// Whether its failures have to be stored, or removed.
    pub(super) failures_changed: bool,
}

/// When an interval's certificate was the answer for the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) last: Moment,
    /// The number of that answer among those of its question.
    pub(super) answer: i64,
    /// The session it came by.
    pub(super) session: Arc<SessionWords>,
}

/// How an interval ended, and which scan showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Moment,
    pub(super) how: HowEnded,
}

/// Why a certificate is not current at a question any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HowEnded {
    /// Another interval took its place, or has its certificate in another chain.
    Replaced,
    /// The name leads elsewhere.
    Moved,
    /// It was missing for long enough, or others alternate without it.
    Gone,
}

/// A session in the inventory's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct SessionWords {
    pub(super) tls_version: String,
    pub(super) cipher_suite: String,
    pub(super) key_exchange: Option<String>,
    pub(super) alpn: Option<String>,
    pub(super) client_auth: Option<String>,
    /// The authorities it named, JSON; `None` where it named none.
    pub(super) client_auth_issuers: Option<String>,
    /// The versions that the same look had offered before, in hellos that were
    /// refused, with a space between; `None` where that was not written down.
    pub(super) declined: Option<String>,
}

/// A certificate seen as the answer to the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) certificate: i64,
    pub(super) chain: i64,
    pub(super) session: Arc<SessionWords>,
    /// The trouble that followed the leaf: the rest of the chain is not known.
    pub(super) truncated: Option<String>,
    pub(super) ocsp_staple: Option<Vec<u8>>,
    /// What the hello offered that it came to, where the server had the choice of
    /// its key.
    pub(super) offered: Option<String>,
}

/// Looks that brought another answer before a certificate comes back, at
/// most: else it was replaced in between.
const MOST_LOOKS_AWAY: i64 = 3;

impl Interval {
    /// The interval that begins with an answer.
    pub(super) fn begin(id: i64, answer: &Answer, first: Moment) -> Self {
        Self {
            id,
            certificate: answer.certificate,
            chain: answer.chain,
            chain_is_partial: answer.truncated.is_some(),
            began: Some(EventKind::New),
            previous: None,
            first,
            seen: None,
            failures: Failures::default(),
            missing: None,
            ended: None,
            vacated_at: None,
            longest_away: 0,
            watched: true,
            is_new: true,
            changed: true,
            failures_changed: false,
        }
    }

    /// Whether it has not ended; it may be missing.
    pub(super) fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it is current.
    pub(super) fn is_current(&self) -> bool {
        self.is_open() && self.missing.is_none()
    }

    /// Whether it is looked for: it has not ended, or has moved and may be here
    /// as well.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_open() || self.is_unvacated()
    }

    fn is_unvacated(&self) -> bool {
        let has_moved = self.ended.is_some_and(|end| end.how == HowEnded::Moved);
        has_moved && self.vacated_at.is_none()
    }

    /// Whether it has just begun, and there is no more to be said of it.
    pub(super) fn is_mere_beginning(&self) -> bool {
        self.is_new
            && self.is_current()
            && self.seen.is_none()
            && self.longest_away == 0
            && self.watched
    }

    /// Whether `answer` is more of the same, where `session` is its own. A
    /// flight that broke off shows nothing against the chain known, nor does a
    /// chain known from one against that of a whole flight.
    pub(super) fn is_continued_by(&self, answer: &Answer, session: &SessionWords) -> bool {
        let same_chain = self.chain == answer.chain;
        self.certificate == answer.certificate
            && (same_chain || self.chain_is_partial || answer.truncated.is_some())
            && session.asks_clients_as(&answer.session)
    }

    /// Whether any answer would rather be more of this than of `old`, where
    /// `latest` is the session of the latest answer.
    pub(super) fn is_more_of(&self, old: &Self, latest: &SessionWords) -> bool {
        (self.certificate, self.chain) == (old.certificate, old.chain)
            && old.session(latest).asks_clients_as(self.session(latest))
    }

    /// Whether it began in this scan.
    pub(super) fn is_news_of(&self, scan: ScanId) -> bool {
        self.first.scan == scan
    }

    /// It is an event after all that it began: it stays.
    pub(super) fn tell(&mut self) {
        if self.began.is_none() {
            self.began = Some(match self.previous {
                Some(_) => EventKind::Replaced,
                None => EventKind::New,
            });
            self.changed = true;
        }
    }

    /// Takes the chain of a whole flight in place of one that broke off.
    pub(super) fn complete(&mut self, answer: &Answer) {
        if self.chain_is_partial && answer.truncated.is_none() {
            self.chain = answer.chain;
            self.chain_is_partial = false;
            self.changed = true;
        }
    }

    /// The session that its certificate last came by, where `latest` is that
    /// of the latest answer.
    pub(super) fn session<'a>(&'a self, latest: &'a SessionWords) -> &'a SessionWords {
        self.seen.as_ref().map_or(latest, |seen| &seen.session)
    }

    /// How many answers before that of number `next` were others.
    pub(super) fn away(&self, next: i64) -> i64 {
        self.seen.as_ref().map_or(0, |seen| next - 1 - seen.answer)
    }

    /// How many answers may be others before it is not expected back. One
    /// that came back later than others is given twice that time.
    pub(super) fn patience(&self) -> i64 {
        MOST_LOOKS_AWAY.max(self.longest_away.saturating_mul(2))
    }

    /// Ends it, if it has not.
    pub(super) fn end(&mut self, at: Moment, how: HowEnded) {
        if self.ended.is_none() {
            self.ended = Some(End { at, how });
            self.changed = true;
            self.forget_failures();
        }
    }

    /// It has not ended after all.
    pub(super) fn reopen(&mut self) {
        self.ended = None;
        self.changed = true;
    }

    /// Counts a failed look against it; `None` if that was counted before, else
    /// whether there were enough of them, even if none was an answer.
    pub(super) fn fail(&mut self, at: Moment, absence: Absence) -> Option<bool> {
        let weight = match self.began {
            Some(EventKind::Returned) => Weight::after_a_return(absence),
            _ => Weight::ONE,
        };
        let is_enough = self.failures.count(at, weight)?;
        self.failures_changed = true;
        Some(is_enough)
    }

    /// Nothing counts against it any more.
    pub(super) fn forget_failures(&mut self) {
        self.failures_changed |= self.failures != Failures::default();
        self.failures = Failures::default();
    }

    /// Since when it is absent, by the clock of then.
    pub(super) fn absent_since(&self) -> Option<Moment> {
        self.ended.map(|end| end.at).or(self.missing)
    }

    /// It is absent, by all that is known.
    pub(super) fn miss(&mut self, at: Moment, chronology: &Chronology) {
        let by = |since| chronology.at_the_latest(since, at);
        match self.absent_since() {
            None => {
                self.missing = Some(at);
                self.changed = true;
                self.failures.restart();
                self.failures_changed = true;
            }
            Some(since) if at.at.since(by(since)) >= MISSING_BEFORE_GONE => {
                self.vacate(at);
                self.end(at, HowEnded::Gone);
            }
            Some(_) => {}
        }
    }

    /// What moved is not looked for here any more.
    pub(super) fn vacate(&mut self, at: Moment) {
        if self.is_unvacated() {
            self.vacated_at = Some(at.at);
            self.changed = true;
            self.forget_failures();
        }
    }

    /// Takes back what a scan said of its absence: it was not so after all. What
    /// ended since the latest answer, at `answered`, has ended by its absence.
    pub(super) fn forgive(&mut self, at: Moment, answered: Moment) {
        let was_absent = |end: &End| match end.how {
            HowEnded::Gone => true,
            HowEnded::Replaced => end.at.supersedes(answered),
            HowEnded::Moved => false,
        };
        let absent = self.ended.filter(was_absent);
        if absent.is_some_and(|end| end.at.scan == at.scan) {
            self.reopen();
        }
        if self.is_open() && self.missing.is_some_and(|since| since.scan == at.scan) {
            self.missing = None;
            self.changed = true;
        }
    }
}

impl HowEnded {
    /// Its word in the inventory.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Moved => "moved",
            Self::Gone => "gone",
        }
    }

    /// What has its word; what is no word of ours was replaced.
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            "moved" => Self::Moved,
            "gone" => Self::Gone,
            _ => Self::Replaced,
        }
    }
}

impl SessionWords {
    /// Whether its look was refused what `other` came by: then the server is
    /// another one since. Where nobody knows it is taken for one.
    pub(super) fn was_refused(&self, other: &Self) -> bool {
        self.declined.as_ref().is_none_or(|declined| {
            let mut declined = declined.split(' ');
            declined.any(|version| version == other.tls_version)
        })
    }

    /// Whether clients are asked for certificates as in `other`, as far as is
    /// known. Between sessions of different versions nothing can be told.
    fn asks_clients_as(&self, other: &Self) -> bool {
        let asks = |session: &Self| Some(session.client_auth.as_deref()? != "none");
        match (asks(self), asks(other)) {
            (Some(one), Some(two)) => one == two || self.tls_version != other.tls_version,
            _ => true,
        }
    }
}
