//! Java's TLS, from the JDK's single-file launcher.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Process, script};

/// A running Java machine with one server for each kind asked for.
pub(crate) struct Jsse {
    /// Their addresses, in the order asked for.
    pub(crate) addresses: Vec<SocketAddr>,
    _process: Process,
}

impl Jsse {
    /// Starts servers that speak one version each, written as Java does:
    /// `TLSv1.3`, or `TLSv1.3+client` to demand a client certificate.
    pub(crate) fn start(key_store: &Path, password: &str, kinds: &[&str]) -> Self {
        let mut command = Command::new("java");
        command
            .arg(script("JsseServer.java"))
            .arg(key_store)
            .arg(password)
            .args(kinds);
        let mut process = Process::start(&mut command);
        let listening = |_| process.wait_for_address("listening");
        Self {
            addresses: kinds.iter().map(listening).collect(),
            _process: process,
        }
    }
}
