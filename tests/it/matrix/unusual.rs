//! Servers that behave as few do, and give a certificate all the same.

use super::family::{Family, OPENSSL, STUB};
use crate::servers::{Authority, Key, Reply, SServer, Stub, certificate_in};
use crate::simulation::flight;

/// An unrecognized_name alert of level warning, in a record of TLS 1.2.
const WARNING: [u8; 7] = [0x15, 3, 3, 0, 2, 1, 112];

#[test]
fn oddities_that_cost_no_certificate() {
    let authority = Authority::new();
    let identity = authority.identity("unusual.sweep.test", Key::Rsa);
    let alone = [identity.sha256.clone()];
    let certificate = certificate_in(&identity.certificate);
    let mut family = Family::new("Unusual behaviour");
    for (name, answer) in [
        ("a warning before the flight", warned(1, &certificate)),
        ("four warnings before the flight", warned(4, &certificate)),
        ("no end of the flight", cut_off(&certificate)),
    ] {
        let server = Stub::start(move |heard| match heard {
            [0x16, ..] => Reply::Say(answer.clone()),
            _ => Reply::Close,
        });
        family.shows(name, STUB, server.address, &alone);
        family.keep(server);
    }
    for (name, options) in [
        (
            "every version, the server's preferences",
            ["-serverpref", "-no_ticket"],
        ),
        (
            "a bare answer without middlebox compatibility",
            ["-tls1_3", "-no_middlebox"],
        ),
    ] {
        let server = SServer::start(&identity, &options);
        family.shows(name, OPENSSL, server.address, &alone);
        family.keep(server);
    }
    family.check();
}

fn warned(count: usize, certificate: &[u8]) -> Vec<u8> {
    [WARNING.repeat(count), flight(&[certificate])].concat()
}

/// A flight without its ServerHelloDone, which is a record of nine bytes.
fn cut_off(certificate: &[u8]) -> Vec<u8> {
    let mut bytes = flight(&[certificate]);
    bytes.truncate(bytes.len() - 9);
    bytes
}
