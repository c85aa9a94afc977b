//! OpenLDAP: LDAP with StartTLS, and in TLS.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::process::daemon;
use super::{Identity, Process, at_port, open_folder};

/// A running slapd with an empty directory.
pub(crate) struct Slapd {
    pub(crate) ldap: SocketAddr,
    pub(crate) ldaps: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Slapd {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let [ldap, ldaps] = [389, 636].map(at_port);
        let configuration = folder.path().join("slapd.conf");
        let text = format!(
            "TLSCertificateFile {}\nTLSCertificateKeyFile {}\npidfile {}\n",
            identity.chain.display(),
            identity.key.display(),
            folder.path().join("pid").display(),
        );
        fs::write(&configuration, text).unwrap();
        let mut command = daemon("slapd");
        command.args(["-h", &format!("ldap://{ldap} ldaps://{ldaps}")]);
        // Being debugged it stays in the foreground.
        command.args(["-d", "stats", "-f"]).arg(configuration);
        let mut process = Process::start(&mut command);
        process.wait_for(|line| line.ends_with("slapd starting").then_some(()));
        Self {
            ldap,
            ldaps,
            _process: process,
            _folder: folder,
        }
    }
}
