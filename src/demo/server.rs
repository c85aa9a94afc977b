//! Accept loops: a listener and a service become connections, so many at a
//! time and for so long.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// Connections served at a time by one server; more wait in the listener's
/// queue. A scan opens a few to one port.
const MAX_CONNECTIONS: usize = 16;

/// After so long a connection ends, whatever its client does.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// What is read from one client at most; a ClientHello is far smaller.
const READ_LIMIT: u64 = 64 * 1024;

/// The rest after an accept that failed. Most likely the descriptors ran
/// out, and the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a server does with a connection.
#[derive(Clone)]
pub(super) enum Service {
    /// TLS.
    Tls(TlsAcceptor),
    /// Greets as a mail server does, and knows no command (RFC 5321).
    Mail,
    /// Answers as a web server does that expected plain HTTP (RFC 9110
    /// section 15.5.1).
    Http,
    /// Listens, and says nothing.
    Silence,
}

/// A service on a port of its own.
pub(super) struct Server {
    listener: TcpListener,
    service: Service,
}

impl Server {
    /// Opens a port that the system chooses, on 127.0.0.1: the only loopback
    /// address that every system has.
    pub(super) async fn open(service: Service) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { listener, service })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`; the connections are among `tasks` and end with it.
    pub(super) async fn run(self, tasks: TaskTracker, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let next = || stop.run_until_cancelled(self.accept(&slots));
        while let Some(Some((stream, slot))) = next().await {
            let service = self.service.clone();
            let connection = async move {
                match timeout(CONNECTION_LIMIT, service.serve(stream)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => debug!(%error, "demo connection failed"),
                    Err(_) => debug!("demo connection took too long"),
                }
                drop(slot);
            };
            tasks.spawn(stop.clone().run_until_cancelled_owned(connection));
        }
    }

    /// The next connection, once there is room for it; `None` if the slots
    /// are closed, which nobody does.
    async fn accept(&self, slots: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return Some((stream, slot)),
                Err(error) => {
                    debug!(%error, "demo server cannot accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Service {
    async fn serve(self, stream: TcpStream) -> io::Result<()> {
        match self {
            Self::Tls(acceptor) => serve_tls(&acceptor, stream).await,
            Self::Mail => serve_mail(stream).await,
            Self::Http => serve_http(stream).await,
            Self::Silence => drain(stream).await,
        }
    }
}

async fn serve_tls(acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    match acceptor.accept(stream).into_fallible().await {
        Ok(mut stream) => {
            drain(&mut stream).await?;
            stream.shutdown().await
        }
        // The alert is sent.
        Err((error, stream)) => {
            close(stream).await?;
            Err(error)
        }
    }
}

async fn serve_mail(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"220 demo ESMTP\r\n").await?;
    if hear(&mut stream).await? {
        stream.write_all(b"500 5.5.2 Not understood\r\n").await?;
    }
    close(stream).await
}

async fn serve_http(mut stream: TcpStream) -> io::Result<()> {
    const RESPONSE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
        Server: demo\r\n\
        Content-Type: text/plain\r\n\
        Content-Length: 22\r\n\
        Connection: close\r\n\
        \r\n\
        This is a plain port.\n";

    if hear(&mut stream).await? {
        stream.write_all(RESPONSE).await?;
    }
    close(stream).await
}

/// Waits until the client says something; false if it leaves instead.
async fn hear(stream: &mut TcpStream) -> io::Result<bool> {
    let mut said = [0; 1024];
    Ok(stream.read(&mut said).await? > 0)
}

/// Closes so that the client gets to read what was written: FIN, and then
/// what it still sends is taken from the socket, since closing over unread
/// bytes is a reset (RFC 2525 section 2.17), which discards what is on its
/// way.
async fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    drain(stream).await
}

/// Reads until the client closes.
async fn drain(stream: impl AsyncRead + Unpin) -> io::Result<()> {
    copy(&mut stream.take(READ_LIMIT), &mut sink())
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::client::connect;
    use super::*;

    /// A server of its own, its address, and what stops it when dropped.
    async fn serving(service: Service) -> (SocketAddr, impl Drop) {
        let server = Server::open(service).await.unwrap();
        let address = server.address().unwrap();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(server.run(tasks.clone(), stop.clone()));
        (address, stop.drop_guard())
    }

    async fn say(words: &[u8], address: SocketAddr) -> String {
        let mut stream = connect(address).await.unwrap();
        stream.write_all(words).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_mail_server_greets_and_understands_nothing() {
        let (address, _stop) = serving(Service::Mail).await;
        assert_eq!(
            say(b"\x16\x03\x01", address).await,
            "220 demo ESMTP\r\n500 5.5.2 Not understood\r\n"
        );
    }

    #[tokio::test]
    async fn a_web_server_answers_a_client_hello_with_a_whole_http_response() {
        let (address, _stop) = serving(Service::Http).await;
        let response = say(b"\x16\x03\x01", address).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
    }

    #[tokio::test]
    async fn a_long_request_does_not_reset_the_answer() {
        let (address, _stop) = serving(Service::Http).await;
        let response = say(&[b'x'; 10_000], address).await;
        assert!(response.ends_with("plain port.\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_says_nothing_until_its_patience_ends() {
        let (address, _stop) = serving(Service::Silence).await;
        assert_eq!(say(b"\x16\x03\x01", address).await, "");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_nobody_closes_make_room_in_the_end() {
        let (address, _stop) = serving(Service::Mail).await;
        let mut open = Vec::new();
        for _ in 0..=MAX_CONNECTIONS {
            let mut stream = connect(address).await.unwrap();
            let mut greeting = [0; 3];
            stream.read_exact(&mut greeting).await.unwrap();
            assert_eq!(&greeting, b"220");
            open.push(stream);
        }
    }
}
