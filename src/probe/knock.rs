//! A connection to be made → one on which nothing was said yet.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::classify::Finish;
use super::prober::Prober;
use crate::domain::{Endpoint, ServerName};
use crate::net::Dialer;
use crate::pace::{Admission, Denied, Established, Lane, Slot};

/// One connection to be made.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) server_name: Option<&'a ServerName>,
    pub(super) lane: Lane,
    /// How long it may take from its dial on.
    pub(super) budget: Duration,
    /// What keeps it from being made, beside its hours; one that follows
    /// others has none.
    pub(super) stop: Option<&'a CancellationToken>,
}

/// What came of dialling, before anything was said.
#[derive(Debug)]
pub struct Knock<S> {
    /// The connection and its place at its host, or why there is none. In
    /// this order: the place is given back after the reset.
    pub(super) connection: Result<(S, Slot), Finish>,
    /// When it was dialled.
    pub(super) dialled: Instant,
}

impl<S> Knock<S> {
    /// Whether there is a connection.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.connection.is_ok()
    }
}

impl<D: Dialer> Prober<D> {
    /// Makes a connection that counts.
    pub(super) async fn knock_for(&self, visit: Visit<'_>) -> Knock<D::Stream> {
        loop {
            let admission = self.admission(&visit).await;
            let dialled = Instant::now();
            let connection = match admission {
                Ok(admission) => self.dial(&visit, admission, dialled).await,
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
    async fn admission(&self, visit: &Visit<'_>) -> Result<Admission, Finish> {
        let admit = || self.pacer.admit(visit.endpoint, visit.lane, visit.budget);
        // As a rule nobody waits, and then it takes no room in the worker.
        let admitted = match admit().now_or_never() {
            Some(admitted) => admitted.map_err(Finish::from),
            None => Box::pin(visit.unless_stopped(admit())).await,
        };
        if visit.is_stopped() {
            return Err(Finish::Stopped);
        }
        admitted
    }

    /// Dials; `None` when the host had enough connections of ours, so that
    /// this one does not count.
    async fn dial(
        &self,
        visit: &Visit<'_>,
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
}

impl Visit<'_> {
    /// A right to dial that has to be waited for, unless the stop comes first.
    async fn unless_stopped(
        &self,
        admission: impl Future<Output = Result<Admission, Denied>>,
    ) -> Result<Admission, Finish> {
        let stopped = OptionFuture::from(self.stop.map(CancellationToken::cancelled));
        tokio::select! {
            biased;
            Some(()) = stopped => Err(Finish::Stopped),
            admitted = admission => admitted.map_err(Finish::from),
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(CancellationToken::is_cancelled)
    }

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
