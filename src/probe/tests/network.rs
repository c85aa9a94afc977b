//! A simulated network of one server, and a prober that dials into it.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::domain::{Attempt, Dialect, Endpoint, Observation, Port, Zone};
use crate::net::{DialError, Dialer};
use crate::pace::{Lane, Pacer, Pass, Rate, Rates};
use crate::probe::{Probe, Prober, Timeouts};

/// What a simulated peer does with its n-th connection.
pub(super) type Behaviour = Arc<dyn Fn(usize) -> Manner + Send + Sync>;

/// What a peer does with one connection.
pub(super) enum Manner {
    Refuse(DialError),
    /// It answers nothing to the SYN.
    Drop,
    /// It says this once a hello has come, then goes on in this way.
    Say(Vec<u8>, Then),
    /// It says this before any hello, and resets.
    Greet(Vec<u8>),
    /// It ends the connection as soon as there is one.
    Leave(Then),
    /// It reads nothing, and says nothing.
    Deaf,
    /// A byte a second of this, over and over.
    Drip(Vec<u8>),
    Speak(Arc<ServerConfig>),
    /// It says this over TLS, and stays.
    Hold(Arc<ServerConfig>, &'static [u8]),
    /// It says close_notify over TLS.
    Farewell(Arc<ServerConfig>),
    /// It is there until the handshake is over, then the way to it is lost.
    Vanish(Arc<ServerConfig>),
    /// These words first, then the rest.
    Talk(Vec<Word>, Box<Self>),
}

/// One step of a dialogue, as the peer goes through it.
#[derive(Clone)]
pub(super) enum Word {
    Says(&'static [u8]),
    Hears(&'static [u8]),
    Waits(Duration),
}

#[derive(Clone, Copy)]
pub(super) enum Then {
    Close,
    Reset,
    Wait,
    /// The way to it is lost.
    Lost,
}

#[derive(Clone)]
pub(super) struct Simulated {
    behaviour: Behaviour,
    pub(super) dials: Arc<AtomicUsize>,
}

impl Simulated {
    pub(super) fn new(behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static) -> Self {
        Self {
            behaviour: Arc::new(behaviour),
            dials: Arc::default(),
        }
    }
}

/// A connection that ends as its peer wants it to.
pub(super) struct Wire {
    inner: DuplexStream,
    last: Then,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let ended = buffer.filled().len() == before;
        Poll::Ready(match self.last {
            Then::Reset if ended => Err(io::ErrorKind::ConnectionReset.into()),
            Then::Lost if ended => Err(io::ErrorKind::TimedOut.into()),
            Then::Reset | Then::Lost | Then::Close | Then::Wait => Ok(()),
        })
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl Dialer for Simulated {
    type Stream = Wire;

    fn apart(&self) -> Self {
        self.clone()
    }

    async fn dial(&self, _pass: Pass) -> Result<Wire, DialError> {
        let manner = (self.behaviour)(self.dials.fetch_add(1, Ordering::Relaxed));
        match &manner {
            Manner::Refuse(error) => return Err(error.clone()),
            Manner::Drop => std::future::pending().await,
            _ => (),
        }
        let last = manner.last();
        let buffer = match &manner {
            Manner::Deaf => 16,
            _ => 1 << 16,
        };
        let (inner, theirs) = duplex(buffer);
        tokio::spawn(serve(theirs, manner));
        Ok(Wire { inner, last })
    }
}

impl Manner {
    fn last(&self) -> Then {
        match self {
            Self::Say(_, then) | Self::Leave(then) => *then,
            Self::Greet(_) => Then::Reset,
            Self::Vanish(_) => Then::Lost,
            Self::Talk(_, rest) => rest.last(),
            Self::Refuse(_)
            | Self::Drop
            | Self::Deaf
            | Self::Drip(_)
            | Self::Speak(_)
            | Self::Hold(..)
            | Self::Farewell(_) => Then::Close,
        }
    }
}

async fn serve(mut stream: DuplexStream, mut manner: Manner) {
    while let Manner::Talk(words, rest) = manner {
        for word in words {
            match word {
                Word::Says(bytes) => drop(stream.write_all(bytes).await),
                Word::Hears(expected) => {
                    let mut heard = vec![0; expected.len()];
                    if stream.read_exact(&mut heard).await.is_err() {
                        return;
                    }
                    assert_eq!(heard, expected);
                }
                Word::Waits(time) => sleep(time).await,
            }
        }
        manner = *rest;
    }
    let mut hello = [0; 2048];
    match manner {
        Manner::Talk(..) => unreachable!(),
        Manner::Refuse(_) | Manner::Drop | Manner::Leave(_) => (),
        Manner::Say(bytes, then) => {
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(&bytes).await;
            if matches!(then, Then::Wait) {
                std::future::pending::<()>().await;
            }
        }
        Manner::Deaf => std::future::pending().await,
        Manner::Greet(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Manner::Drip(bytes) => {
            for byte in bytes.iter().cycle() {
                sleep(Duration::from_secs(1)).await;
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
        }
        Manner::Farewell(config) => {
            if let Ok(mut session) = TlsAcceptor::from(config).accept(stream).await {
                let _ = session.shutdown().await;
            }
        }
        Manner::Hold(config, words) => {
            if let Ok(mut session) = TlsAcceptor::from(config).accept(stream).await {
                let _ = session.write_all(words).await;
                let _ = session.flush().await;
                std::future::pending::<()>().await;
            }
        }
        Manner::Speak(config) | Manner::Vanish(config) => {
            let _ = TlsAcceptor::from(config).accept(stream).await;
        }
    }
}

pub(super) fn endpoint() -> Endpoint {
    let address = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
    Endpoint::tcp(Zone::default(), address, Port::HTTPS, Dialect::Tls)
}

pub(super) fn pacer(
    guard: impl Fn(IpAddr, Port) -> Option<String> + Send + Sync + 'static,
) -> Arc<Pacer> {
    let unlimited = Rates {
        overall: Rate::Unlimited,
        per_host: Rate::Unlimited,
        per_network: Rate::Unlimited,
    };
    Arc::new(Pacer::new(unlimited, NonZeroUsize::new(2).unwrap(), guard))
}

pub(super) fn probe() -> Probe {
    Probe {
        endpoint: endpoint(),
        server_name: None,
        ladder: "tls1.2+tls1.1+tls1.0,tls1.3".parse().unwrap(),
        lane: Lane::First,
    }
}

pub(super) fn prober(
    behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static,
) -> Prober<Simulated> {
    let dialer = Simulated::new(behaviour);
    Prober::new(dialer, pacer(|_, _| None), Timeouts::default())
}

/// What a peer's behaviour makes of a probe, and how long that took.
pub(super) async fn observe(
    behaviour: impl Fn(usize) -> Manner + Send + Sync + 'static,
) -> (Observation, Duration) {
    let begun = Instant::now();
    let observation = prober(behaviour)
        .run(probe(), &CancellationToken::new())
        .await;
    (observation, begun.elapsed())
}

pub(super) fn words(attempts: &[Attempt]) -> Vec<String> {
    attempts.iter().map(Attempt::to_string).collect()
}
