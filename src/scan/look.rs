//! One visit to one target, and what of it waits for the next.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::name_service::LookupFailure;
use super::no_answer::NoAnswer;
use crate::domain::{Observation, Outcome, Session, Timestamp, clock};

/// One visit to one target.
#[derive(Debug)]
pub(super) struct Look {
    /// The target's index in the plan.
    pub(super) index: u64,
    /// How many looks came before.
    pub(super) earlier: u32,
    /// How many more there were that lacked something here.
    pub(super) shortages: u32,
    /// The best that they came to without an answer.
    pub(super) best: Option<NoAnswer>,
    /// What spoke to them.
    pub(super) seen: Box<[Observation]>,
    /// Whether it is had even though its network began to filter us: its time
    /// has come.
    pub(super) comes_back: bool,
    /// How the look-up of its name failed, if it did.
    pub(super) lookup_failure: Option<LookupFailure>,
    /// Whether the scan's end took a look or a question from the target.
    cut_short: AtomicBool,
    /// Whether an outage did.
    interrupted: AtomicBool,
    /// Whether the last question had no answer.
    unanswered: AtomicBool,
    /// Where it would have gone on, had the hours not been over.
    waits_for: OnceLock<IpAddr>,
}

impl Look {
    /// The first look at a target.
    pub(super) fn first(index: u64) -> Self {
        Self {
            index,
            earlier: 0,
            shortages: 0,
            best: None,
            seen: Box::default(),
            comes_back: false,
            lookup_failure: None,
            cut_short: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
            waits_for: OnceLock::new(),
        }
    }

    /// The look after this one, which came to no answer, with what both have
    /// seen.
    pub(super) fn again(&self, no_answer: NoAnswer, seen: Vec<Observation>) -> Self {
        let was_short = no_answer == NoAnswer::Exhausted;
        Self {
            earlier: self.earlier + u32::from(!was_short),
            shortages: self.shortages + u32::from(was_short),
            best: Some(no_answer.or_earlier(self.best)),
            seen: seen.into(),
            ..Self::first(self.index)
        }
    }

    /// The same look once more, as if it had not been, but for what it has
    /// seen.
    pub(super) fn anew(&self, seen: Vec<Observation>) -> Self {
        Self {
            earlier: self.earlier,
            shortages: self.shortages,
            best: self.best,
            seen: seen.into(),
            comes_back: self.comes_back,
            ..Self::first(self.index)
        }
    }

    /// Itself, as far as it can wait for another run of the scan: what spoke
    /// is seen anew then.
    pub(super) fn deferral(&self) -> Option<Deferral> {
        let best = self.best.filter(|_| self.seen.is_empty())?;
        Some(Deferral {
            index: self.index,
            earlier: self.earlier,
            best,
            at: clock::now(),
        })
    }

    /// Notes that the scan's end takes something from the target.
    pub(super) fn cut_short(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    /// Notes that an outage takes something from the target.
    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Notes that it can't go on before the hours of an address; the first
    /// such address stands.
    pub(super) fn wait_for(&self, address: IpAddr) {
        self.waits_for.get_or_init(|| address);
    }

    /// The address whose hours it waits for.
    pub(super) fn waits_for(&self) -> Option<IpAddr> {
        self.waits_for.get().copied()
    }

    /// Notes whether the question that was just asked had an answer.
    pub(super) fn note_answer(&self, answered: bool) {
        self.unanswered.store(!answered, Ordering::Relaxed);
    }

    pub(super) fn is_unanswered(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// What it holds in memory of what was seen.
    pub(super) fn held(&self) -> usize {
        held(&self.seen)
    }
}

impl From<Deferral> for Look {
    fn from(deferral: Deferral) -> Self {
        Self {
            earlier: deferral.earlier,
            best: Some(deferral.best),
            ..Self::first(deferral.index)
        }
    }
}

/// A target that waits for another look, when nothing spoke at those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deferral {
    /// The target's index in the plan.
    pub(super) index: u64,
    /// How many looks it had.
    pub(super) earlier: u32,
    /// The best that they came to.
    pub(super) best: NoAnswer,
    /// When the last one was over.
    pub(super) at: Timestamp,
}

/// What observations hold in memory; a chain that several share counts for
/// each.
pub(super) fn held(seen: &[Observation]) -> usize {
    let held = seen.iter().map(|seen| match &seen.outcome {
        Outcome::Certificate(presented) => {
            let chain = presented.chain.iter().map(|der| der.as_bytes().len());
            chain.sum::<usize>() + bytes_of(&presented.session)
        }
        Outcome::NoCertificate(_, session) => session.as_deref().map_or(0, bytes_of),
        Outcome::NotTls(_, said) => said.len(),
        Outcome::TlsRefused(_)
        | Outcome::Silent(_)
        | Outcome::Broken(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => 0,
    });
    size_of_val(seen) + held.sum::<usize>()
}

fn bytes_of(session: &Session) -> usize {
    let issuers = session.acceptable_issuers.iter().map(Vec::len);
    issuers.sum::<usize>() + session.ocsp_staple.as_ref().map_or(0, Vec::len)
}
