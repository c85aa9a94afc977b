//! PostgreSQL, which begins TLS when asked in its own words.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{daemon_of_nobody, run};
use super::{Identity, Process, open_folder, own_loopback};

/// A running PostgreSQL with a new cluster.
pub(crate) struct Postgres {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Postgres {
    pub(crate) fn start(identity: &Identity) -> Self {
        Self::start_at(own_loopback(), identity)
    }

    /// The same, on another address of this machine.
    pub(crate) fn start_at(ip: IpAddr, identity: &Identity) -> Self {
        let folder = open_folder();
        let address = SocketAddr::new(ip, 5432);
        let [data, chain, key] =
            ["data", "chain.pem", "key.pem"].map(|name| folder.path().join(name));
        fs::copy(&identity.chain, &chain).unwrap();
        fs::copy(&identity.key, &key).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        // It refuses to run as root, and to use a key of somebody else's.
        run(Command::new("chown")
            .args(["-R", "nobody"])
            .arg(folder.path()));
        run(daemon_of_nobody(&program("initdb"))
            .args(["--auth", "trust", "--no-sync", "--no-locale", "-D"])
            .arg(&data));

        let mut command = daemon_of_nobody(&program("postgres"));
        command.arg("-D").arg(&data);
        for setting in [
            format!("listen_addresses={}", address.ip()),
            format!("port={}", address.port()),
            "unix_socket_directories=".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", chain.display()),
            format!("ssl_key_file={}", key.display()),
        ] {
            command.arg("-c").arg(setting);
        }
        let mut process = Process::start(&mut command).with_children(Signal::INT);
        process.wait_for(|line| line.contains("ready to accept").then_some(()));
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}

/// Debian keeps the server's programs in a folder of their version.
fn program(name: &str) -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("tests/run installs PostgreSQL");
    versions
        .map(|version| version.unwrap().path().join("bin").join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| panic!("no {name} (tests/run installs PostgreSQL)"))
        .into_os_string()
        .into_string()
        .unwrap()
}
