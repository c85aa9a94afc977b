//! Python's `ssl`, one process for any number of listeners.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{Identity, Process, script};

/// What one listener does with whoever connects.
pub(crate) enum Listener<'a> {
    /// Speaks one version of TLS, `1.2` or `1.3`.
    Tls(&'a Identity, &'static str),
    /// The same, and demands a client certificate of this authority.
    MutualTls(&'a Identity, &'static str, &'a Path),
    /// Says this, if anything, and waits.
    Greeting(&'static str),
}

/// A listener and its address; port 0 is any free one.
pub(crate) type Listen<'a> = (SocketAddr, Listener<'a>);

/// A running Python with its listeners.
pub(crate) struct PythonTls {
    /// Their addresses, in the order asked for.
    pub(crate) addresses: Vec<SocketAddr>,
    _process: Process,
}

impl PythonTls {
    pub(crate) fn start(listeners: &[Listen<'_>]) -> Self {
        Self::start_with(Command::new("python3"), listeners)
    }

    /// The same, with another way to start Python.
    pub(crate) fn start_with(mut python: Command, listeners: &[Listen<'_>]) -> Self {
        let specification: Vec<_> = listeners.iter().map(describe).collect();
        let text = serde_json::Value::from(specification).to_string();
        let mut process = Process::start(python.arg(script("tls_servers.py")).arg(text));
        let listening = |_| process.wait_for_address("listening");
        Self {
            addresses: listeners.iter().map(listening).collect(),
            _process: process,
        }
    }
}

fn describe((address, listener): &Listen<'_>) -> serde_json::Value {
    let (ip, port) = (address.ip(), address.port());
    match listener {
        Listener::Tls(identity, version) => json!({
            "ip": ip, "port": port, "version": version,
            "chain": identity.chain, "key": identity.key,
        }),
        Listener::MutualTls(identity, version, clients) => json!({
            "ip": ip, "port": port, "version": version,
            "chain": identity.chain, "key": identity.key, "clients": clients,
        }),
        Listener::Greeting(greeting) => json!({ "ip": ip, "port": port, "greeting": greeting }),
    }
}
