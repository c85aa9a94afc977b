//! Everything that a scan put on the wire, as the server's kernel saw it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use super::{Network, Process, script};

/// A running tap on the server's end of the wire.
pub(crate) struct Tap(Process);

/// What it saw.
#[derive(Deserialize)]
pub(crate) struct Capture {
    pub(crate) connections: Vec<Connection>,
    /// Every IPv4 address that any packet, TCP or not, was sent to.
    pub(crate) addresses: BTreeSet<Ipv4Addr>,
    /// Everything that any packet was sent to: address, protocol (IANA) and
    /// port, 0 where there is none.
    pub(crate) destinations: BTreeSet<(IpAddr, u8, u16)>,
    /// Packets that came too fast to be written down.
    lost: u64,
}

/// The client's half of one TCP connection, or of an attempt at one.
#[derive(Debug, Deserialize)]
pub(crate) struct Connection {
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    _source_port: u16,
    /// When its SYNs arrived, in seconds of the wall clock.
    pub(crate) syns: Vec<f64>,
    /// Whether the client sent data.
    pub(crate) data: bool,
    pub(crate) fins: u32,
    pub(crate) resets: u32,
}

impl Tap {
    pub(crate) fn start(network: &Network) -> Self {
        let mut process = Process::start(network.on_server("python3").arg(script("tap.py")));
        process.wait_for(|line| (line == "listening").then_some(()));
        Self(process)
    }

    /// Ends it, and makes sure that it missed nothing.
    #[track_caller]
    pub(crate) fn finish(self) -> Capture {
        let (code, lines) = self.0.finish();
        assert_eq!(code, Some(0), "the tap failed:\n{}", lines.join("\n"));
        let capture: Capture = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(
            capture.lost, 0,
            "packets were lost before they were written down"
        );
        capture
    }
}
