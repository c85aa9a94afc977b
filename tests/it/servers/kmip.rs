//! PyKMIP: a key manager that talks to nobody without a client certificate.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, open_folder, own_loopback, script};

/// A running PyKMIP server.
pub(crate) struct Kmip {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Kmip {
    /// Starts it for clients whose certificates this authority has issued.
    pub(crate) fn start(identity: &Identity, clients: &Path) -> Self {
        Self::start_at(own_loopback(), identity, clients)
    }

    /// The same, on another address of this machine.
    pub(crate) fn start_at(ip: IpAddr, identity: &Identity, clients: &Path) -> Self {
        let folder = open_folder();
        let address = SocketAddr::new(ip, 5696);
        // The system's Python: PyKMIP is a package of the system.
        let mut command = daemon("/usr/bin/python3");
        command
            .arg(script("kmip_server.py"))
            .arg(address.ip().to_string())
            .arg(address.port().to_string())
            .args([&identity.chain, &identity.key])
            .args([clients, folder.path()]);
        let mut process = Process::start(&mut command).with_children(Signal::HUP);
        process.wait_for(|line| line.contains("Starting connection service").then_some(()));
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}
