//! Servers to scan, none of them certsweep's own: each a launcher that returns
//! when the server listens, and a value that ends it when dropped.

mod accepting;
mod chain;
mod dns;
mod dovecot;
mod hostile;
mod identity;
mod inspircd;
mod jsse;
mod kmip;
mod mariadb;
mod network;
mod nginx;
mod openssl;
mod picky;
mod plain;
mod postfix;
mod postgres;
mod process;
mod prosody;
mod python;
mod rustls;
mod s3;
mod self_signed;
mod slapd;
mod stubs;
mod tap;
mod vsftpd;
mod xrdp;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

pub(crate) use chain::LongChain;
pub(crate) use dns::Dns;
pub(crate) use dovecot::Dovecot;
pub(crate) use hostile::{Behaviour, Hostile, Then, Trouble, Words};
pub(crate) use identity::{Authority, Identity, Key, sha256_of};
pub(crate) use inspircd::InspIrcd;
pub(crate) use jsse::Jsse;
pub(crate) use kmip::Kmip;
pub(crate) use mariadb::MariaDb;
pub(crate) use network::Network;
pub(crate) use nginx::Nginx;
pub(crate) use openssl::{SServer, seen_by_openssl};
pub(crate) use picky::{Displeasure, Hello, Picky};
pub(crate) use plain::Plain;
pub(crate) use postfix::Postfix;
pub(crate) use postgres::Postgres;
pub(crate) use process::Process;
pub(crate) use prosody::Prosody;
pub(crate) use python::{Listen, Listener, PythonTls};
pub(crate) use rustls::{RustlsServer, RustlsSetup};
pub(crate) use s3::S3;
pub(crate) use self_signed::{SelfSigned, certificate_in};
pub(crate) use slapd::Slapd;
pub(crate) use stubs::{Dialogues, Reply, Stub};
pub(crate) use tap::{Capture, Tap};
pub(crate) use vsftpd::Vsftpd;
pub(crate) use xrdp::Xrdp;

/// An address of 127.0.0.0/8 that is this process's own, so that a chosen port
/// is free on it and every other port is closed. Process numbers have at most
/// 22 bits.
pub(crate) fn own_loopback() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + high, middle, low).into()
}

/// Another address of this process's own.
pub(crate) fn second_loopback() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 128 + high, middle, low).into()
}

/// A port of the first address: the well-known ones are free there, and each server
/// of these tests starts on its own, once.
pub(crate) fn at_port(port: u16) -> SocketAddr {
    SocketAddr::new(own_loopback(), port)
}

/// A folder that a server still may enter when it has dropped its rights.
fn open_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A program that stands beside these launchers.
fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/it/servers", name]
        .iter()
        .collect()
}
