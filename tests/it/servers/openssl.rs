//! OpenSSL's own test server, which speaks every version from TLS 1.0 up.

use std::net::SocketAddr;
use std::process::Command;

use super::{Identity, Process};

/// A running `openssl s_server`. It serves one connection after the other.
pub(crate) struct SServer {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl SServer {
    /// Starts it with further options of `openssl s_server`; without a
    /// `-cert_chain` among them it shows the certificate alone.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(identity: &Identity, options: &[S]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert"]);
        command
            .arg(&identity.certificate)
            .arg("-key")
            .arg(&identity.key)
            .args(options);
        let mut process = Process::start(&mut command);
        let address = process.wait_for_address("ACCEPT");
        Self {
            address,
            _process: process,
        }
    }
}
