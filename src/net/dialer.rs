use std::future::Future;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::domain::LocalFault;
use crate::pace::Pass;

/// Opens connections: the operating system's, or a simulated network's.
pub trait Dialer: Send + Sync + Sized + 'static {
    /// A connection. Dropping it resets it.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// One that goes about it the same way and shares no connections with this
    /// one: another thread's.
    #[must_use]
    fn apart(&self) -> Self;

    /// Connects to the pass's endpoint. It does not time out by itself.
    ///
    /// Cancel safe: dropping the future gives the attempt up.
    fn dial(&self, pass: Pass) -> impl Future<Output = Result<Self::Stream, DialError>> + Send;
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// ECONNREFUSED: a reset in answer to the SYN.
    #[error("connection refused")]
    Refused,
    /// EHOSTUNREACH or ENETUNREACH after the SYN was sent: ICMP said so.
    #[error("unreachable")]
    Unreachable,
    /// ETIMEDOUT: the system gave up before we did.
    #[error("no answer")]
    TimedOut,
    /// It failed on this machine; nothing is known about the peer.
    #[error("{0}")]
    Local(LocalFault),
}
