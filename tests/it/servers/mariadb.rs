//! MariaDB, which begins TLS in the middle of its own handshake.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::process::{daemon, run};
use super::{Identity, Process, at_port, open_folder};

/// A running MariaDB with the system tables alone.
pub(crate) struct MariaDb {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl MariaDb {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let address = at_port(3306);
        let path = |option: &str, name: &str| {
            let path = folder.path().join(name);
            format!("--{option}={}", path.display())
        };
        run(Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--skip-test-db"])
            .arg(path("datadir", "data")));

        let mut command = daemon("mariadbd");
        command
            .args(["--no-defaults", "--user=root"])
            .arg(path("datadir", "data"))
            .arg(path("socket", "socket"))
            .arg(format!("--bind-address={}", address.ip()))
            .arg(format!("--port={}", address.port()))
            .arg(format!("--ssl-cert={}", identity.chain.display()))
            .arg(format!("--ssl-key={}", identity.key.display()));
        let mut process = Process::start(&mut command);
        process.wait_for(|line| line.contains("ready for connections").then_some(()));
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}
