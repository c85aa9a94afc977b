//! xrdp: RDP, which agrees on TLS in its connection request.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, at_port, open_folder};

/// A running xrdp, without a session to offer.
pub(crate) struct Xrdp {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Xrdp {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let address = at_port(3389);
        let text = format!(
            "[Globals]\n\
             ini_version=1\n\
             fork=false\n\
             port=tcp://{address}\n\
             security_layer=negotiate\n\
             certificate={}\n\
             key_file={}\n\
             ssl_protocols=TLSv1.2, TLSv1.3\n\
             [Logging]\n\
             LogFile=/dev/stderr\n\
             LogLevel=INFO\n\
             EnableSyslog=false\n",
            identity.chain.display(),
            identity.key.display(),
        );
        let configuration = folder.path().join("xrdp.ini");
        fs::write(&configuration, text).unwrap();
        let mut command = daemon("xrdp");
        command.arg("--nodaemon").arg("--config").arg(configuration);
        let mut process = Process::start(&mut command);
        process.wait_for(|line| line.contains("xrdp_listen_pp done").then_some(()));
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}
