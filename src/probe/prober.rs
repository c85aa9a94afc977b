use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use futures_util::future::OptionFuture;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::domain::{
    Attempt, Dialect, Endpoint, KeyExchange, LocalFault, Observation, Outcome, Resort, ServerName,
    TlsVersion, clock,
};
use crate::net::{DialError, Dialer};
use crate::pace::{Admission, Established, Lane, Pacer, Slot};
use crate::starttls::{self, Circumstances, Protocol};
use crate::target::ByNetwork;
use crate::tls::{Client, Conversation, Ladder, Rung, Suites};

use super::best::best;
use super::classify::{self, Finish};
use super::line::Line;
use super::timeouts::Timeouts;

/// One question to one endpoint.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where to ask, and in which dialect.
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
    timeouts: ByNetwork<Timeouts>,
    protocols: Protocols,
}

/// What is said before TLS in a dialect.
type Protocols = fn(Dialect) -> Option<&'static Protocol>;

/// One connection to be made.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) server_name: Option<&'a ServerName>,
    pub(super) lane: Lane,
    /// How long it may take from its dial on.
    pub(super) budget: Duration,
    /// What keeps it from being made; one that follows others has none.
    pub(super) stop: Option<&'a CancellationToken>,
}

/// The rungs that were tried, the last of them telling.
pub(super) struct Climb<'a> {
    pub(super) tried: Vec<(Rung, Outcome)>,
    /// What the server chose on the last.
    pub(super) choice: Choice,
    /// The visit that may follow.
    pub(super) next: Visit<'a>,
}

/// What a server chose of what was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This, in its ServerHello or, as far as it came, its HelloRetryRequest.
    Made(TlsVersion, Option<KeyExchange>),
    /// Nothing: neither came in answer to our hello.
    None,
    /// It was not asked: there was no connection, or its words led nowhere.
    NoTls,
}

/// What came of dialling, before anything was said.
#[derive(Debug)]
pub struct Knock<S> {
    /// The connection and its place at its host, or why there is none. In
    /// this order: the place is given back after the reset.
    connection: Result<(S, Slot), Finish>,
    /// When it was dialled.
    dialled: Instant,
}

impl<S> Knock<S> {
    /// Whether there is a connection.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.connection.is_ok()
    }
}

/// A connection on which TLS may begin, or why there is none.
pub(super) struct Reached<S> {
    pub(super) line: Result<Line<S>, Finish>,
    /// When it was dialled.
    pub(super) dialled: Instant,
}

impl<D: Dialer> Prober<D> {
    /// A prober that dials through `dialer` whenever `pacer` allows.
    #[must_use]
    pub fn new(dialer: D, pacer: Arc<Pacer>, timeouts: impl Into<ByNetwork<Timeouts>>) -> Self {
        Self {
            dialer,
            pacer,
            client: Client::new(),
            timeouts: timeouts.into(),
            protocols: starttls::of,
        }
    }

    /// One that goes about it the same way, by the same pacer, with
    /// connections of its own: another thread's.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            dialer: self.dialer.apart(),
            pacer: Arc::clone(&self.pacer),
            client: self.client.clone(),
            timeouts: self.timeouts.clone(),
            protocols: self.protocols,
        }
    }

    /// The same prober with other words before TLS.
    #[cfg(test)]
    pub(super) fn speaking(self, protocols: Protocols) -> Self {
        Self { protocols, ..self }
    }

    /// How long each step may take at an endpoint.
    pub(super) fn timeouts(&self, endpoint: &Endpoint) -> &Timeouts {
        self.timeouts.at(endpoint.address)
    }

    /// Asks, rung by rung, until a certificate came, no rung is left that may
    /// find one, or the time for the target is over. It never fails: a silent
    /// host is an answer too.
    ///
    /// In a dialect every connection begins with its words; once they do not
    /// lead to TLS, no further rung is tried.
    ///
    /// After `stop` it dials nothing more, unless it had begun: a probe that
    /// still waits for its first connection was not attempted.
    ///
    /// Cancel safe in that every connection is dropped with it; what was seen
    /// is lost.
    pub async fn run(&self, probe: Probe, stop: &CancellationToken) -> Observation {
        let knock = self.knock(&probe.endpoint, probe.lane, stop).await;
        self.run_behind(knock, probe).await
    }

    /// Dials for a question, and says nothing yet. Where nobody answers, which
    /// is the most common end, no more was held than it takes to wait.
    ///
    /// After `stop` it does not dial any more.
    ///
    /// Cancel safe in that the connection is dropped with it.
    pub async fn knock(
        &self,
        endpoint: &Endpoint,
        lane: Lane,
        stop: &CancellationToken,
    ) -> Knock<D::Stream> {
        let visit = Visit {
            endpoint,
            server_name: None,
            lane,
            budget: self.timeouts(endpoint).target,
            stop: Some(stop),
        };
        self.knock_for(visit).await
    }

    /// [`Self::run`] from where the question's endpoint was dialled.
    pub async fn run_behind(&self, knock: Knock<D::Stream>, probe: Probe) -> Observation {
        let visit = Visit {
            endpoint: &probe.endpoint,
            server_name: probe.server_name.as_ref(),
            lane: probe.lane,
            budget: self.timeouts(&probe.endpoint).target,
            stop: None,
        };
        let first = probe.ladder.first();
        let tried = match knock.connection {
            Ok(_) => {
                let climb = self.climb_behind(knock, visit, first, &probe.ladder);
                Box::pin(climb).await.tried
            }
            Err(finish) => vec![(
                first,
                concluded(visit, first, finish, knock.dialled.elapsed()),
            )],
        };
        observed(probe, tried)
    }

    /// Whether anything answers a SYN there, be it by a refusal; nothing else
    /// is sent.
    pub async fn reaches(&self, endpoint: &Endpoint) -> bool {
        let Ok(Admission { pass, slot: _held }) = self.pacer.admit(endpoint, Lane::FollowUp).await
        else {
            return false;
        };
        let dial = timeout(self.timeouts(endpoint).connect, self.dialer.dial(pass));
        matches!(dial.await, Ok(Ok(_) | Err(DialError::Refused)))
    }

    pub(super) fn first_visit<'a>(
        &self,
        probe: &'a Probe,
        stop: &'a CancellationToken,
    ) -> Visit<'a> {
        Visit {
            endpoint: &probe.endpoint,
            server_name: probe.server_name.as_ref(),
            lane: probe.lane,
            budget: self.timeouts(&probe.endpoint).target,
            stop: Some(stop),
        }
    }

    /// Goes from rung to rung, as far as the ladder leads and the visit's
    /// budget lasts.
    pub(super) async fn climb<'a>(
        &self,
        visit: Visit<'a>,
        first: Rung,
        ladder: &Ladder,
    ) -> Climb<'a> {
        let knock = self.knock_for(visit).await;
        self.climb_behind(knock, visit, first, ladder).await
    }

    /// The same from where the visit was dialled.
    async fn climb_behind<'a>(
        &self,
        mut knock: Knock<D::Stream>,
        mut visit: Visit<'a>,
        first: Rung,
        ladder: &Ladder,
    ) -> Climb<'a> {
        let mut tried = Vec::new();
        let mut rung = first;
        loop {
            let (finish, spent) = self.attempt(knock, visit, rung).await;
            let choice = Choice::of(&finish);
            tried.push((rung, concluded(visit, rung, finish, spent)));
            visit = visit.followed_up(spent);
            let next = ladder.next(&tried);
            match next {
                Some(next) if choice != Choice::NoTls && !visit.budget.is_zero() => rung = next,
                Some(_) | None => {
                    return Climb {
                        tried,
                        choice,
                        next: visit,
                    };
                }
            }
            knock = self.knock_for(visit).await;
        }
    }

    /// What a connection comes to, and the time it took from its dial on.
    async fn attempt(
        &self,
        knock: Knock<D::Stream>,
        visit: Visit<'_>,
        rung: Rung,
    ) -> (Finish, Duration) {
        let Reached { line, dialled } = self.lead_to_tls(knock, visit).await;
        let finish = match line {
            Ok(line) => match self.open(visit.server_name, rung) {
                Ok((conversation, hello)) => {
                    let deadline = visit.deadline(dialled, self.timeouts(visit.endpoint).handshake);
                    line.converse(conversation, hello, deadline).await
                }
                Err(fault) => Finish::Local(fault),
            },
            Err(finish) => finish,
        };
        (finish, dialled.elapsed())
    }

    /// Makes a connection that counts, as far as TLS may begin.
    pub(super) async fn reach(&self, visit: Visit<'_>) -> Reached<D::Stream> {
        let knock = self.knock_for(visit).await;
        self.lead_to_tls(knock, visit).await
    }

    /// Says on a connection what precedes TLS.
    async fn lead_to_tls(&self, knock: Knock<D::Stream>, visit: Visit<'_>) -> Reached<D::Stream> {
        let Knock {
            connection,
            dialled,
        } = knock;
        let line = match connection {
            Ok((stream, slot)) => {
                let line = Line::direct(stream, slot);
                match (self.protocols)(visit.endpoint.dialect) {
                    Some(protocol) => self.talk(line, protocol, visit, dialled).await,
                    None => Ok(line),
                }
            }
            Err(finish) => Err(finish),
        };
        Reached { line, dialled }
    }

    /// Makes a connection that counts.
    async fn knock_for(&self, visit: Visit<'_>) -> Knock<D::Stream> {
        loop {
            let admission = self.admission(visit).await;
            let dialled = Instant::now();
            let connection = match admission {
                Ok(admission) => self.dial(visit, admission, dialled).await,
                Err(finish) => Some(Err(finish)),
            };
            if let Some(connection) = connection {
                return Knock {
                    connection,
                    dialled,
                };
            }
        }
    }

    /// The right to dial, or how it ends without.
    async fn admission(&self, visit: Visit<'_>) -> Result<Admission, Finish> {
        let stopped = OptionFuture::from(visit.stop.map(CancellationToken::cancelled));
        tokio::select! {
            biased;
            Some(()) = stopped => Err(Finish::Stopped),
            admitted = self.pacer.admit(visit.endpoint, visit.lane) => {
                admitted.map_err(|excluded| Finish::Excluded(excluded.reason))
            }
        }
    }

    /// Dials; `None` when the host had enough connections of ours, so that
    /// this one does not count.
    async fn dial(
        &self,
        visit: Visit<'_>,
        admission: Admission,
        dialled: Instant,
    ) -> Option<Result<(D::Stream, Slot), Finish>> {
        // The slot is declared before the stream, so that it is given back
        // after the connection is reset.
        let Admission { pass, mut slot } = admission;
        let connected_by = visit.deadline(dialled, self.timeouts(visit.endpoint).connect);
        let stream = match timeout_at(connected_by, self.dialer.dial(pass)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Some(Err(Finish::Undialled(error))),
            Err(_elapsed) => return Some(Err(Finish::ConnectTimeout)),
        };
        match slot.established() {
            Established::Kept => Some(Ok((stream, slot))),
            Established::OverLimit => None,
        }
    }

    /// Says what precedes TLS.
    async fn talk(
        &self,
        line: Line<D::Stream>,
        protocol: &Protocol,
        visit: Visit<'_>,
        dialled: Instant,
    ) -> Result<Line<D::Stream>, Finish> {
        let mut dialogue = (protocol.begin)(Circumstances {
            server_name: visit.server_name,
            address: visit.endpoint.address,
        });
        let opening = dialogue.open();
        let timeouts = self.timeouts(visit.endpoint);
        let patience = if opening.is_empty() {
            timeouts.greeting.max(timeouts.handshake)
        } else {
            timeouts.handshake
        };
        let deadline = visit.deadline(dialled, patience);
        line.after(protocol, dialogue, &opening, deadline).await
    }

    fn open(
        &self,
        server_name: Option<&ServerName>,
        rung: Rung,
    ) -> Result<(Conversation, Vec<u8>), LocalFault> {
        let mut random = [0; 32];
        rand::fill(&mut random)
            .map_err(|_| LocalFault::Internal("no random numbers".to_owned()))?;
        self.client
            .open(rung, server_name, random)
            .map_err(|error| LocalFault::Internal(error.to_string()))
    }
}

impl Choice {
    fn of(finish: &Finish) -> Self {
        match finish {
            Finish::Ended(ending) => match &ending.session {
                Some(session) => Self::Made(session.version, session.key_exchange),
                None => Self::None,
            },
            Finish::Stopped
            | Finish::Excluded(_)
            | Finish::Undialled(_)
            | Finish::ConnectTimeout
            | Finish::Wordless(_)
            | Finish::Unfinished
            | Finish::Over(_)
            | Finish::Local(_) => Self::NoTls,
        }
    }
}

impl Climb<'_> {
    /// Whether the last rung cost a whole timeout.
    pub(super) fn met_silence(&self) -> bool {
        let last = self.tried.last();
        last.is_some_and(|(_, outcome)| matches!(outcome, Outcome::Silent(_)))
    }
}

impl Visit<'_> {
    /// The next one to the same endpoint, after one that took so long.
    pub(super) fn followed_up(self, spent: Duration) -> Self {
        Self {
            lane: Lane::FollowUp,
            budget: self.budget.saturating_sub(spent),
            stop: None,
            ..self
        }
    }

    /// When a step that begins now has to be over: `patience` from now, and
    /// not after the visit's own end.
    pub(super) fn deadline(self, dialled: Instant, patience: Duration) -> Instant {
        let end = dialled + self.budget;
        end.min(Instant::now() + patience)
    }
}

/// What the end of an attempt means.
fn concluded(visit: Visit<'_>, rung: Rung, finish: Finish, spent: Duration) -> Outcome {
    let outcome = classify::outcome(finish);
    debug!(
        endpoint = %visit.endpoint,
        dialect = %visit.endpoint.dialect,
        offered = %rung.offered,
        outcome = %outcome.kind(),
        detail = outcome.detail(),
        elapsed_ms = spent.as_millis(),
        "attempt finished"
    );
    outcome
}

/// What the rungs that were tried tell of a question.
pub(super) fn observed(question: Probe, tried: Vec<(Rung, Outcome)>) -> Observation {
    Observation {
        endpoint: question.endpoint,
        server_name: question.server_name,
        asked_for: question.ladder.key_type(),
        at: clock::now(),
        attempts: attempts(&tried),
        outcome: best(tried).unwrap_or(Outcome::NotAttempted),
        pointer: None,
        survey: None,
    }
}

/// The records of the connections: what was decided without one is none.
fn attempts(tried: &[(Rung, Outcome)]) -> Vec<Attempt> {
    let usual = tried.first().map(|(rung, _)| rung.alpn);
    let dialled = tried
        .iter()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Excluded(_) | Outcome::NotAttempted));
    let attempt = |(rung, outcome): &(Rung, Outcome)| Attempt {
        offered: rung.offered,
        resort: match rung.suites {
            Suites::Anonymous => Some(Resort::Anonymous),
            Suites::Certified if Some(rung.alpn) != usual => Some(Resort::WithoutAlpn),
            Suites::Certified => None,
        },
        outcome: outcome.kind(),
        detail: outcome.detail(),
    };
    dialled.map(attempt).collect()
}
