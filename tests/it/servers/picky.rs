//! What stands before old servers: devices that hang up on a ClientHello that
//! is not as they know it, and pass all others on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use super::accepting::Accepting;

/// A ClientHello in its record, RFC 5246 sections 6.2.1 and 7.4.1.2.
pub(crate) struct Hello(Vec<u8>);

/// What it does to a hello that it dislikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Displeasure {
    Close,
    /// Answers with this fatal alert, then closes.
    Alert(u8),
    /// Says nothing, and keeps the connection.
    Silence,
}

/// A running device.
pub(crate) struct Picky {
    pub(crate) address: SocketAddr,
    _accepting: Accepting,
}

impl Hello {
    /// The version in the ClientHello itself.
    pub(crate) fn version(&self) -> u16 {
        u16::from_be_bytes([self.0[9], self.0[10]])
    }

    /// The version of the record that it stands in.
    pub(crate) fn record_version(&self) -> u16 {
        u16::from_be_bytes([self.0[1], self.0[2]])
    }

    /// With its handshake header, in bytes: what some devices take for an
    /// SSLv2 hello between 256 and 511 (RFC 7685 section 1).
    pub(crate) fn length(&self) -> usize {
        self.0.len() - RECORD_HEADER
    }

    /// Whether anything follows the compression methods.
    pub(crate) fn has_extensions(&self) -> bool {
        let mut at = RECORD_HEADER + 4 + 2 + 32;
        at += 1 + usize::from(self.0[at]);
        at += 2 + usize::from(u16::from_be_bytes([self.0[at], self.0[at + 1]]));
        at += 1 + usize::from(self.0[at]);
        at < self.0.len()
    }
}

const RECORD_HEADER: usize = 5;

impl Picky {
    /// Stands before `server`, for hellos that are `acceptable`.
    pub(crate) fn before(
        server: SocketAddr,
        displeasure: Displeasure,
        acceptable: fn(&Hello) -> bool,
    ) -> Self {
        let mut kept = Vec::new();
        let accepting = Accepting::anywhere(move |client| {
            // A client that leaves early is no concern of the device's.
            kept.extend(meet(client, server, displeasure, acceptable).ok().flatten());
        });
        Self {
            address: accepting.address,
            _accepting: accepting,
        }
    }
}

/// Meets one client; its connection, if it is neither closed nor passed on.
fn meet(
    mut client: TcpStream,
    server: SocketAddr,
    displeasure: Displeasure,
    acceptable: fn(&Hello) -> bool,
) -> io::Result<Option<TcpStream>> {
    let Some(hello) = read_hello(&mut client)? else {
        return Ok(None);
    };
    if acceptable(&hello) {
        let mut server = TcpStream::connect(server)?;
        server.write_all(&hello.0)?;
        forward(client.try_clone()?, server.try_clone()?);
        forward(server, client);
        return Ok(None);
    }
    match displeasure {
        Displeasure::Close => Ok(None),
        Displeasure::Alert(description) => {
            client.write_all(&[0x15, 3, 0, 0, 2, 2, description])?;
            Ok(None)
        }
        Displeasure::Silence => Ok(Some(client)),
    }
}

/// The hello in one record; `None` for anything else.
fn read_hello(client: &mut TcpStream) -> io::Result<Option<Hello>> {
    let mut bytes = vec![0; RECORD_HEADER];
    client.read_exact(&mut bytes)?;
    if bytes[0] != 0x16 {
        return Ok(None);
    }
    let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
    bytes.resize(RECORD_HEADER + length, 0);
    client.read_exact(&mut bytes[RECORD_HEADER..])?;
    Ok(Some(Hello(bytes)))
}

/// Passes on what one side says until it leaves.
fn forward(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // Either side may leave at any time.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
