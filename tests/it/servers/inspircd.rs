//! InspIRCd: IRC with STARTTLS, and in TLS; its TLS is GnuTLS's.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, at_port, open_folder};

/// A running InspIRCd.
pub(crate) struct InspIrcd {
    pub(crate) address: SocketAddr,
    /// In TLS at once.
    pub(crate) direct: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl InspIrcd {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let [address, direct] = [6667, 6697].map(at_port);
        let path = folder.path().display();
        let text = format!(
            "<server name=\"irc.sweep.test\" description=\"test\" network=\"test\" id=\"001\">\n\
             <admin name=\"test\" nick=\"test\" email=\"test@sweep.test\">\n\
             <bind address=\"{ip}\" port=\"{}\" type=\"clients\">\n\
             <bind address=\"{ip}\" port=\"{}\" type=\"clients\" sslprofile=\"tls\">\n\
             <connect allow=\"*\">\n\
             <module name=\"ssl_gnutls\">\n\
             <module name=\"starttls\">\n\
             <sslprofile name=\"tls\" provider=\"gnutls\" certfile=\"{}\" keyfile=\"{}\">\n\
             <path datadir=\"{path}\" logdir=\"{path}\" runtimedir=\"{path}\">\n\
             <pid file=\"{path}/pid\">\n\
             <files motd=\"/dev/null\">\n",
            address.port(),
            direct.port(),
            identity.chain.display(),
            identity.key.display(),
            ip = address.ip(),
        );
        let configuration = folder.path().join("inspircd.conf");
        fs::write(&configuration, text).unwrap();
        let mut command = daemon("inspircd");
        command.arg(format!("--config={}", configuration.display()));
        command.args(["--nofork", "--nolog", "--runasroot"]);
        let mut process = Process::start(&mut command);
        process.wait_for(|line| line.contains("is now running").then_some(()));
        Self {
            address,
            direct,
            _process: process,
            _folder: folder,
        }
    }
}
