use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::clock::{Moment, TokioClock};
use super::rate::Spacing;

/// One rate: the governor's, with a look before the leap.
///
/// Its methods are called under the turn that guards it, by one task at a
/// time; the atomic only makes it `Sync`.
#[derive(Debug)]
pub(super) struct Limiter {
    governor: RateLimiter<NotKeyed, Arrival, TokioClock, NoOpMiddleware<Moment>>,
    arrival: Arrival,
    /// A moment after the governor's own start, which it does not show.
    start: Instant,
}

/// The governor's whole state, which it shares with us: the theoretical
/// arrival time of the next token, in nanoseconds since its start;
/// [`NONE_YET`] before the first one.
#[derive(Clone, Debug)]
struct Arrival(Arc<AtomicU64>);

/// No arrival time comes near it: 584 years.
const NONE_YET: u64 = u64::MAX;

impl Limiter {
    pub(super) fn new(spacing: Spacing) -> Self {
        let arrival = Arrival(Arc::new(AtomicU64::new(NONE_YET)));
        let quota = Quota::with_period(spacing.interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(spacing.burst);
        Self {
            governor: RateLimiter::new(quota, arrival.clone(), TokioClock),
            arrival,
            start: Instant::now(),
        }
    }

    /// Waits until a token is there; takes none.
    pub(super) async fn ready(&self) {
        while let Some(earliest) = self.earliest() {
            tokio::time::sleep_until(earliest).await;
        }
    }

    /// Takes the token that [`Self::ready`] has waited for.
    pub(super) fn pay(&self) {
        let paid = self.governor.check();
        debug_assert!(paid.is_ok(), "paid before ready, or not under the turn");
    }

    /// Whether it is as good as new, so that nothing is lost with it.
    pub(super) fn is_replenished(&self) -> bool {
        let since_start = Nanos::from(self.start.elapsed());
        self.arrival
            .load()
            .is_none_or(|arrival| arrival <= since_start)
    }

    /// When the next token is there; `None` if it is there now.
    fn earliest(&self) -> Option<Instant> {
        // The governor has no look without taking: take, and put it back.
        let before = self.arrival.load();
        match self.governor.check() {
            Ok(()) => {
                self.arrival.store(before);
                None
            }
            Err(not_until) => Some(not_until.earliest_possible().0),
        }
    }
}

impl Arrival {
    fn load(&self) -> Option<Nanos> {
        match self.0.load(Ordering::Relaxed) {
            NONE_YET => None,
            nanos => Some(Nanos::new(nanos)),
        }
    }

    fn store(&self, arrival: Option<Nanos>) {
        let nanos = arrival.map_or(NONE_YET, Nanos::as_u64);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl StateStore for Arrival {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (verdict, arrival) = decide(self.load())?;
        self.store(Some(arrival));
        Ok(verdict)
    }
}
