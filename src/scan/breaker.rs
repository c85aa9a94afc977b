//! Signs of looks → whether the network is there.
//!
//! Pure: time comes in as an argument. Signs only raise doubt, and canaries
//! decide: endpoints that answered before. If one of them answers, the silence
//! is the targets' own; if none does, the network is down.
//!
//! Invariant: while there are canaries, a look that got no answer is held back
//! until somebody answers after it. So an outage, once found, takes back all
//! that was seen since the last answer.

use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::canaries::Canaries;
use super::expected::Expected;
use crate::domain::{Endpoint, LocalFault, Observation, Outcome, OutcomeKind, Port};

/// Looks without an answer, in a row, after which canaries are asked.
const ENOUGH: u32 = 32;

/// How many silent looks one counts for where somebody answered before.
pub(super) const OF_KNOWN: u32 = 8;

/// How long silence has to last as well: a fast scan meets 32 dark targets in
/// a moment.
const SILENCE: Duration = Duration::from_secs(4);

/// And how long, where nothing could be sent.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Looks that are held back, past which those to come are told as they are.
const MOST_HELD: usize = 1 << 17;

/// What a question's last connection tells of the way to its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Somebody spoke, there.
    Answer(IpAddr, Port),
    /// Nothing came, or not to the end.
    Silence,
    /// The same, where somebody answered before this scan.
    SilenceOfKnown,
    /// Nothing could be sent.
    Fault,
}

impl Sign {
    /// What an observation tells, if anything.
    pub(super) fn of(seen: &Observation, expected: &Expected) -> Option<Self> {
        let Endpoint { address, port, .. } = seen.endpoint;
        match seen.attempts.last()?.outcome {
            OutcomeKind::Certificate
            | OutcomeKind::NoCertificate
            | OutcomeKind::TlsRefused
            | OutcomeKind::NotTls
            | OutcomeKind::Refused => Some(Self::Answer(address, port)),
            OutcomeKind::Silent
            | OutcomeKind::Broken
            | OutcomeKind::Filtered
            | OutcomeKind::Unreachable => Some(if expected.contains(address, port) {
                Self::SilenceOfKnown
            } else {
                Self::Silence
            }),
            OutcomeKind::LocalError => match &seen.outcome {
                Outcome::LocalError(LocalFault::Exhausted(_) | LocalFault::Internal(_)) => None,
                _ => Some(Self::Fault),
            },
            OutcomeKind::Unresolved
            | OutcomeKind::Excluded
            | OutcomeKind::Fresh
            | OutcomeKind::NotAttempted => None,
        }
    }
}

/// Decides on the looks `H` that got no answer.
#[derive(Debug)]
pub(super) struct Breaker<H> {
    canaries: Canaries,
    doubt: u32,
    faults: u32,
    /// When somebody last answered.
    vouched_at: Instant,
    held: Vec<H>,
    stage: Stage,
    outages: Outages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Closed,
    /// The network is down, since then.
    Open(Instant),
}

/// Times without a network in which a scan paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    /// How many.
    pub count: u32,
    /// How long all together.
    pub paused: Duration,
}

/// What becomes of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Custody<H> {
    /// It is told.
    Told(H),
    /// It is held back.
    Held,
    /// It fell into an outage: its target is to be looked at again.
    Again(H),
}

impl<H> Breaker<H> {
    pub(super) fn new(canaries: Canaries, now: Instant) -> Self {
        Self {
            canaries,
            doubt: 0,
            faults: 0,
            vouched_at: now,
            held: Vec::new(),
            stage: Stage::Closed,
            outages: Outages::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// The outages so far, the present one included.
    pub(super) fn outages(&self, now: Instant) -> Outages {
        let mut outages = self.outages;
        if let Stage::Open(since) = self.stage {
            outages.paused += now.saturating_duration_since(since);
        }
        outages
    }

    pub(super) fn canaries(&self) -> Vec<(IpAddr, Port)> {
        self.canaries.list()
    }

    /// Takes a sign; returns the looks that it vouches for.
    pub(super) fn see(&mut self, sign: Sign, now: Instant) -> Vec<H> {
        match sign {
            Sign::Answer(address, port) => {
                self.canaries.answered(address, port);
                return self.vouch(now);
            }
            Sign::Silence => self.doubt += 1,
            Sign::SilenceOfKnown => self.doubt += OF_KNOWN,
            Sign::Fault => {
                self.doubt += 1;
                self.faults += 1;
            }
        }
        Vec::new()
    }

    /// Somebody answers: returns the looks that are as good as that. In an
    /// outage, a late answer to an early question proves nothing.
    fn vouch(&mut self, now: Instant) -> Vec<H> {
        if self.is_open() {
            return Vec::new();
        }
        self.doubt = 0;
        self.faults = 0;
        self.vouched_at = now;
        mem::take(&mut self.held)
    }

    /// Decides on a look without an answer that began after so many outages.
    pub(super) fn take(&mut self, look: H, outages: u32) -> Custody<H> {
        match self.stage {
            Stage::Open(_) => Custody::Again(look),
            Stage::Closed if self.outages.count != outages => Custody::Again(look),
            Stage::Closed if !self.canaries.is_empty() && self.held.len() < MOST_HELD => {
                self.held.push(look);
                Custody::Held
            }
            Stage::Closed => Custody::Told(look),
        }
    }

    /// When canaries are to be asked, as things stand.
    pub(super) fn doubted_from(&self) -> Option<Instant> {
        if self.is_open() || self.canaries.is_empty() {
            None
        } else if self.faults >= ENOUGH {
            Some(self.vouched_at + STANDSTILL)
        } else if self.doubt >= ENOUGH {
            Some(self.vouched_at + SILENCE)
        } else {
            None
        }
    }

    /// Returns the looks that there is too little reason to doubt, when nobody
    /// is left who might vouch for them.
    pub(super) fn give_up_doubt(&mut self) -> Vec<H> {
        if self.doubt < ENOUGH {
            mem::take(&mut self.held)
        } else {
            Vec::new()
        }
    }

    /// No canary may be asked: doubt begins anew. Returns the looks that nobody
    /// vouches for.
    pub(super) fn let_doubt_be(&mut self, now: Instant) -> Vec<H> {
        self.vouch(now)
    }

    /// No canary answered, asked since then. Returns the looks that are to be
    /// had again; `None` if somebody else has answered meanwhile.
    pub(super) fn open(&mut self, asked: Instant, now: Instant) -> Option<Vec<H>> {
        if self.is_open() || self.vouched_at >= asked {
            return None;
        }
        self.stage = Stage::Open(now);
        self.outages.count += 1;
        Some(mem::take(&mut self.held))
    }

    /// A canary answered: the network is back.
    pub(super) fn close(&mut self, now: Instant) {
        self.outages = self.outages(now);
        self.stage = Stage::Closed;
        self.vouch(now);
    }

    /// The scan is over: returns the looks that are told as they are.
    pub(super) fn empty(&mut self) -> Vec<H> {
        mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: (IpAddr, Port) = (
        IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
        Port::HTTPS,
    );

    const ANSWER: Sign = Sign::Answer(PLACE.0, PLACE.1);

    fn breaker() -> Breaker<u32> {
        Breaker::new(Canaries::new(&[PLACE]), Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_ever_answered_nothing_is_held_or_doubted() {
        let mut dark = Breaker::new(Canaries::new(&[]), Instant::now());
        for look in 0..1000 {
            dark.see(Sign::Silence, Instant::now());
            assert_eq!(dark.take(look, 0), Custody::Told(look));
        }
        assert_eq!(dark.doubted_from(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_vouches_for_the_silence_before_it() {
        let (mut breaker, now) = (breaker(), Instant::now());
        for look in 0..ENOUGH {
            assert_eq!(breaker.doubted_from(), None);
            breaker.see(Sign::Silence, now);
            assert_eq!(breaker.take(look, 0), Custody::Held);
        }
        assert_eq!(breaker.doubted_from(), Some(now + SILENCE));
        let told = breaker.see(ANSWER, now);
        assert_eq!(told.len(), ENOUGH as usize);
        assert_eq!(breaker.doubted_from(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn known_endpoints_raise_doubt_sooner_and_faults_at_once() {
        let (mut one, now) = (breaker(), Instant::now());
        for _ in 0..ENOUGH / OF_KNOWN {
            assert_eq!(one.doubted_from(), None);
            one.see(Sign::SilenceOfKnown, now);
        }
        assert!(one.doubted_from().is_some());
        let mut other = breaker();
        for _ in 0..ENOUGH {
            other.see(Sign::Fault, now);
        }
        assert_eq!(other.doubted_from(), Some(now + STANDSTILL));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_takes_back_what_was_seen_since_the_last_answer() {
        let (mut breaker, now) = (breaker(), Instant::now());
        let later = now + SILENCE;
        assert_eq!(breaker.take(1, 0), Custody::Held);
        assert_eq!(breaker.open(later, later), Some(vec![1]));
        assert_eq!(breaker.take(2, 0), Custody::Again(2));
        let late = breaker.see(ANSWER, later);
        assert!(late.is_empty() && breaker.is_open());
        breaker.close(later + SILENCE);
        assert_eq!(breaker.outages(later + SILENCE).paused, SILENCE);
        assert_eq!(breaker.take(3, 0), Custody::Again(3), "it began before");
        assert_eq!(breaker.take(4, 1), Custody::Held);
        assert_eq!(breaker.empty(), [4]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_while_canaries_are_asked_is_one_of_them() {
        let (mut breaker, now) = (breaker(), Instant::now());
        breaker.see(ANSWER, now + SILENCE);
        assert_eq!(breaker.open(now, now + 2 * SILENCE), None);
    }
}
