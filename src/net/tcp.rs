use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::connection::{Connection, forget_readiness};
use super::fault;
use super::idle::IdleSockets;
use super::{DialError, Dialer};
use crate::domain::LocalFault;
use crate::pace::Pass;

/// How connections leave this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The address to bind, of the target's family; any when `None`.
    pub source: Option<IpAddr>,
}

/// Dials through the operating system.
///
/// Zero linger is set before the connect, so that every close, also of a
/// connect that was given up, frees both ends at once: it sends RST, no FIN,
/// and leaves no TIME_WAIT behind (RFC 9293 section 3.10.4).
///
/// It belongs to the runtime that it first dials in, where its sockets are
/// registered.
#[derive(Debug, Default)]
pub struct TcpDialer {
    settings: Settings,
    idle: Arc<IdleSockets>,
}

impl TcpDialer {
    /// A dialer with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Whether the source address is one of this machine's.
    pub fn check_source(&self) -> Result<(), LocalFault> {
        let Some(source) = self.settings.source else {
            return Ok(());
        };
        let anywhere = SocketAddr::new(source, 0);
        let socket = open(anywhere).map_err(|error| fault::local(&error))?;
        bind(&socket, source, anywhere)
    }

    /// A connection whose SYN is on its way, or that is made already.
    fn begin(&self, target: SocketAddr) -> Result<Connection, DialError> {
        let family = Domain::for_address(target);
        let socket = match self.idle.take(family) {
            Some(socket) => {
                forget_readiness(&socket);
                connect(&socket, target)?;
                socket
            }
            None => self.begin_fresh(target)?,
        };
        Ok(Connection::new(socket, family, &self.idle))
    }

    fn begin_fresh(&self, target: SocketAddr) -> Result<TcpStream, DialError> {
        let ours = |error: io::Error| DialError::Local(fault::local(&error));
        let socket = open(target).map_err(ours)?;
        if let Some(source) = self.settings.source {
            bind(&socket, source, target).map_err(DialError::Local)?;
        }
        // Registered before, it would be told that it is not connected.
        connect(&socket, target)?;
        TcpStream::from_std(socket.into()).map_err(ours)
    }
}

impl Dialer for TcpDialer {
    type Stream = Connection;

    fn apart(&self) -> Self {
        Self::new(self.settings)
    }

    /// The SYN is sent at once: what waits for the answer holds no more than
    /// the connection.
    fn dial(&self, pass: Pass) -> impl Future<Output = Result<Connection, DialError>> + Send {
        let mut target = pass.endpoint().socket_address();
        // A socket that was connected to a v4-mapped address is IPv4's for good.
        target.set_ip(target.ip().to_canonical());
        let begun = self.begin(target);
        async move {
            let mut connection = begun?;
            connection.established().await?;
            Ok(connection)
        }
    }
}

/// Sends the SYN.
fn connect(socket: impl AsFd, target: SocketAddr) -> Result<(), DialError> {
    match rustix::net::connect(socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(()),
        Err(errno) => Err(fault::before_syn(&errno.into())),
    }
}

/// A socket that resets on close. It sends small writes at once: a probe
/// never has more to say than it has written.
fn open(target: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(target),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Binds the source address, and leaves the port to the connect: chosen here
/// it would be taken for every target, and a sweep would run out of ports.
fn bind(socket: &Socket, source: IpAddr, target: SocketAddr) -> Result<(), LocalFault> {
    let fault = |why: &dyn std::fmt::Display| {
        LocalFault::Network(format!("source address {source}: {why}"))
    };
    if source.is_ipv4() != target.is_ipv4() {
        return Err(fault(&format_args!(
            "{} is of the other family",
            target.ip()
        )));
    }
    #[cfg(target_os = "linux")]
    setsockopt(socket, IpBindAddressNoPort, &true).map_err(|errno| fault(&errno))?;
    socket
        .bind(&SocketAddr::new(source, 0).into())
        .map_err(|error| fault(&error))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroUsize;

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::yield_now;

    use super::*;
    use crate::domain::{Dialect, Endpoint, Port, Zone};
    use crate::pace::{Lane, Pacer, Rate, Rates};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    async fn listen(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// A port that is bound, so that nobody else takes it, and not listening.
    fn close(address: &str) -> (Socket, SocketAddr) {
        let address: SocketAddr = address.parse().unwrap();
        let closed = open(address).unwrap();
        closed.bind(&address.into()).unwrap();
        let address = closed.local_addr().unwrap().as_socket().unwrap();
        (closed, address)
    }

    /// A listener that drops every SYN, since its queue is full.
    #[cfg(target_os = "linux")]
    async fn listen_to_nobody(address: &str) -> (Socket, Connection, SocketAddr) {
        let (listener, address) = close(address);
        listener.listen(0).unwrap();
        let queued = dial(address).await.unwrap();
        (listener, queued, address)
    }

    async fn pass(target: SocketAddr) -> Pass {
        let rates = Rates {
            overall: Rate::Unlimited,
            per_host: Rate::Unlimited,
            per_network: Rate::Unlimited,
        };
        let port = Port::new(target.port()).unwrap();
        let endpoint = Endpoint::tcp(Zone::default(), target.ip(), port, Dialect::Tls);
        let pacer = Pacer::new(rates, NonZeroUsize::MIN, |_, _| None);
        let admission = pacer.admit(&endpoint, Lane::First, Duration::ZERO).await;
        admission.unwrap().pass
    }

    async fn dial(target: SocketAddr) -> Result<Connection, DialError> {
        TcpDialer::default().dial(pass(target).await).await
    }

    async fn dial_from(source: &str, target: SocketAddr) -> Result<Connection, DialError> {
        let source = Some(source.parse().unwrap());
        TcpDialer::new(Settings { source })
            .dial(pass(target).await)
            .await
    }

    async fn assert_reset(mut accepted: TcpStream) {
        let error = accepted.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    /// The kernel's sockets: both their ends, and their states. Those of other
    /// programs are among them, with the same ports maybe.
    #[cfg(target_os = "linux")]
    fn sockets() -> Vec<[String; 3]> {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let fields = |line: &str| {
            let mut fields = line.split_whitespace().skip(1).map(str::to_owned);
            std::array::from_fn(|_| fields.next().unwrap())
        };
        table.lines().map(fields).collect()
    }

    /// As the kernel's table has it.
    #[cfg(target_os = "linux")]
    fn entry(address: SocketAddr) -> String {
        let IpAddr::V4(ip) = address.ip() else {
            panic!("{address} is in another table");
        };
        let octets = u32::from_ne_bytes(ip.octets());
        format!("{octets:08X}:{:04X}", address.port())
    }

    #[tokio::test]
    async fn a_dropped_connection_is_reset_on_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (listener, address) = listen(address).await;
            let stream = dial(address).await.unwrap();
            let (accepted, _) = listener.accept().await.unwrap();
            drop(stream);
            assert_reset(accepted).await;
        }
    }

    #[tokio::test]
    async fn it_is_reset_after_data_both_ways_too_and_nothing_stays_behind() {
        let (listener, address) = listen("127.0.0.1:0").await;
        let mut stream = dial(address).await.unwrap();
        let (mut accepted, _) = listener.accept().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        accepted.read_exact(&mut [0; 5]).await.unwrap();
        accepted.write_all(b"flight").await.unwrap();
        stream.read_exact(&mut [0; 6]).await.unwrap();
        #[cfg(target_os = "linux")]
        let between = {
            let ends = [address, accepted.peer_addr().unwrap()].map(entry);
            move |socket: &[String; 3]| ends.iter().all(|end| socket[..2].contains(end))
        };
        #[cfg(target_os = "linux")]
        assert_eq!(sockets().iter().filter(|it| between(it)).count(), 2);
        drop(stream);
        assert_reset(accepted).await;
        #[cfg(target_os = "linux")]
        assert_eq!(sockets().into_iter().find(between), None);
    }

    #[tokio::test]
    async fn a_dial_given_up_while_it_is_answered_is_reset() {
        let (listener, address) = listen("127.0.0.1:0").await;
        // The kernel answers on loopback at once; the dial has not looked yet.
        let pass = pass(address).await;
        assert!(TcpDialer::default().dial(pass).now_or_never().is_none());
        let (accepted, _) = listener.accept().await.unwrap();
        assert_reset(accepted).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_dial_given_up_unanswered_leaves_nothing_behind() {
        let (_listener, queued, address) = listen_to_nobody("127.0.0.1:0").await;

        let pass = pass(address).await;
        assert!(TcpDialer::default().dial(pass).now_or_never().is_none());
        drop(queued);
        let to_it = |socket: &[String; 3]| socket[1] == entry(address);
        assert_eq!(sockets().into_iter().find(to_it), None);
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let (_closed, address) = close("127.0.0.1:0");
        assert_eq!(dial(address).await.unwrap_err(), DialError::Refused);
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_chosen_source() {
        let (listener, address) = listen("127.0.0.1:0").await;
        let _stream = dial_from("127.0.0.2", address).await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.ip(), IpAddr::from([127, 0, 0, 2]));

        let (listener, address) = listen("[::1]:0").await;
        let _stream = dial_from("::1", address).await.unwrap();
        assert!(listener.accept().await.is_ok());
    }

    #[tokio::test]
    async fn a_source_that_does_not_fit_is_our_own_fault() {
        let target = SocketAddr::new(LOOPBACK, 9);
        for source in ["::1", "192.0.2.1"] {
            let error = dial_from(source, target).await.unwrap_err();
            let DialError::Local(LocalFault::Network(why)) = error else {
                panic!("{source}: {error:?}");
            };
            assert!(why.contains(source), "{why}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_cannot_be_sent_says_nothing_about_the_target() {
        let broadcast = SocketAddr::from(([127, 255, 255, 255], 443));
        let error = dial(broadcast).await.unwrap_err();
        assert!(
            matches!(error, DialError::Local(LocalFault::Network(_))),
            "{error:?}"
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_source_address_is_not_limited_to_one_target_a_port() {
        let socket = open(SocketAddr::new(LOOPBACK, 9)).unwrap();
        bind(&socket, LOOPBACK, SocketAddr::new(LOOPBACK, 9)).unwrap();
        let bound = socket.local_addr().unwrap().as_socket().unwrap();
        assert_eq!(bound, SocketAddr::new(LOOPBACK, 0));
    }

    /// What may become of a connection.
    #[cfg(target_os = "linux")]
    #[derive(Clone, Copy, Debug)]
    enum Fate {
        Refused,
        /// Given up before the SYN was answered.
        Unanswered,
        /// Given up before we looked at the answer.
        Unseen,
        ResetByPeer,
        ClosedByPeer,
        /// Dropped with bytes of the peer's that nobody read.
        Unread,
    }

    #[cfg(target_os = "linux")]
    impl Fate {
        const ALL: [Self; 6] = [
            Self::Refused,
            Self::Unanswered,
            Self::Unseen,
            Self::ResetByPeer,
            Self::ClosedByPeer,
            Self::Unread,
        ];

        async fn befall(self, dialer: &TcpDialer, host: &str) {
            match self {
                Self::Refused => {
                    let (_closed, address) = close(host);
                    let refused = dialer.dial(pass(address).await).await;
                    assert_eq!(refused.unwrap_err(), DialError::Refused);
                }
                Self::Unanswered => {
                    let (_listener, _queued, address) = listen_to_nobody(host).await;
                    let pass = pass(address).await;
                    assert!(dialer.dial(pass).now_or_never().is_none());
                }
                Self::Unseen => {
                    let (_listener, address) = listen(host).await;
                    let pass = pass(address).await;
                    assert!(dialer.dial(pass).now_or_never().is_none());
                }
                Self::ResetByPeer | Self::ClosedByPeer | Self::Unread => {
                    let (listener, address) = listen(host).await;
                    let mut stream = dialer.dial(pass(address).await).await.unwrap();
                    let (accepted, _) = listener.accept().await.unwrap();
                    let _kept = self.end(&mut stream, accepted).await;
                    drop(stream);
                }
            }
        }

        /// The peer's side of it; `None` once it is reset.
        async fn end(self, stream: &mut Connection, mut accepted: TcpStream) -> Option<TcpStream> {
            accepted.write_all(b"stale").await.unwrap();
            let mut first = [0; 1];
            stream.read_exact(&mut first).await.unwrap();
            match self {
                Self::ResetByPeer => {
                    accepted.set_zero_linger().unwrap();
                    drop(accepted);
                    stream.read_to_end(&mut Vec::new()).await.unwrap_err();
                    return None;
                }
                Self::ClosedByPeer => {
                    accepted.shutdown().await.unwrap();
                    stream.read_to_end(&mut Vec::new()).await.unwrap();
                }
                Self::Refused | Self::Unanswered | Self::Unseen | Self::Unread => (),
            }
            Some(accepted)
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_socket_serves_the_next_connection_whatever_became_of_the_one_before() {
        for (host, idle) in [("127.0.0.1:0", (1, 0)), ("[::1]:0", (0, 1))] {
            let dialer = TcpDialer::default();
            for fate in Fate::ALL {
                // The runtime is told of the end, or the next dial is sooner.
                for turns in [0, 2] {
                    fate.befall(&dialer, host).await;
                    assert_eq!(dialer.idle.count(), idle, "{fate:?}");
                    for _ in 0..turns {
                        yield_now().await;
                    }
                    assert_serves(&dialer, host).await;
                    assert_eq!(dialer.idle.count(), idle, "{fate:?}");
                }
            }
        }
    }

    /// Its next connection is made, carries its own bytes alone, and is reset.
    #[cfg(target_os = "linux")]
    async fn assert_serves(dialer: &TcpDialer, host: &str) {
        let (listener, address) = listen(host).await;
        let mut stream = dialer.dial(pass(address).await).await.unwrap();
        assert_eq!(dialer.idle.count(), (0, 0));
        let (mut accepted, _) = listener.accept().await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut hello = [0; 5];
        accepted.read_exact(&mut hello).await.unwrap();
        assert_eq!(&hello, b"hello");
        accepted.write_all(b"flight").await.unwrap();
        let mut flight = [0; 6];
        stream.read_exact(&mut flight).await.unwrap();
        assert_eq!(&flight, b"flight");
        assert!(stream.read_u8().now_or_never().is_none());
        drop(stream);
        assert_reset(accepted).await;
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_end_of_the_connection_before_wakes_nobody() {
        #[derive(Default)]
        struct Wakes(AtomicUsize);
        impl Wake for Wakes {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        let dialer = TcpDialer::default();
        let (_listener, _queued, unanswered) = listen_to_nobody("127.0.0.1:0").await;
        for fate in Fate::ALL {
            fate.befall(&dialer, "127.0.0.1:0").await;
            yield_now().await;
            let woken = Arc::new(Wakes::default());
            let waker = Waker::from(Arc::clone(&woken));
            let mut dial = Box::pin(dialer.dial(pass(unanswered).await));
            let polled = dial.poll_unpin(&mut Context::from_waker(&waker));
            assert!(polled.is_pending(), "{fate:?}");
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(woken.0.load(Ordering::Relaxed), 0, "{fate:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_socket_keeps_its_source_for_the_next_connection() {
        for (source, host) in [("127.0.0.2", "127.0.0.1:0"), ("::1", "[::1]:0")] {
            let source = source.parse().unwrap();
            let dialer = TcpDialer::new(Settings {
                source: Some(source),
            });
            for fate in Fate::ALL {
                fate.befall(&dialer, host).await;
                let (listener, address) = listen(host).await;
                let stream = dialer.dial(pass(address).await).await.unwrap();
                assert_eq!(dialer.idle.count(), (0, 0));
                let (_, peer) = listener.accept().await.unwrap();
                assert_eq!(peer.ip(), source, "{fate:?}");
                drop(stream);
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn no_more_sockets_are_open_than_were_in_use_at_one_moment() {
        let dialer = TcpDialer::default();
        let (_v4, v4) = listen("127.0.0.1:0").await;
        let (_v6, v6) = listen("[::1]:0").await;
        let both = [
            dialer.dial(pass(v4).await).await.unwrap(),
            dialer.dial(pass(v4).await).await.unwrap(),
        ];
        drop(both);
        assert_eq!(dialer.idle.count(), (2, 0));
        drop(dialer.dial(pass(v4).await).await.unwrap());
        assert_eq!(dialer.idle.count(), (2, 0));
        drop(dialer.dial(pass(v6).await).await.unwrap());
        assert_eq!(dialer.idle.count(), (1, 1));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_v4_mapped_address_is_dialled_by_a_socket_of_ipv4() {
        let (_listener, mut address) = listen("127.0.0.1:0").await;
        address.set_ip("::ffff:127.0.0.1".parse().unwrap());
        let dialer = TcpDialer::default();
        drop(dialer.dial(pass(address).await).await.unwrap());
        assert_eq!(dialer.idle.count(), (1, 0));
    }
}
