//! Two hosts on a wire: a client, and a server that owns 10.77.0.0/20.
//!
//! Addresses of the lower half (10.77.0.0/21) are the server's own: what
//! nothing listens on answers with a reset. Those of the upper half are dark:
//! every packet to them vanishes.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Two network namespaces joined by a veth pair; removed when dropped.
pub(crate) struct Network {
    pub(crate) client: String,
    pub(crate) server: String,
}

impl Network {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |side| format!("certsweep-{}-{number}-{side}", std::process::id());
        let network = Self {
            client: name("client"),
            server: name("server"),
        };
        let (client, server) = (network.client.as_str(), network.server.as_str());
        ip(&format!("netns add {client}"));
        ip(&format!("netns add {server}"));
        ip(&format!(
            "-n {client} link add wire type veth peer name wire netns {server}"
        ));
        for (namespace, address) in [(client, "10.76.0.1/30"), (server, "10.76.0.2/30")] {
            ip(&format!("-n {namespace} address add {address} dev wire"));
            ip(&format!("-n {namespace} link set lo up"));
            ip(&format!("-n {namespace} link set wire up"));
        }
        ip(&format!("-n {client} route add 10.77.0.0/20 via 10.76.0.2"));
        ip(&format!("-n {server} route add local 10.77.0.0/21 dev lo"));
        ip(&format!("-n {server} route add blackhole 10.77.8.0/21"));
        network
    }

    /// Sends the client's way over the wire whatever has no other, IPv6 too.
    pub(crate) fn lead_everything_over_the_wire(&self) {
        let Self { client, server } = self;
        ip(&format!(
            "-n {client} address add fd77::1/64 dev wire nodad"
        ));
        ip(&format!(
            "-n {server} address add fd77::2/64 dev wire nodad"
        ));
        ip(&format!("-n {client} route add default via 10.76.0.2"));
        ip(&format!("-n {client} -6 route add default via fd77::2"));
    }

    /// Attaches the client to 10.78.0.0/16, of which the lower half answers. It
    /// takes a neighbour that it does not talk to for there for up to 15
    /// seconds, where others do for 45.
    pub(crate) fn attach_to_a_crowd(&self) {
        let Self { client, server } = self;
        ip(&format!("-n {client} address add 10.78.255.1/16 dev wire"));
        ip(&format!("-n {server} address add 10.78.255.2/16 dev wire"));
        ip(&format!("-n {server} route add local 10.78.0.0/17 dev lo"));
        for interface in ["lo", "wire"] {
            let setting = format!("net.ipv4.neigh.{interface}.base_reachable_time_ms=10000");
            run("ip", &["netns", "exec", client, "sysctl", "-qw", &setting]);
        }
    }

    /// From now on either side loses so many per cent of what the other sends
    /// it, at random.
    pub(crate) fn lose(&self, per_cent: u32) {
        let rules = format!(
            "add table ip loss; \
             add chain ip loss arriving {{ type filter hook prerouting priority raw; }}; \
             add rule ip loss arriving iifname wire numgen random mod 100 < {per_cent} drop"
        );
        for namespace in [&self.client, &self.server] {
            run("ip", &["netns", "exec", namespace, "nft", &rules]);
        }
    }

    /// A command that will run on the server's side.
    pub(crate) fn on_server(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.server, program]);
        command
    }

    /// What `open` opens on the server's side, by a thread that goes there: a
    /// socket stays in the namespace that it was made in.
    pub(crate) fn open_on_server<T: Send>(&self, open: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.server)).unwrap();
        let enter = || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            open()
        };
        thread::scope(|scope| scope.spawn(enter).join().unwrap())
    }

    /// How many of the client's TCP sockets are in this state, as `ss` names it.
    pub(crate) fn client_sockets(&self, state: &str) -> usize {
        let listing = ip(&format!(
            "netns exec {} ss -Htan state {state}",
            self.client
        ));
        listing.lines().count()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.client, &self.server] {
            // Nothing more can be done about one that does not go.
            let _ = Command::new("ip")
                .args(["netns", "delete", namespace])
                .output();
        }
    }
}

/// Runs `ip` to its end and returns what it printed.
#[track_caller]
fn ip(arguments: &str) -> String {
    run("ip", &arguments.split(' ').collect::<Vec<_>>())
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error} (tests/run installs it)"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {} (network namespaces need root)",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
