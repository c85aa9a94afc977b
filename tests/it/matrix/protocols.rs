//! Servers that speak one version of the protocol and no other.

use super::family::{Family, JSSE, OPENSSL, Program, STUB};
use crate::servers::{
    Authority, Displeasure, Hello, Identity, Jsse, Key, Picky, Reply, SServer, Stub, certificate_in,
};

/// Lets OpenSSL 3 speak TLS 1.0 and 1.1, whose signatures it deems too weak.
const OLD: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

/// A device before a server: not a TLS implementation, but picky about hellos.
const DEVICE: Program = Program("OpenSSL behind a stub of a device");

/// Whether a device takes a hello.
type Taste = fn(&Hello) -> bool;

#[test]
fn one_version_alone() {
    let authority = Authority::new();
    let identity = authority.identity("version.sweep.test", Key::Rsa);
    let alone = [identity.sha256.clone()];
    let mut family = Family::new("One version of the protocol alone");
    for (option, version) in [
        ("-tls1", "TLS 1.0"),
        ("-tls1_1", "TLS 1.1"),
        ("-tls1_2", "TLS 1.2"),
        ("-tls1_3", "TLS 1.3"),
    ] {
        let server = SServer::start(&identity, &[option, OLD[0], OLD[1]]);
        family.shows(version, OPENSSL, server.address, &alone);
        family.keep(server);
    }

    let chain = [identity.sha256.clone(), identity.issuer_sha256.clone()];
    let kinds = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let jsse = Jsse::start(&identity.key_store("changeit"), "changeit", &kinds);
    for (kind, address) in kinds.iter().zip(&jsse.addresses) {
        let version = kind.replace("TLSv1", "TLS 1").replace("SSLv3", "SSL 3.0");
        let version = if version == "TLS 1" {
            "TLS 1.0"
        } else {
            &version
        };
        family.shows(version, JSSE, *address, &chain);
    }
    family.keep(jsse);

    let hello = ssl2_server_hello(&certificate_in(&identity.certificate));
    let ssl2 = Stub::start(move |heard| answer_ssl2(heard, &hello));
    family.shows("SSL 2.0", STUB, ssl2.address, &alone);
    family.keep(ssl2);
    family.check();
}

#[test]
fn devices_that_take_no_hello_but_their_own() {
    let authority = Authority::new();
    let identity = authority.identity("device.sweep.test", Key::Rsa);
    let mut family = Family::new("Intolerant devices");
    let devices: [(&str, &str, Displeasure, Taste); 6] = [
        (
            "closes on extensions",
            "-tls1",
            Displeasure::Close,
            |hello| !hello.has_extensions(),
        ),
        (
            "stays silent on extensions",
            "-tls1",
            Displeasure::Silence,
            |hello| !hello.has_extensions(),
        ),
        (
            "closes on a version above TLS 1.0",
            "-tls1",
            Displeasure::Close,
            |hello| hello.version() <= 0x0301,
        ),
        (
            "handshake_failure on a version above TLS 1.0",
            "-tls1",
            Displeasure::Alert(40),
            |hello| hello.version() <= 0x0301,
        ),
        (
            "closes on a record version above 3.1",
            "-tls1_2",
            Displeasure::Close,
            |hello| hello.record_version() <= 0x0301,
        ),
        (
            "closes on a hello of 256 to 511 bytes",
            "-tls1_2",
            Displeasure::Close,
            |hello| !(256..512).contains(&hello.length()),
        ),
    ];
    for (server, option, displeasure, acceptable) in devices {
        picky(
            &mut family,
            &identity,
            (server, option),
            displeasure,
            acceptable,
        );
    }
    // What fits into one segment of an Ethernet.
    let one_segment: Taste = |hello| hello.length() + 5 <= 1460;
    for (server, option) in [
        ("closes on a hello above one segment, TLS 1.2", "-tls1_2"),
        ("closes on a hello above one segment, TLS 1.3", "-tls1_3"),
    ] {
        picky(
            &mut family,
            &identity,
            (server, option),
            Displeasure::Close,
            one_segment,
        );
    }
    family.check();
}

fn picky(
    family: &mut Family,
    identity: &Identity,
    (server, option): (&str, &str),
    displeasure: Displeasure,
    acceptable: Taste,
) {
    let openssl = SServer::start(identity, &[option, OLD[0], OLD[1]]);
    let device = Picky::before(openssl.address, displeasure, acceptable);
    family.shows(
        server,
        DEVICE,
        device.address,
        std::slice::from_ref(&identity.sha256),
    );
    family.keep(openssl);
    family.keep(device);
}

/// Answers a v2-framed CLIENT-HELLO that offers a cipher of SSL 2.0, and hangs
/// up on everything else ("The SSL Protocol", Netscape, 1995).
fn answer_ssl2(heard: &[u8], server_hello: &[u8]) -> Reply {
    let [high, low, kind, rest @ ..] = heard else {
        return Reply::Wait;
    };
    if high & 0x80 == 0 || *kind != 1 {
        return Reply::Close;
    }
    let length = usize::from(high & 0x7f) << 8 | usize::from(*low);
    if heard.len() < 2 + length {
        return Reply::Wait;
    }
    let ciphers = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let mut ciphers = rest[8..8 + ciphers].chunks(3);
    // A cipher of SSL 3.0 or later has a zero before its two bytes.
    if ciphers.any(|cipher| cipher[0] != 0) {
        Reply::Say(server_hello.to_vec())
    } else {
        Reply::Close
    }
}

/// A SERVER-HELLO with this X.509 certificate and one cipher.
fn ssl2_server_hello(certificate: &[u8]) -> Vec<u8> {
    // SSL_CK_DES_192_EDE3_CBC_WITH_MD5.
    let ciphers = [0x07, 0x00, 0xc0];
    let connection_id = [0x5a; 16];
    let mut message = vec![4, 0, 1, 0, 2];
    for length in [certificate.len(), ciphers.len(), connection_id.len()] {
        message.extend(u16::try_from(length).unwrap().to_be_bytes());
    }
    message.extend([certificate, &ciphers, &connection_id].concat());
    let length = u16::try_from(message.len()).unwrap() | 0x8000;
    [&length.to_be_bytes()[..], &message].concat()
}
