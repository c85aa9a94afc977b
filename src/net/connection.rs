use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use socket2::Domain;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::DialError;
use super::fault;
use super::idle::IdleSockets;

/// A connection over TCP, from its SYN on. Dropping it resets it.
///
/// On Linux its socket comes from a connection before, and goes on to the
/// next: disconnected (connect(2), AF_UNSPEC) rather than closed, it sends the
/// same reset, loses what it had received or not yet sent, and keeps its
/// options. That spares opening, setting up, registering and closing one.
/// Elsewhere, and where it fails, the socket is closed and a new one opened.
///
/// What the runtime was told of the connection before is no word of this one,
/// so no readiness counts that the socket does not confirm.
#[derive(Debug)]
pub struct Connection {
    /// `None` once the runtime would not take it anew.
    socket: Option<TcpStream>,
    family: Domain,
    idle: Arc<IdleSockets>,
}

impl Connection {
    /// The connection of a socket that has sent its SYN.
    pub(super) fn new(socket: TcpStream, family: Domain, idle: &Arc<IdleSockets>) -> Self {
        Self {
            socket: Some(socket),
            family,
            idle: Arc::clone(idle),
        }
    }

    /// Waits until the peer has taken the connection.
    pub(super) async fn established(&mut self) -> Result<(), DialError> {
        let answered = |socket: &TcpStream| socket.try_io(Interest::WRITABLE, || answer(socket));
        let ended = poll_fn(|context| self.poll_io(Interest::WRITABLE, context, answered)).await;
        match ended.map_err(|error| DialError::Local(fault::local(&error)))? {
            Some(error) => fault::after_syn(&error).map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Tries something, one of `TcpStream::try_*`, until it would no longer
    /// block.
    fn poll_io<T>(
        &mut self,
        interest: Interest,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let Some(socket) = &self.socket else {
                return Poll::Ready(Err(ErrorKind::NotConnected.into()));
            };
            ready!(match interest {
                Interest::WRITABLE => socket.poll_write_ready(context),
                _ => socket.poll_read_ready(context),
            })?;
            match attempt(socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if has_ended(socket, interest) {
                        self.register_anew()?;
                    }
                }
                done => return Poll::Ready(done),
            }
        }
    }

    /// Has the runtime forget an end, which it takes for final.
    fn register_anew(&mut self) -> io::Result<()> {
        if let Some(socket) = self.socket.take() {
            self.socket = Some(TcpStream::from_std(socket.into_std()?)?);
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take()
            && disconnect(&socket).is_ok()
        {
            self.idle.give_back(self.family, socket);
        }
    }
}

/// Has the runtime forget what it was told of a socket, but for an end.
pub(super) fn forget_readiness(socket: &TcpStream) {
    for interest in [Interest::READABLE, Interest::WRITABLE] {
        let _none: io::Result<()> = socket.try_io(interest, || Err(ErrorKind::WouldBlock.into()));
    }
}

/// Whether the runtime was told of an end, of this connection or of the one
/// before.
fn has_ended(socket: &TcpStream, interest: Interest) -> bool {
    let told = socket.ready(interest).now_or_never();
    told.and_then(Result::ok)
        .is_some_and(|told| told.is_read_closed() || told.is_write_closed())
}

/// What became of a connect: the error it ended with, if any. It would block
/// while there is no answer.
fn answer(socket: &TcpStream) -> io::Result<Option<io::Error>> {
    if socket.peer_addr().is_ok() {
        return Ok(None);
    }
    match socket.take_error()? {
        Some(error) => Ok(Some(error)),
        None => Err(ErrorKind::WouldBlock.into()),
    }
}

/// Resets the connection and keeps the socket.
#[cfg(target_os = "linux")]
fn disconnect(socket: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::connect_unspec(socket)?)
}

/// Other systems disconnect sockets of UDP alone.
#[cfg(not(target_os = "linux"))]
fn disconnect(_: &TcpStream) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = |socket: &TcpStream| socket.try_read_buf(buffer);
        self.get_mut()
            .poll_io(Interest::READABLE, context, read)
            .map_ok(|_length| ())
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = |socket: &TcpStream| socket.try_write(bytes);
        self.get_mut().poll_io(Interest::WRITABLE, context, write)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Some(socket) => Pin::new(socket).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}
