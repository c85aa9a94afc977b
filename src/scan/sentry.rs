//! Keeps watch over the network while the workers work: asks canaries when
//! there is doubt, sits outages out, and has looks come back to networks that
//! began to filter us.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::stop::Stop;
use super::worker::{Bench, Looked};
use crate::domain::{EarlyEnd, Endpoint};
use crate::net::Dialer;
use crate::pace::Network;
use crate::resolve::Resolver;

/// How long an outage may last before it ends the scan.
pub const LONGEST_OUTAGE: Duration = Duration::from_mins(10);

/// How long after the first canaries were silent they are asked again; each
/// later pause is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(40);

/// How often the clock on the wall is read while a network's hours are waited
/// for: it may be set meanwhile.
const RECKONING: Duration = Duration::from_secs(10);

/// How often a canary is tried while this machine lacks what it takes to ask
/// it, and how long after each other.
const MOST_TRIES: u32 = 8;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// In so many networks canaries are asked at a time.
const NETWORKS_AT_ONCE: usize = 16;

/// What comes of asking canaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// One of them answers.
    Answer,
    /// None of them does.
    Silence,
    /// None of them could be asked: it is the hours of none of them, or this
    /// machine lacked something.
    NoneAsked,
}

impl Word {
    /// What comes of asking these and others.
    fn or(self, others: Self) -> Self {
        match (self, others) {
            (Self::Answer, _) | (_, Self::Answer) => Self::Answer,
            (Self::Silence, _) | (_, Self::Silence) => Self::Silence,
            (Self::NoneAsked, Self::NoneAsked) => Self::NoneAsked,
        }
    }
}

impl<D: Dialer, R: Resolver> Bench<D, R> {
    /// Returns when the scan stops.
    pub(super) async fn keep_watch(&self, stop: &Stop) {
        let mut reopening = None;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                doubted = self.guard.doubted() => {
                    match doubted.as_slice() {
                        [] => {
                            self.ask_canaries(stop).await;
                        }
                        networks => self.ask_networks(networks, stop).await,
                    }
                    // What is held may be held for another reason now.
                    self.feed.look_again();
                }
                back = self.guard.returning() => {
                    for looked in back {
                        self.return_to(looked);
                    }
                }
                tried = self.guard.names_to_try() => {
                    for looked in tried {
                        self.return_to(looked);
                    }
                }
                () = self.feed.quiet() => {
                    if self.guard.without_names_for() >= LONGEST_OUTAGE {
                        stop.stop(EarlyEnd::NetworkDown);
                        continue;
                    }
                    let returned = self.guard.give_up_doubt();
                    for silent in self.silent_of(&returned).await {
                        self.guard.give_up(silent);
                    }
                    if !returned.is_empty() {
                        // Who answered there has vouched for others as well.
                        self.feed.look_again();
                    }
                    self.reopen();
                    let wait = self.leave_put_off().await;
                    reopening = wait.map(|wait| Instant::now() + wait.min(RECKONING));
                }
                () = sleep_until(reopening.unwrap_or_else(Instant::now)), if reopening.is_some() => {
                    reopening = None;
                    self.reopen();
                    self.feed.look_again();
                }
            }
            self.tell_vouched().await;
        }
    }

    /// Asks in networks that fell silent, and slows those where nobody
    /// answers, if somebody does elsewhere.
    async fn ask_networks(&self, networks: &[Network], stop: &Stop) {
        let asked = Instant::now();
        let silent = self.silent_of(networks).await;
        if silent.is_empty() || !self.ask_canaries(stop).await {
            return;
        }
        for network in silent {
            if self.guard.slow(network, asked) {
                warn!(%network, "it stopped answering: the rest of it is asked at the end, slowly");
            }
        }
    }

    /// The networks of these in which no canary answers. Where none may be
    /// asked, the looks are left that hang on it.
    async fn silent_of(&self, networks: &[Network]) -> Vec<Network> {
        let asked = stream::iter(networks).map(async |network| {
            let canaries = self.guard.canaries_in(*network, &self.settings.zone);
            (*network, self.hear(&canaries).await)
        });
        let mut asked = pin!(asked.buffer_unordered(NETWORKS_AT_ONCE));
        let mut silent = Vec::new();
        while let Some((network, word)) = asked.next().await {
            match word {
                Word::Answer => self.guard.reassure(network),
                Word::Silence => silent.push(network),
                Word::NoneAsked => {
                    let unvouched = self.guard.let_doubt_be_in(network);
                    self.leave_in_doubt(unvouched).await;
                }
            }
        }
        silent
    }

    fn return_to(&self, looked: Looked) {
        self.feed.let_go();
        self.have_again(looked.back());
    }

    /// Whether somebody answers. If nobody does, sits the outage out.
    async fn ask_canaries(&self, stop: &Stop) -> bool {
        let asked = Instant::now();
        let word = self.hear_any().await;
        if word == Word::NoneAsked {
            self.leave_in_doubt(self.guard.let_doubt_be()).await;
        }
        if word != Word::Silence || self.stop.is_cancelled() {
            return word == Word::Answer;
        }
        // First the pause: a look handed out in an outage would come back at
        // once.
        self.feed.pause();
        match self.guard.open(asked) {
            None => {
                self.feed.resume();
                true
            }
            Some(again) => {
                for looked in again {
                    self.feed.let_go();
                    self.have_again(looked);
                }
                self.sit_out(stop).await;
                false
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
            // It is not back because the hours of all of them are over.
            if self.hear_any().await == Word::Answer {
                info!(outage_s = since.elapsed().as_secs(), "the network is back");
                self.guard.close();
                self.feed.resume();
                return;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        stop.stop(EarlyEnd::NetworkDown);
    }

    async fn hear_any(&self) -> Word {
        let canaries = self.guard.canaries(&self.settings.zone);
        self.hear(&canaries).await
    }

    /// Asks one canary, and if that is silent, all of them at once. None is
    /// asked after the scan's stop, and none out of its hours.
    async fn hear(&self, canaries: &[Endpoint]) -> Word {
        let is_allowed = |canary: &&Endpoint| !self.settings.hours.are_over_at(canary.address);
        let allowed: Vec<_> = canaries.iter().filter(is_allowed).collect();
        let Some((first, others)) = allowed.split_first() else {
            return if canaries.is_empty() {
                Word::Silence
            } else {
                Word::NoneAsked
            };
        };
        let mut heard = self.hear_from(first).await;
        let mut words: FuturesUnordered<_> =
            others.iter().map(|other| self.hear_from(other)).collect();
        while heard != Word::Answer
            && let Some(word) = words.next().await
        {
            heard = heard.or(word);
        }
        heard
    }

    /// Asks one, again and again for a while where it could not be asked.
    async fn hear_from(&self, canary: &Endpoint) -> Word {
        for _ in 0..MOST_TRIES {
            // A panic is no answer, here as in a look.
            let reaches = AssertUnwindSafe(self.prober.reaches(canary)).catch_unwind();
            let answers = tokio::select! {
                biased;
                () = self.stop.cancelled() => Some(false),
                answers = reaches => answers.unwrap_or(Some(false)),
            };
            match answers {
                Some(true) => {
                    self.guard.hear(canary);
                    return Word::Answer;
                }
                Some(false) => return Word::Silence,
                None => self
                    .unless_stopped(sleep(BETWEEN_TRIES))
                    .await
                    .unwrap_or(()),
            }
        }
        Word::NoneAsked
    }
}
