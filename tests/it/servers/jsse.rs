//! Java's TLS, from the JDK's single-file launcher, with nothing disabled that
//! it still has: SSLv3, RC4, export suites.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::NamedTempFile;

use super::{Process, script};

/// Security properties that lift every ban on old algorithms.
const NOTHING_DISABLED: &str = "jdk.tls.disabledAlgorithms=\n\
                                jdk.tls.legacyAlgorithms=\n\
                                jdk.certpath.disabledAlgorithms=\n";

/// A running Java machine with one server for each kind asked for.
pub(crate) struct Jsse {
    /// Their addresses, in the order asked for.
    pub(crate) addresses: Vec<SocketAddr>,
    _process: Process,
    _properties: NamedTempFile,
}

impl Jsse {
    /// Starts servers that speak one version each, written as Java does:
    /// `TLSv1.3`; with one suite alone, `TLSv1/SSL_RSA_WITH_RC4_128_SHA`; and
    /// `TLSv1.3+client` to demand a client certificate.
    pub(crate) fn start(key_store: &Path, password: &str, kinds: &[&str]) -> Self {
        let mut properties = NamedTempFile::new().unwrap();
        properties.write_all(NOTHING_DISABLED.as_bytes()).unwrap();
        let mut command = Command::new("java");
        command
            .arg(format!(
                "-Djava.security.properties={}",
                properties.path().display()
            ))
            .arg(script("JsseServer.java"))
            .arg(key_store)
            .arg(password)
            .args(kinds);
        let mut process = Process::start(&mut command);
        let listening = |_| process.wait_for_address("listening");
        Self {
            addresses: kinds.iter().map(listening).collect(),
            _process: process,
            _properties: properties,
        }
    }
}
