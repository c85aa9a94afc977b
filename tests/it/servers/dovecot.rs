//! Dovecot: IMAP, POP3, LMTP and ManageSieve with STARTTLS, IMAP and POP3 with
//! TLS at once.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, at_port, open_folder};

/// A running Dovecot without a mailbox.
pub(crate) struct Dovecot {
    pub(crate) lmtp: SocketAddr,
    pub(crate) pop3: SocketAddr,
    pub(crate) imap: SocketAddr,
    pub(crate) sieve: SocketAddr,
    /// IMAP in TLS.
    pub(crate) imaps: SocketAddr,
    /// POP3 in TLS.
    pub(crate) pop3s: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Dovecot {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let lmtp = at_port(24);
        let path = |name: &str| folder.path().join(name);
        let text = format!(
            "base_dir = {run}\n\
             state_dir = {state}\n\
             log_path = /dev/stderr\n\
             protocols = imap pop3 lmtp sieve\n\
             listen = {address}\n\
             ssl = yes\n\
             ssl_cert = <{chain}\n\
             ssl_key = <{key}\n\
             passdb {{\n driver = static\n args = nopassword=y\n}}\n\
             userdb {{\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}}\n\
             service lmtp {{\n inet_listener lmtp {{\n address = {address}\n port = {port}\n }}\n}}\n",
            run = path("run").display(),
            state = path("state").display(),
            address = lmtp.ip(),
            port = lmtp.port(),
            chain = identity.chain.display(),
            key = identity.key.display(),
        );
        fs::write(path("dovecot.conf"), text).unwrap();
        let mut command = daemon("dovecot");
        command.arg("-F").arg("-c").arg(path("dovecot.conf"));
        let mut process = Process::start(&mut command).with_children(Signal::TERM);
        process.wait_for(|line| line.contains("starting up").then_some(()));
        Self {
            lmtp,
            pop3: at_port(110),
            imap: at_port(143),
            sieve: at_port(4190),
            imaps: at_port(993),
            pop3s: at_port(995),
            _process: process,
            _folder: folder,
        }
    }
}
