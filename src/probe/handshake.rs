use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::classify::{self, Finish};
use super::client::Client;
use super::climb::Reached;
use super::credentials::{ClientIdentity, TrustAnchors};
use super::knock::Visit;
use super::line::{Line, Received};
use super::prober::Prober;
use crate::domain::{Alert, Chain, ClientAuth, Endpoint, Outcome, ServerName, Session};
use crate::net::Dialer;
use crate::pace::Lane;
use crate::tls::{Alpn, End};

/// A complete handshake to be made, by which a server shows what it makes of
/// its client.
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    /// Where, and in which dialect.
    pub endpoint: &'a Endpoint,
    /// The name to ask for and to verify; without one the address is
    /// verified.
    pub server_name: Option<&'a ServerName>,
    /// The application protocols to offer.
    pub alpn: Alpn,
    /// Who the client is; without one a request is answered with nothing.
    pub identity: Option<&'a ClientIdentity>,
    /// What the server's chain is verified against; without any it is not.
    pub anchors: Option<&'a TrustAnchors>,
    /// Where its connection queues.
    pub lane: Lane,
}

/// What a complete handshake came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshaken {
    /// What the server made of its client.
    pub verdict: Verdict,
    /// What became of the client's certificate.
    pub client_certificate: ClientCertificate,
    /// The chain the server showed.
    pub chain: Option<Chain>,
    /// What was negotiated.
    pub session: Option<Session>,
    /// Whether the server's chain, name and signature hold under the roots
    /// given, and if not, why; `None` without roots or without a chain. It
    /// does not stop the handshake.
    pub verified: Option<Result<(), String>>,
}

/// What a server made of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took the client as it is.
    Accepted(Sign),
    /// It turned the client away once it had seen it.
    Rejected(Rejection),
    /// There was no connection, and how that ended.
    Unreachable(Outcome),
    /// The handshake never came to the client.
    TlsError(TlsFault),
}

/// By what a server shows that it took its client. In TLS 1.3 a client is
/// through before the server has judged it (RFC 8446 section 4.4.2.4), so it
/// has to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// NewSessionTicket (RFC 8446 section 4.6.1).
    Ticket,
    /// Application data.
    Data,
    /// Two seconds without an alert.
    Quiet,
    /// The Finished of TLS 1.2, which follows the client's.
    Finished,
}

/// How a server turned its client away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// With an alert.
    Alert(Alert),
    /// FIN.
    Closed,
    /// RST.
    Reset,
}

/// Why a handshake never came to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The words before TLS led nowhere.
    Dialogue(Outcome),
    /// An alert in answer to the hello.
    Alert(Alert),
    /// The connection ended, or our time did.
    Ended(End),
    /// What the server sent can't be gone on with.
    Handshake(String),
}

/// What became of the client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientCertificate {
    /// The server did not ask for one, as far as it came.
    NotAsked,
    /// It asked, and was sent none: there was none, or none for the signature
    /// schemes that it takes.
    NotSent,
    /// It asked, and was sent it.
    Sent,
}

/// A server that has not refused its client by then is content.
const QUIET: Duration = Duration::from_secs(2);

impl<D: Dialer> Prober<D> {
    /// Completes a handshake over one paced connection, and reads on until
    /// the server has shown what it makes of the client. The server itself is
    /// not judged.
    ///
    /// rustls speaks TLS 1.2 and 1.3 here, with ECDHE and AEAD suites alone.
    /// The handshake has its own time; two quiet seconds may follow it.
    ///
    /// Cancel safe in that the connection is dropped with it.
    pub async fn handshake(&self, wanted: &Handshake<'_>, stop: &CancellationToken) -> Handshaken {
        let visit = Visit {
            endpoint: wanted.endpoint,
            server_name: wanted.server_name,
            lane: wanted.lane,
            budget: self.timeouts(wanted.endpoint).target,
            stop: Some(stop),
        };
        let Reached { line, dialled } = self.reach(visit).await;
        let mut line = match line {
            Ok(line) => line,
            Err(finish) => return Handshaken::unmet(without_tls(finish)),
        };
        let mut client = match Client::new(wanted) {
            Ok(client) => client,
            Err(error) => {
                let fault = TlsFault::Handshake(error.to_string());
                return Handshaken::unmet(Verdict::TlsError(fault));
            }
        };
        let deadline = visit.deadline(dialled, self.timeouts(wanted.endpoint).handshake);
        let verdict = match shake(&mut line, &mut client, deadline).await {
            Ok(verdict) => verdict,
            Err(error) => match classify::end(&error) {
                Ok(end) => client.ended(end),
                Err(fault) => Verdict::Unreachable(Outcome::LocalError(fault)),
            },
        };
        Handshaken::of(verdict, client)
    }
}

/// Moves bytes until the server's verdict is known, or the connection fails.
async fn shake<S: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<S>,
    client: &mut Client,
    deadline: Instant,
) -> io::Result<Verdict> {
    let mut until = deadline;
    // A peer that reads nothing takes no more of our bytes than its buffers
    // hold.
    let Ok(mut sent) = timeout_at(until, line.write(client.outgoing())).await else {
        return Ok(client.ended(End::Deadline));
    };
    loop {
        let Ok(received) = timeout_at(until, line.read()).await else {
            return Ok(client.waited());
        };
        let bytes = match received? {
            Received::Bytes(bytes) => bytes,
            Received::Broken(_) => {
                let why = "the frames around TLS can't be read".to_owned();
                return Ok(Verdict::TlsError(TlsFault::Handshake(why)));
            }
            Received::Closed => {
                // A server that would not take our bytes may have said why
                // first, so they are looked at only now.
                sent?;
                return Ok(client.ended(End::Closed));
            }
        };
        let was_finished = client.is_finished();
        if let ControlFlow::Break(verdict) = client.feed(&bytes) {
            return Ok(verdict);
        }
        let outgoing = client.outgoing();
        if !outgoing.is_empty() {
            let Ok(written) = timeout_at(until, line.write(outgoing)).await else {
                return Ok(client.ended(End::Deadline));
            };
            sent = written;
        }
        if client.is_finished() && !was_finished {
            until = Instant::now() + QUIET;
        }
    }
}

fn without_tls(finish: Finish) -> Verdict {
    match finish {
        Finish::Stopped
        | Finish::Excluded(_)
        | Finish::Undialled(_)
        | Finish::ConnectTimeout
        | Finish::Local(_) => Verdict::Unreachable(classify::outcome(finish)),
        Finish::Wordless(_) | Finish::Unfinished | Finish::Over(_) | Finish::Ended(_) => {
            Verdict::TlsError(TlsFault::Dialogue(classify::outcome(finish)))
        }
    }
}

impl Handshaken {
    /// None was made, since there was no connection to be had.
    #[must_use]
    pub const fn unreachable(outcome: Outcome) -> Self {
        Self {
            verdict: Verdict::Unreachable(outcome),
            client_certificate: ClientCertificate::NotAsked,
            chain: None,
            session: None,
            verified: None,
        }
    }

    fn of(verdict: Verdict, client: Client) -> Self {
        let (mut seen, session) = client.into_seen();
        Self {
            verdict,
            client_certificate: match (seen.asked, seen.sent) {
                (false, _) => ClientCertificate::NotAsked,
                (true, false) => ClientCertificate::NotSent,
                (true, true) => ClientCertificate::Sent,
            },
            chain: seen.chain(),
            session,
            verified: seen.verified,
        }
    }

    const fn unmet(verdict: Verdict) -> Self {
        Self {
            verdict,
            client_certificate: ClientCertificate::NotAsked,
            chain: None,
            session: None,
            verified: None,
        }
    }

    /// What a handshake without a client certificate tells about the wish for
    /// one; `None` where it never came to that, or one was sent.
    #[must_use]
    pub fn client_auth(&self) -> Option<ClientAuth> {
        match (self.client_certificate, &self.verdict) {
            (ClientCertificate::NotAsked, Verdict::Accepted(_)) => Some(ClientAuth::None),
            (ClientCertificate::NotSent, Verdict::Accepted(_)) => Some(ClientAuth::Requested),
            (ClientCertificate::NotSent, Verdict::Rejected(_)) => Some(ClientAuth::Required),
            _ => None,
        }
    }
}

impl Verdict {
    /// Its word: `accepted`, `rejected`, `unreachable` or `tls-error`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unreachable(_) => "unreachable",
            Self::TlsError(_) => "tls-error",
        }
    }

    /// What its word leaves out.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Accepted(sign) => sign.to_string(),
            Self::Rejected(rejection) => rejection.to_string(),
            Self::Unreachable(outcome) => in_words(outcome),
            Self::TlsError(fault) => fault.to_string(),
        }
    }
}

impl TlsFault {
    /// What may help, where anything does.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let modern = "the handshake speaks TLS 1.2 and 1.3 with ECDHE and AEAD suites; try an \
                      older server with `openssl s_client -connect ... -cert ... -key ...`";
        match self {
            Self::Dialogue(_) => Some("HOST:PORT/tls begins with TLS, HOST:PORT/DIALECT in words"),
            Self::Alert(_) | Self::Handshake(_) | Self::Ended(End::Closed | End::Reset) => {
                Some(modern)
            }
            Self::Ended(End::Deadline) => Some("--handshake-timeout gives it more time"),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket => "session ticket",
            Self::Data => "data",
            Self::Quiet => "two quiet seconds",
            Self::Finished => "finished",
        })
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(alert) => write!(f, "alert {alert}"),
            Self::Closed => f.write_str("closed"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialogue(outcome) => write!(f, "before TLS: {}", in_words(outcome)),
            Self::Alert(alert) => write!(f, "alert {alert} before the client was seen"),
            Self::Ended(End::Closed) => f.write_str("closed before the client was seen"),
            Self::Ended(End::Reset) => f.write_str("reset before the client was seen"),
            Self::Ended(End::Deadline) => f.write_str("not finished in time"),
            Self::Handshake(why) => f.write_str(why),
        }
    }
}

fn in_words(outcome: &Outcome) -> String {
    match outcome.detail() {
        detail if detail.is_empty() => outcome.kind().to_string(),
        detail => format!("{} ({detail})", outcome.kind()),
    }
}
