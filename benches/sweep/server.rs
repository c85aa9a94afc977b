//! Every address of a network as a TLS server: what `benches/sweep/run` lets
//! the sweeps find. One thread, one epoll; it ends when its input is closed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a part of a measurement may fail loudly"
)]

mod flight;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{RecvFlags, SendFlags, SocketFlags};
use rustls::{ServerConfig, ServerConnection};

/// What a port does with a ClientHello.
#[derive(Clone, Copy)]
enum Manner {
    /// Sends the flight of TLS 1.2, the same from every address.
    Canned,
    /// The same with a leaf of each address's own.
    Own,
    /// A handshake of TLS 1.3, and of nothing older.
    Sealed,
}

const MANNERS: [(u16, Manner); 3] = [
    (443, Manner::Canned),
    (8443, Manner::Own),
    (9443, Manner::Sealed),
];

/// The token of the descriptor whose end ends the server.
const INPUT: u64 = u64::MAX;

/// Connections that may wait to be accepted, as far as the system allows.
const BACKLOG: i32 = 65_535;

fn main() {
    let mut server = Server::new();
    println!("ready");
    io::stdout().flush().unwrap();
    while server.turn() {}
}

struct Server {
    epoll: OwnedFd,
    listeners: Vec<(TcpListener, Manner)>,
    /// By descriptor, behind the listeners' places.
    connections: Vec<Option<Connection>>,
    flight: Vec<u8>,
    /// Where the leaf's serial number stands in it.
    serial: usize,
    sealed: Arc<ServerConfig>,
    received: Vec<u8>,
}

struct Connection {
    socket: OwnedFd,
    manner: Manner,
    tls: Option<Box<ServerConnection>>,
}

impl Server {
    fn new() -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        epoll::add(
            &epoll,
            io::stdin(),
            EventData::new_u64(INPUT),
            EventFlags::IN,
        )
        .unwrap();
        let mut listeners = Vec::new();
        for (token, (port, manner)) in (0..).zip(MANNERS) {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
            listener.set_nonblocking(true).unwrap();
            rustix::net::listen(&listener, BACKLOG).unwrap();
            epoll::add(&epoll, &listener, EventData::new_u64(token), EventFlags::IN).unwrap();
            listeners.push((listener, manner));
        }
        let flight = flight::canned();
        let serial = flight
            .windows(flight::SERIAL.len())
            .position(|bytes| bytes == flight::SERIAL);
        Self {
            epoll,
            listeners,
            connections: Vec::new(),
            flight,
            serial: serial.unwrap(),
            sealed: flight::sealed(),
            received: vec![0; 1 << 14],
        }
    }

    /// Waits once and answers what came; `false` when the input is closed.
    fn turn(&mut self) -> bool {
        let mut events = Vec::with_capacity(1024);
        let waited = epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            None,
        );
        if waited == Err(rustix::io::Errno::INTR) {
            return true;
        }
        waited.unwrap();
        for event in events {
            let token = event.data.u64();
            if token == INPUT {
                return io::stdin().read(&mut [0]).unwrap() > 0;
            }
            let token = usize::try_from(token).unwrap();
            match token.checked_sub(self.listeners.len()) {
                None => self.accept(token),
                Some(place) => self.answer(place),
            }
        }
        true
    }

    /// Accepts all that wait; what can't be accepted goes on waiting.
    fn accept(&mut self, listener: usize) {
        let (listener, manner) = &self.listeners[listener];
        while let Ok(socket) = rustix::net::accept_with(listener, SocketFlags::NONBLOCK) {
            let place = usize::try_from(socket.as_raw_fd()).unwrap();
            let token = EventData::new_u64((place + self.listeners.len()) as u64);
            epoll::add(&self.epoll, &socket, token, EventFlags::IN).unwrap();
            if self.connections.len() <= place {
                self.connections.resize_with(place + 1, || None);
            }
            self.connections[place] = Some(Connection {
                socket,
                manner: *manner,
                tls: None,
            });
        }
    }

    /// Reads, and answers or, where the client has gone, closes.
    fn answer(&mut self, place: usize) {
        let Some(connection) = &mut self.connections[place] else {
            return;
        };
        let socket = connection.socket.as_fd();
        let received = match rustix::net::recv(socket, &mut self.received[..], RecvFlags::empty()) {
            Ok((0, _)) | Err(_) => {
                self.connections[place] = None;
                return;
            }
            Ok((length, _)) => &self.received[..length],
        };
        let outgoing = match connection.manner {
            Manner::Canned => &self.flight,
            Manner::Own => {
                let ours = rustix::net::getsockname(socket).unwrap();
                let ours = SocketAddrV4::try_from(ours).unwrap();
                self.flight[self.serial..][..4].copy_from_slice(&ours.ip().octets());
                &self.flight
            }
            Manner::Sealed => {
                let new = || Box::new(ServerConnection::new(Arc::clone(&self.sealed)).unwrap());
                &flight::answer(connection.tls.get_or_insert_with(new), received)
            }
        };
        // A client that has gone is closed by the event that tells of it.
        let _ = rustix::net::send(socket, outgoing, SendFlags::NOSIGNAL);
    }
}
