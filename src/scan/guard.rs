//! The breaker among the workers: whoever sees a sign tells it, and takes the
//! looks that become good by it.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::breaker::{Breaker, Custody, Outages, Sign};
use super::canaries::Canaries;
use super::expected::Expected;
use crate::domain::{Dialect, Endpoint, LocalFault, Observation, Outcome, OutcomeKind, Zone};

/// Watches over the looks `H` of a scan.
pub(super) struct Guard<H> {
    state: Mutex<State<H>>,
    expected: Arc<Expected>,
    /// Whether canaries are to be asked may have changed.
    changed: Notify,
    stop: CancellationToken,
}

struct State<H> {
    breaker: Breaker<H>,
    /// Looks that somebody has vouched for, to be told.
    vouched: Vec<H>,
    /// Cancelled when first dials are not to be made: in an outage, and when
    /// the scan stops.
    way: CancellationToken,
}

impl<H> Guard<H> {
    pub(super) fn new(expected: Arc<Expected>, stop: &CancellationToken) -> Self {
        let canaries = Canaries::new(expected.targets());
        Self {
            state: Mutex::new(State {
                breaker: Breaker::new(canaries, Instant::now()),
                vouched: Vec::new(),
                way: stop.child_token(),
            }),
            expected,
            changed: Notify::new(),
            stop: stop.clone(),
        }
    }

    /// What keeps first dials from being made.
    pub(super) fn way(&self) -> CancellationToken {
        self.state().way.clone()
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().breaker.is_open()
    }

    pub(super) fn outages(&self) -> Outages {
        self.state().breaker.outages(Instant::now())
    }

    /// What an observation tells of the way, if anything.
    pub(super) fn sign(&self, seen: &Observation) -> Option<Sign> {
        let Endpoint { address, port, .. } = seen.endpoint;
        match seen.attempts.last()?.outcome {
            OutcomeKind::Certificate
            | OutcomeKind::NoCertificate
            | OutcomeKind::TlsRefused
            | OutcomeKind::NotTls
            | OutcomeKind::Refused => Some(Sign::Answer(address, port)),
            OutcomeKind::Silent
            | OutcomeKind::Broken
            | OutcomeKind::Filtered
            | OutcomeKind::Unreachable => Some(if self.expected.contains(address, port) {
                Sign::SilenceOfKnown
            } else {
                Sign::Silence
            }),
            OutcomeKind::LocalError => match &seen.outcome {
                Outcome::LocalError(LocalFault::Exhausted(_) | LocalFault::Internal(_)) => None,
                _ => Some(Sign::Fault),
            },
            OutcomeKind::Unresolved
            | OutcomeKind::Excluded
            | OutcomeKind::Fresh
            | OutcomeKind::NotAttempted => None,
        }
    }

    /// Takes a sign.
    pub(super) fn see(&self, sign: Sign) {
        let mut state = self.state();
        let State {
            breaker, vouched, ..
        } = &mut *state;
        let before = breaker.doubted_from();
        vouched.extend(breaker.see(sign, Instant::now()));
        if breaker.doubted_from() != before {
            self.changed.notify_one();
        }
    }

    /// An endpoint answers.
    pub(super) fn hear(&self, endpoint: &Endpoint) {
        self.see(Sign::Answer(endpoint.address, endpoint.port));
    }

    /// Decides on a look without an answer that began after so many outages.
    pub(super) fn take(&self, look: H, outages: u32) -> Custody<H> {
        self.state().breaker.take(look, outages)
    }

    /// The looks that are to be told since this was last asked.
    pub(super) fn vouched(&self) -> Vec<H> {
        mem::take(&mut self.state().vouched)
    }

    /// Returns when canaries are to be asked.
    ///
    /// Cancel safe.
    pub(super) async fn doubted(&self) {
        loop {
            let from = self.state().breaker.doubted_from();
            match from {
                None => self.changed.notified().await,
                Some(from) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(from) => return,
                },
            }
        }
    }

    /// Whom to ask, one first of all.
    pub(super) fn canaries(&self, zone: &Zone) -> Vec<Endpoint> {
        let canaries = self.state().breaker.canaries().into_iter();
        let endpoint = |(address, port)| {
            // The dialect matters to nobody: nothing is said.
            Endpoint::tcp(zone.clone(), address, port, Dialect::Tls)
        };
        canaries.map(endpoint).collect()
    }

    /// Nobody is left who might vouch for what is held.
    pub(super) fn give_up_doubt(&self) {
        let mut state = self.state();
        let held = state.breaker.give_up_doubt();
        state.vouched.extend(held);
    }

    /// No canary answered, asked since then: no first dial goes out. Returns
    /// the looks to be had again, unless somebody has answered meanwhile.
    pub(super) fn open(&self, asked: Instant) -> Option<Vec<H>> {
        let mut state = self.state();
        let again = state.breaker.open(asked, Instant::now())?;
        state.way.cancel();
        Some(again)
    }

    /// The network is back.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.breaker.close(Instant::now());
        state.way = self.stop.child_token();
    }

    /// Nothing more is held, since the scan is over.
    pub(super) fn empty(&self) {
        let mut state = self.state();
        let held = state.breaker.empty();
        state.vouched.extend(held);
    }

    fn state(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
