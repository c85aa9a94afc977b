//! An object store with a self-signed certificate, as appliances have it.

use std::net::SocketAddr;
use std::process::Command;

use super::{Process, SelfSigned, script};

/// A running object store. No package of the system is one: it is Python's
/// HTTPS server with the answers of S3.
pub(crate) struct S3 {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl S3 {
    pub(crate) fn start(identity: &SelfSigned) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(script("s3_server.py"))
            .args([&identity.certificate, &identity.key]);
        let mut process = Process::start(&mut command);
        let address = process.wait_for_address("listening");
        Self {
            address,
            _process: process,
        }
    }
}
