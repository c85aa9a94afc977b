//! One question to one endpoint → an observation.

use std::sync::Arc;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::{
    Attempt, Dialect, Endpoint, LocalFault, Observation, Outcome, Pointer, Resort, ServerName,
    clock,
};
use crate::net::{DialError, Dialer};
use crate::pace::{Admission, Lane, Pacer};
use crate::starttls::{self, Protocol};
use crate::target::ByNetwork;
use crate::tls::{Client, Ladder, Rung, Suites};

use super::best::best;
use super::climb::concluded;
use super::knock::{Knock, Visit};
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
    pub(super) dialer: D,
    pub(super) pacer: Arc<Pacer>,
    pub(super) client: Client,
    timeouts: ByNetwork<Timeouts>,
    pub(super) protocols: Protocols,
}

/// What is said before TLS in a dialect.
pub(super) type Protocols = fn(Dialect) -> Option<&'static Protocol>;

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
    /// still waits for its first connection was not attempted. Nor was one of
    /// which a later connection could not be made within its hours.
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
    /// is sent. `None` where that could not be asked: it is out of its hours,
    /// or this machine lacked something.
    pub async fn reaches(&self, endpoint: &Endpoint) -> Option<bool> {
        let longest = self.timeouts(endpoint).connect;
        let admitted = self.pacer.admit(endpoint, Lane::FollowUp, longest).await;
        let Admission { pass, slot: _held } = admitted.ok()?;
        match timeout(longest, self.dialer.dial(pass)).await {
            Ok(Ok(_) | Err(DialError::Refused)) => Some(true),
            Ok(Err(DialError::Local(LocalFault::Exhausted(_)))) => None,
            Ok(Err(_)) | Err(_) => Some(false),
        }
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
}

/// What the rungs that were tried tell of a question.
pub(super) fn observed(question: Probe, tried: Vec<(Rung, Outcome)>) -> Observation {
    Observation {
        endpoint: question.endpoint,
        server_name: question.server_name,
        left_out: None,
        asked_for: question.ladder.key_type(),
        at: clock::now(),
        attempts: attempts(&tried),
        outcome: best(tried).unwrap_or(Outcome::NotAttempted),
        pointer: Pointer::default(),
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
