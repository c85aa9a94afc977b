//! OpenSSL's own test server, which speaks every version from TLS 1.0 up.

use std::ffi::OsStr;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Identity, Process};

/// A running `openssl s_server`. It serves one connection after the other.
pub(crate) struct SServer {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl SServer {
    /// Starts it with further options of `openssl s_server`; without a
    /// `-cert_chain` among them it shows the certificate alone.
    pub(crate) fn start<S: AsRef<OsStr>>(identity: &Identity, options: &[S]) -> Self {
        Self::showing(&identity.certificate, &identity.key, options)
    }

    /// The same, with the certificate and the key of these files.
    pub(crate) fn showing<S: AsRef<OsStr>>(certificate: &Path, key: &Path, options: &[S]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert"]);
        command.arg(certificate).arg("-key").arg(key).args(options);
        Self::listening(&mut command)
    }

    /// One that takes the place of another, at its address.
    pub(crate) fn instead_of(other: Self, identity: &Identity) -> Self {
        let address = other.address;
        drop(other);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", &address.to_string(), "-cert"]);
        command
            .arg(&identity.certificate)
            .arg("-key")
            .arg(&identity.key);
        let mut process = Process::start(&mut command);
        // Where the port was given, it does not say the address.
        process.wait_for(|line| (line == "ACCEPT").then_some(()));
        Self {
            address,
            _process: process,
        }
    }

    /// One that has no certificate.
    pub(crate) fn without_certificate(options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-nocert"]);
        Self::listening(command.args(options))
    }

    fn listening(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let address = process.wait_for_address("ACCEPT");
        Self {
            address,
            _process: process,
        }
    }
}

/// SHA-256 of the certificate that OpenSSL's own client is shown after these
/// words in clear, lower-case hex.
#[track_caller]
pub(crate) fn seen_by_openssl(address: SocketAddr, starttls: &[&str]) -> String {
    let seen = openssl(
        Command::new("openssl")
            .args(["s_client", "-connect", &address.to_string(), "-starttls"])
            .args(starttls),
        b"",
    );
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-fingerprint", "-sha256"]);
    let printed = String::from_utf8(openssl(&mut command, &seen)).unwrap();
    let (_, fingerprint) = printed
        .trim()
        .split_once('=')
        .unwrap_or_else(|| panic!("OpenSSL sees no certificate at {address}"));
    fingerprint.replace(':', "").to_lowercase()
}

/// Runs openssl with this on its stdin and returns its stdout.
fn openssl(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // One that has failed already takes no input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().stdout
}
