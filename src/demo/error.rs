use std::io;

use rustls::server::VerifierBuilderError;
use tokio::task::JoinError;

use crate::domain::{InvalidServerName, Timestamp};

/// Why the demo network could not be set up; all of it is this machine's.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The clock is too far off: X.509 dates end with the year 9999
    /// (RFC 5280 section 4.1.2.5).
    #[error("no certificate can be dated {days} days from {now}")]
    Date {
        /// What the clock says.
        now: Timestamp,
        /// Days after it; negative ones are before.
        days: i64,
    },
    /// A key or a certificate could not be made.
    #[error("cannot make the certificate of `{subject}`")]
    Certificate {
        /// The common name it was to have.
        subject: &'static str,
        /// What went wrong.
        source: rcgen::Error,
    },
    /// The thread that makes the certificates did not come back.
    #[error("the certificates were not finished")]
    Unfinished(#[source] JoinError),
    /// A host's name is none.
    #[error("cannot name a host")]
    Name(#[from] InvalidServerName),
    /// A server's TLS settings contradict each other.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// A server that asks for client certificates has nobody to trust.
    #[error("cannot set up the check of client certificates")]
    ClientAuthority(#[from] VerifierBuilderError),
    /// No socket on loopback.
    #[error("cannot open a port on 127.0.0.1")]
    Listen(#[source] io::Error),
}
