//! A connection → TLS on it, rung by rung.

use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use super::classify::{self, Finish};
use super::knock::{Knock, Visit};
use super::line::Line;
use super::prober::Prober;
use super::random::random;
use crate::domain::{KeyExchange, LocalFault, Outcome, ServerName, TlsVersion};
use crate::net::Dialer;
use crate::starttls::{Circumstances, Protocol};
use crate::tls::{Conversation, Ladder, Rung};

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

/// A connection on which TLS may begin, or why there is none.
pub(super) struct Reached<S> {
    pub(super) line: Result<Line<S>, Finish>,
    /// When it was dialled.
    pub(super) dialled: Instant,
}

impl<D: Dialer> Prober<D> {
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
    pub(super) async fn climb_behind<'a>(
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
        self.client
            .open(rung, server_name, random())
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

/// What the end of an attempt means.
pub(super) fn concluded(visit: Visit<'_>, rung: Rung, finish: Finish, spent: Duration) -> Outcome {
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
