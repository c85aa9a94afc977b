use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use futures_util::future::OptionFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::domain::{Attempt, Endpoint, LocalFault, Observation, Outcome, ServerName, clock};
use crate::net::Dialer;
use crate::pace::{Admission, Established, Lane, Pacer};
use crate::tls::{Client, Conversation, End, Ending, Ladder, Rung, Step};

use super::best::best;
use super::classify::{self, Finish};
use super::timeouts::Timeouts;

/// One question to one endpoint.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where to ask.
    pub endpoint: Endpoint,
    /// The name to ask for, if any.
    pub server_name: Option<ServerName>,
    /// What to offer, attempt by attempt.
    pub ladder: Ladder,
    /// Where its first connection queues; later ones are follow-ups.
    pub lane: Lane,
}

/// Runs probes, any number at a time.
#[derive(Debug)]
pub struct Prober<D> {
    dialer: D,
    pacer: Arc<Pacer>,
    client: Client,
    timeouts: Timeouts,
}

/// One read takes an ordinary flight whole; larger buffers fall out of the
/// processor's cache when thousands of attempts are open.
const RECEIVE_BUFFER: usize = 4096;

impl<D: Dialer> Prober<D> {
    /// A prober that dials through `dialer` whenever `pacer` allows.
    #[must_use]
    pub fn new(dialer: D, pacer: Arc<Pacer>, timeouts: Timeouts) -> Self {
        Self {
            dialer,
            pacer,
            client: Client::new(),
            timeouts,
        }
    }

    /// Asks, rung by rung, until a certificate came, no rung is left that may
    /// find one, or the time for the target is over. It never fails: a silent
    /// host is an answer too.
    ///
    /// After `stop` it dials nothing more, unless it had begun: a probe that
    /// still waits for its first connection was not attempted.
    ///
    /// Cancel safe in that every connection is dropped with it; what was seen
    /// is lost.
    pub async fn run(&self, probe: Probe, stop: &CancellationToken) -> Observation {
        let mut tried = Vec::new();
        let mut lane = probe.lane;
        let mut budget = self.timeouts.target;
        let mut next = Some(probe.ladder.first());
        while let Some(rung) = next {
            let (outcome, spent) = {
                let stop = tried.is_empty().then_some(stop);
                self.attempt(&probe, rung, lane, budget, stop).await
            };
            tried.push((rung, outcome));
            lane = Lane::FollowUp;
            budget = budget.saturating_sub(spent);
            next = probe.ladder.next(&tried).filter(|_| !budget.is_zero());
        }
        Observation {
            endpoint: probe.endpoint,
            server_name: probe.server_name,
            asked_for: probe.ladder.key_type(),
            at: clock::now(),
            attempts: tried.iter().filter_map(attempt_of).collect(),
            outcome: best(tried).unwrap_or(Outcome::NotAttempted),
            pointer: None,
            survey: None,
        }
    }

    /// One connection that counts, and the time it took from its dial on.
    async fn attempt(
        &self,
        probe: &Probe,
        rung: Rung,
        lane: Lane,
        budget: Duration,
        stop: Option<&CancellationToken>,
    ) -> (Outcome, Duration) {
        loop {
            let admission = match self.admission(&probe.endpoint, lane, stop).await {
                Ok(admission) => admission,
                Err(outcome) => return (outcome, Duration::ZERO),
            };
            let dialled = Instant::now();
            if let Some(finish) = self
                .connection(probe, rung, admission, dialled + budget)
                .await
            {
                let outcome = classify::outcome(finish);
                let elapsed = dialled.elapsed();
                debug!(
                    endpoint = %probe.endpoint,
                    offered = %rung.offered,
                    outcome = %outcome.kind(),
                    detail = outcome.detail(),
                    elapsed_ms = elapsed.as_millis(),
                    "attempt finished"
                );
                return (outcome, elapsed);
            }
        }
    }

    /// The right to dial, or the outcome without it; only a probe that has
    /// not begun minds the stop.
    async fn admission(
        &self,
        endpoint: &Endpoint,
        lane: Lane,
        stop: Option<&CancellationToken>,
    ) -> Result<Admission, Outcome> {
        let stopped = OptionFuture::from(stop.map(CancellationToken::cancelled));
        tokio::select! {
            biased;
            Some(()) = stopped => Err(Outcome::NotAttempted),
            admitted = self.pacer.admit(endpoint, lane) => {
                admitted.map_err(|excluded| Outcome::Excluded(excluded.reason))
            }
        }
    }

    /// Dials and converses; `None` when the host had enough connections of
    /// ours, so that this one does not count.
    async fn connection(
        &self,
        probe: &Probe,
        rung: Rung,
        admission: Admission,
        deadline: Instant,
    ) -> Option<Finish> {
        // The slot is declared before the stream, so that it is given back
        // after the connection is reset.
        let Admission { pass, mut slot } = admission;
        let connected_by = deadline.min(Instant::now() + self.timeouts.connect);
        let mut stream = match timeout_at(connected_by, self.dialer.dial(pass)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Some(Finish::Undialled(error)),
            Err(_elapsed) => return Some(Finish::ConnectTimeout),
        };
        match slot.established() {
            Established::Kept => (),
            Established::OverLimit => return None,
        }
        let deadline = deadline.min(Instant::now() + self.timeouts.handshake);
        let finish = match self.open(probe, rung) {
            Ok((conversation, hello)) => converse(&mut stream, conversation, hello, deadline).await,
            Err(fault) => Finish::Local(fault),
        };
        Some(finish)
    }

    fn open(&self, probe: &Probe, rung: Rung) -> Result<(Conversation, Vec<u8>), LocalFault> {
        let mut random = [0; 32];
        rand::fill(&mut random)
            .map_err(|_| LocalFault::Internal("no random numbers".to_owned()))?;
        self.client
            .open(rung, probe.server_name.as_ref(), random)
            .map_err(|error| LocalFault::Internal(error.to_string()))
    }
}

/// The record of a connection; an exclusion made none.
/// An attempt is a connection: what was decided without one is none.
fn attempt_of((rung, outcome): &(Rung, Outcome)) -> Option<Attempt> {
    let dialled = !matches!(outcome, Outcome::Excluded(_) | Outcome::NotAttempted);
    dialled.then(|| Attempt {
        offered: rung.offered,
        outcome: outcome.kind(),
        detail: outcome.detail(),
    })
}

/// Moves bytes until the conversation is over, or the connection, or its time.
async fn converse<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut S,
    mut conversation: Conversation,
    hello: Vec<u8>,
    deadline: Instant,
) -> Finish {
    let end = match timeout_at(deadline, exchange(stream, &mut conversation, hello)).await {
        Ok(Ok(ending)) => return Finish::Ended(ending),
        Ok(Err(error)) => match classify::end(&error) {
            Ok(end) => end,
            Err(fault) => return Finish::Local(fault),
        },
        Err(_elapsed) => End::Deadline,
    };
    Finish::Ended(conversation.end(end))
}

async fn exchange<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut S,
    conversation: &mut Conversation,
    hello: Vec<u8>,
) -> io::Result<Ending> {
    let mut sent = stream.write_all(&hello).await;
    let mut received = Vec::with_capacity(RECEIVE_BUFFER);
    loop {
        received.clear();
        if stream.read_buf(&mut received).await? == 0 {
            // A peer that would not take our bytes may have said something
            // first, so they are looked at only now.
            sent?;
            return Ok(conversation.end(End::Closed));
        }
        match conversation.feed(&received) {
            Step::NeedMore => (),
            Step::Send(outgoing) => sent = stream.write_all(&outgoing).await,
            Step::Done(ending) => return Ok(ending),
        }
    }
}
