use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::fault;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDialer {
    settings: Settings,
}

impl TcpDialer {
    /// A dialer with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
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

    /// A socket whose SYN is on its way, or that is connected already.
    fn begin(&self, target: SocketAddr) -> Result<TcpStream, DialError> {
        let ours = |error: io::Error| DialError::Local(fault::local(&error));
        let socket = open(target).map_err(ours)?;
        if let Some(source) = self.settings.source {
            bind(&socket, source, target).map_err(DialError::Local)?;
        }
        match socket.connect(&target.into()) {
            Ok(()) => {}
            Err(error) if is_in_progress(&error) => {}
            Err(error) => return Err(fault::before_syn(&error)),
        }
        TcpStream::from_std(socket.into()).map_err(ours)
    }
}

impl Dialer for TcpDialer {
    type Stream = TcpStream;

    async fn dial(&self, pass: Pass) -> Result<TcpStream, DialError> {
        let stream = self.begin(pass.endpoint().socket_address())?;
        let failed = |error: io::Error| DialError::Local(fault::local(&error));
        // A connect that ended, well or badly, makes the socket writable.
        stream.writable().await.map_err(failed)?;
        match stream.take_error().map_err(failed)? {
            Some(error) => fault::after_syn(&error).map_or(Ok(stream), Err),
            None => Ok(stream),
        }
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

fn is_in_progress(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INPROGRESS | Errno::INTR)
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::num::NonZeroUsize;

    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::{Dialect, Endpoint, Port, Zone};
    use crate::pace::{Lane, Pacer, Rate, Rates};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    async fn listen(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
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
        let admission = pacer.admit(&endpoint, Lane::First).await;
        admission.unwrap().pass
    }

    async fn dial(target: SocketAddr) -> Result<TcpStream, DialError> {
        TcpDialer::default().dial(pass(target).await).await
    }

    async fn dial_from(source: &str, target: SocketAddr) -> Result<TcpStream, DialError> {
        let source = Some(source.parse().unwrap());
        TcpDialer::new(Settings { source })
            .dial(pass(target).await)
            .await
    }

    async fn assert_reset(mut accepted: TcpStream) {
        let error = accepted.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    /// The states of the kernel's sockets that have this port at either end,
    /// listeners left out.
    #[cfg(target_os = "linux")]
    fn states_with(port: u16) -> Vec<String> {
        const LISTEN: &str = "0A";
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let suffix = format!(":{port:04X}");
        table
            .lines()
            .map(|line| line.split_whitespace().skip(1).take(3).collect::<Vec<_>>())
            .filter(|fields| fields[..2].iter().any(|end| end.ends_with(&suffix)))
            .map(|fields| fields[2].to_owned())
            .filter(|state| state != LISTEN)
            .collect()
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
        drop(stream);
        assert_reset(accepted).await;
        #[cfg(target_os = "linux")]
        assert_eq!(states_with(address.port()), [""; 0]);
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
        // A listener whose queue is full drops the SYN.
        let listener = open(SocketAddr::new(LOOPBACK, 0)).unwrap();
        listener.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let queued = dial(address).await.unwrap();

        let pass = pass(address).await;
        assert!(TcpDialer::default().dial(pass).now_or_never().is_none());
        drop(queued);
        assert_eq!(states_with(address.port()), [""; 0]);
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        // Bound, so that nobody else takes it, and not listening.
        let closed = open(SocketAddr::new(LOOPBACK, 0)).unwrap();
        closed.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
        let address = closed.local_addr().unwrap().as_socket().unwrap();
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
}
