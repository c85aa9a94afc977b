//! vsftpd: FTP with AUTH TLS.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};

use tempfile::TempDir;

use super::accepting::Accepting;
use super::{Identity, at_port, open_folder};

/// A vsftpd for each connection, as inetd starts them.
pub(crate) struct Vsftpd {
    pub(crate) address: SocketAddr,
    _accepting: Accepting,
    _folder: TempDir,
}

impl Vsftpd {
    pub(crate) fn start(identity: &Identity) -> Self {
        let folder = open_folder();
        let text = format!(
            "listen=NO\n\
             anonymous_enable=YES\n\
             run_as_launching_user=YES\n\
             seccomp_sandbox=NO\n\
             ssl_enable=YES\n\
             rsa_cert_file={}\n\
             rsa_private_key_file={}\n",
            identity.chain.display(),
            identity.key.display(),
        );
        let configuration = folder.path().join("vsftpd.conf");
        fs::write(&configuration, text).unwrap();
        let mut servers = Servers(Vec::new());
        let accepting = Accepting::at(at_port(21), move |connection| {
            servers.0.push(serve(connection, &configuration));
        });
        Self {
            address: accepting.address,
            _accepting: accepting,
            _folder: folder,
        }
    }
}

/// Those that were started.
struct Servers(Vec<Child>);

fn serve(connection: TcpStream, configuration: &Path) -> Child {
    let input = OwnedFd::from(connection.try_clone().unwrap());
    Command::new("vsftpd")
        .arg(configuration)
        .stdin(input)
        .stdout(OwnedFd::from(connection))
        .spawn()
        .expect("vsftpd (tests/run installs it)")
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.0 {
            // Most have ended with their connection.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
