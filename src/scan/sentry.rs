//! Keeps watch over the network while the workers work: asks canaries when
//! there is doubt, and sits outages out.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::stop::Stop;
use super::worker::Bench;
use crate::domain::{EarlyEnd, Endpoint};
use crate::net::Dialer;
use crate::resolve::Resolver;

/// How long an outage may last before it ends the scan.
pub const LONGEST_OUTAGE: Duration = Duration::from_mins(10);

/// How long after the first canaries were silent they are asked again; each
/// later pause is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(40);

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Returns when the scan stops.
    pub(super) async fn keep_watch(&self, stop: &Stop) {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.guard.doubted() => self.ask_canaries(stop).await,
                () = self.feed.quiet() => self.guard.give_up_doubt(),
            }
            self.tell_vouched().await;
        }
    }

    async fn ask_canaries(&self, stop: &Stop) {
        let asked = Instant::now();
        if self.a_canary_answers().await || self.stop.is_cancelled() {
            return;
        }
        // First the pause: a look handed out in an outage would come back at
        // once.
        self.feed.pause();
        match self.guard.open(asked) {
            None => self.feed.resume(),
            Some(again) => {
                for looked in again {
                    self.feed.let_go();
                    self.have_again(looked);
                }
                self.sit_out(stop).await;
            }
        }
    }

    /// Pauses until the network is back, or the scan stops, which it does if
    /// the outage is too long.
    async fn sit_out(&self, stop: &Stop) {
        warn!("nobody answers any more: the scan pauses until the network is back");
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        while since.elapsed() < LONGEST_OUTAGE {
            let next = (Instant::now() + pause).min(since + LONGEST_OUTAGE);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = sleep_until(next) => {}
            }
            if self.a_canary_answers().await {
                info!(outage_s = since.elapsed().as_secs(), "the network is back");
                self.guard.close();
                self.feed.resume();
                return;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        stop.stop(EarlyEnd::NetworkDown);
    }

    /// Asks one canary, and if that is silent, all of them at once. None is
    /// asked after the scan's stop.
    async fn a_canary_answers(&self) -> bool {
        let canaries = self.guard.canaries(&self.settings.zone);
        let Some((first, others)) = canaries.split_first() else {
            return false;
        };
        if self.canary_answers(first).await {
            return true;
        }
        let mut answers: FuturesUnordered<_> = others
            .iter()
            .map(|other| self.canary_answers(other))
            .collect();
        while let Some(answers) = answers.next().await {
            if answers {
                return true;
            }
        }
        false
    }

    async fn canary_answers(&self, endpoint: &Endpoint) -> bool {
        // A panic is no answer, here as in a look.
        let reaches = AssertUnwindSafe(self.prober.reaches(endpoint)).catch_unwind();
        let answers = tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            answers = reaches => answers.unwrap_or(false),
        };
        if answers {
            self.guard.hear(endpoint);
        }
        answers
    }
}
