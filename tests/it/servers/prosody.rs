//! Prosody: XMPP with STARTTLS for clients and for servers, and in TLS.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, at_port, open_folder};

/// A running Prosody. It serves one domain, and nobody who asks for another.
pub(crate) struct Prosody {
    pub(crate) clients: SocketAddr,
    pub(crate) servers: SocketAddr,
    /// Clients, in TLS at once.
    pub(crate) direct: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Prosody {
    pub(crate) fn start(domain: &str, identity: &Identity) -> Self {
        let folder = open_folder();
        let [clients, servers, direct] = [5222, 5269, 5223].map(at_port);
        let text = format!(
            "daemonize = false\n\
             run_as_root = true\n\
             interfaces = {{ \"{address}\" }}\n\
             c2s_ports = {{ {} }}\n\
             s2s_ports = {{ {} }}\n\
             c2s_direct_tls_ports = {{ {} }}\n\
             s2s_direct_tls_ports = {{}}\n\
             data_path = \"{folder}\"\n\
             pidfile = \"{folder}/pid\"\n\
             log = {{ {{ levels = {{ min = \"info\" }}, to = \"console\" }} }}\n\
             modules_enabled = {{ \"tls\", \"saslauth\", \"dialback\" }}\n\
             ssl = {{ certificate = \"{}\", key = \"{}\" }}\n\
             VirtualHost \"{domain}\"\n",
            clients.port(),
            servers.port(),
            direct.port(),
            identity.chain.display(),
            identity.key.display(),
            address = clients.ip(),
            folder = folder.path().display(),
        );
        let configuration = folder.path().join("prosody.cfg.lua");
        fs::write(&configuration, text).unwrap();
        let mut command = daemon("prosody");
        command.arg("--config").arg(configuration).arg("-F");
        let mut process = Process::start(&mut command);
        // Three services get ports, in any order; all others get none.
        for _ in [clients, servers, direct] {
            let activated = |line: &str| line.contains("Activated") && line.contains(" on [");
            process.wait_for(|line| activated(line).then_some(()));
        }
        Self {
            clients,
            servers,
            direct,
            _process: process,
            _folder: folder,
        }
    }
}
