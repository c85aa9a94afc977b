//! What no package of the system provides: servers that speak just enough of
//! their protocol to show a certificate. Where the tests name a server, these
//! are named stubs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use super::accepting::Accepting;
use super::{Identity, Process, script};

/// Running dialogues of `stubs.py`.
pub(crate) struct Dialogues {
    _process: Process,
}

/// A server that waits for a hello and answers it in prepared bytes.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    _accepting: Accepting,
}

/// What a stub makes of the bytes so far.
pub(crate) enum Reply {
    /// Not enough yet.
    Wait,
    /// Says this, and keeps the connection.
    Say(Vec<u8>),
    /// Closes the connection.
    Close,
}

impl Dialogues {
    /// Starts one of each kind, at these addresses.
    pub(crate) fn start(identity: &Identity, kinds: &[(&str, SocketAddr)]) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(script("stubs.py"))
            .args([&identity.chain, &identity.key]);
        for (kind, address) in kinds {
            command.arg(format!("{kind}={address}"));
        }
        let mut process = Process::start(&mut command);
        for _ in kinds {
            process.wait_for_address("listening");
        }
        Self { _process: process }
    }
}

impl Stub {
    pub(crate) fn start(answer: impl Fn(&[u8]) -> Reply + Send + 'static) -> Self {
        let mut kept = Vec::new();
        let accepting =
            Accepting::anywhere(move |connection| kept.extend(converse(connection, &answer)));
        Self {
            address: accepting.address,
            _accepting: accepting,
        }
    }
}

/// Talks to one client; the connection, if it shall stay open.
fn converse(mut connection: TcpStream, answer: impl Fn(&[u8]) -> Reply) -> Option<TcpStream> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        // A client that leaves is none.
        let length = connection.read(&mut buffer).ok().filter(|read| *read > 0)?;
        heard.extend(&buffer[..length]);
        match answer(&heard) {
            Reply::Wait => {}
            Reply::Say(bytes) => return connection.write_all(&bytes).ok().map(|()| connection),
            Reply::Close => return None,
        }
    }
}
