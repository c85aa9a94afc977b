//! Servers to scan, none of them certsweep's own: each a launcher that returns
//! when the server listens, and a value that ends it when dropped.

mod dns;
mod identity;
mod jsse;
mod network;
mod nginx;
mod openssl;
mod plain;
mod process;
mod python;
mod tap;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

pub(crate) use dns::Dns;
pub(crate) use identity::{Authority, Identity, Key};
pub(crate) use jsse::Jsse;
pub(crate) use network::Network;
pub(crate) use nginx::Nginx;
pub(crate) use openssl::SServer;
pub(crate) use plain::Plain;
pub(crate) use process::Process;
pub(crate) use python::{Listen, Listener, PythonTls};
pub(crate) use tap::{Capture, Tap};

/// An address of 127.0.0.0/8 that is this process's own, so that a chosen port
/// is free on it and every other port is closed. Process numbers have at most
/// 22 bits.
pub(crate) fn own_loopback() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + high, middle, low).into()
}

/// A program that stands beside these launchers.
fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/it/servers", name]
        .iter()
        .collect()
}
