//! nginx with several names on one address, as the web has it.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::{Identity, Process, at_port};

/// A running nginx. It runs as a single process, which can be killed by its id.
pub(crate) struct Nginx {
    /// Where it speaks TLS.
    pub(crate) address: SocketAddr,
    /// Where it speaks HTTP in clear.
    pub(crate) clear: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// One site for each name; the first is also the default, for whoever
    /// sends no name or an unknown one.
    pub(crate) fn start(sites: &[(&str, &Identity)]) -> Self {
        let [address, clear] = [8443, 8080].map(at_port);
        Self::running(address, clear, &configure(address, clear, sites))
    }

    /// The same, but whoever sends no name or an unknown one is turned away.
    pub(crate) fn for_names_alone(sites: &[(&str, &Identity)]) -> Self {
        let [address, clear] = [9443, 9080].map(at_port);
        let text = configure(address, clear, sites);
        let rejecting = format!(
            "server {{ listen {address} ssl default_server; ssl_reject_handshake on; }}\n}}\n"
        );
        let text = text.strip_suffix("}\n").unwrap().to_owned() + &rejecting;
        Self::running(address, clear, &text)
    }

    fn running(address: SocketAddr, clear: SocketAddr, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let configuration = folder.path().join("nginx.conf");
        fs::write(&configuration, text).unwrap();
        let mut command = Command::new("nginx");
        command
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(configuration);
        let mut process = Process::start(&mut command);
        // Said after the sockets listen: sockets are opened before modules start.
        process.wait_for(|line| line.contains("using the").then_some(()));
        Self {
            address,
            clear,
            _process: process,
            _folder: folder,
        }
    }
}

fn configure(address: SocketAddr, clear: SocketAddr, sites: &[(&str, &Identity)]) -> String {
    let mut text = String::from(
        "daemon off; master_process off; pid nginx.pid; error_log stderr notice; events {}\n\
         http {\n\
         access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
         fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         ssl_protocols TLSv1.2 TLSv1.3;\n",
    );
    writeln!(text, "server {{ listen {clear}; return 204; }}").unwrap();
    for (name, identity) in sites {
        let (chain, key) = (identity.chain.display(), identity.key.display());
        writeln!(
            text,
            "server {{ listen {address} ssl; server_name {name}; \
             ssl_certificate {chain}; ssl_certificate_key {key}; return 204; }}"
        )
        .unwrap();
    }
    text + "}\n"
}
