//! nginx with several names on one address, as the web has it.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use tempfile::TempDir;

use super::{Identity, Network, Process, at_port};

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
        let text = configure(address, clear, &alone(sites));
        Self::running(Command::new("nginx"), address, clear, &text)
    }

    /// One site that has a key of each of these types.
    pub(crate) fn with_keys(name: &str, identities: &[&Identity]) -> Self {
        let [address, clear] = [7443, 7080].map(at_port);
        let text = configure(address, clear, &[(name, identities)]);
        Self::running(Command::new("nginx"), address, clear, &text)
    }

    /// The same as [`Nginx::start`], on an address of a network's server.
    pub(crate) fn on(network: &Network, ip: IpAddr, sites: &[(&str, &Identity)]) -> Self {
        let [address, clear] = [443, 8080].map(|port| SocketAddr::new(ip, port));
        let text = configure(address, clear, &alone(sites));
        Self::running(network.on_server("nginx"), address, clear, &text)
    }

    /// The same as [`Nginx::for_names_alone`], on an address of a network's
    /// server.
    pub(crate) fn for_names_alone_on(
        network: &Network,
        ip: IpAddr,
        sites: &[(&str, &Identity)],
    ) -> Self {
        let [address, clear] = [443, 8080].map(|port| SocketAddr::new(ip, port));
        let text = turning_away(address, clear, sites);
        Self::running(network.on_server("nginx"), address, clear, &text)
    }

    /// The same, but whoever sends no name or an unknown one is turned away.
    pub(crate) fn for_names_alone(sites: &[(&str, &Identity)]) -> Self {
        let [address, clear] = [9443, 9080].map(at_port);
        let text = turning_away(address, clear, sites);
        Self::running(Command::new("nginx"), address, clear, &text)
    }

    fn running(mut command: Command, address: SocketAddr, clear: SocketAddr, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let configuration = folder.path().join("nginx.conf");
        fs::write(&configuration, text).unwrap();
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

/// Sites with one key each.
fn alone<'a>(sites: &'a [(&str, &Identity)]) -> Vec<(&'a str, &'a [&'a Identity])> {
    let one = |(name, identity): &'a (&str, &'a Identity)| (*name, std::slice::from_ref(identity));
    sites.iter().map(one).collect()
}

/// As [`configure`], but no site is for strangers.
fn turning_away(address: SocketAddr, clear: SocketAddr, sites: &[(&str, &Identity)]) -> String {
    let text = configure(address, clear, &alone(sites));
    let rejecting =
        format!("server {{ listen {address} ssl default_server; ssl_reject_handshake on; }}\n}}\n");
    text.strip_suffix("}\n").unwrap().to_owned() + &rejecting
}

fn configure(address: SocketAddr, clear: SocketAddr, sites: &[(&str, &[&Identity])]) -> String {
    let mut text = String::from(
        "daemon off; master_process off; pid nginx.pid; error_log stderr notice; events {}\n\
         http {\n\
         access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
         fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         ssl_protocols TLSv1.2 TLSv1.3;\n",
    );
    writeln!(text, "server {{ listen {clear}; return 204; }}").unwrap();
    for (name, identities) in sites {
        write!(text, "server {{ listen {address} ssl; server_name {name}; ").unwrap();
        for identity in *identities {
            let (chain, key) = (identity.chain.display(), identity.key.display());
            write!(text, "ssl_certificate {chain}; ssl_certificate_key {key}; ").unwrap();
        }
        text += "return 204; }\n";
    }
    text + "}\n"
}
