//! Servers that speak TLS and have no certificate to show.

use super::family::{Family, JSSE, OPENSSL, RUSTLS};
use crate::servers::{Authority, Jsse, Key, LongChain, RustlsServer, RustlsSetup, SServer};

const PSK: [&str; 2] = ["-psk", "000102030405060708090a0b0c0d0e0f"];

#[test]
fn no_certificate_to_be_had() {
    let authority = Authority::new();
    let identity = authority.identity("anonymous.sweep.test", Key::Rsa);
    let mut family = Family::new("No certificate to be had");
    for (name, options) in [
        (
            "ADH, TLS 1.2",
            vec!["-tls1_2", "-cipher", "ADH:@SECLEVEL=0"],
        ),
        (
            "AECDH, TLS 1.2",
            vec!["-tls1_2", "-cipher", "AECDH:@SECLEVEL=0"],
        ),
        ("ADH, TLS 1.0", vec!["-tls1", "-cipher", "ADH:@SECLEVEL=0"]),
        (
            "PSK, TLS 1.2",
            vec!["-tls1_2", "-cipher", "PSK-AES128-CBC-SHA", PSK[0], PSK[1]],
        ),
        (
            "DHE-PSK, TLS 1.2",
            vec![
                "-tls1_2",
                "-cipher",
                "DHE-PSK-AES128-GCM-SHA256",
                PSK[0],
                PSK[1],
            ],
        ),
    ] {
        let server = SServer::without_certificate(&options);
        let target = (server.address.to_string(), server.address);
        family.gives_nothing(name, OPENSSL, target, ("no-certificate", "anonymous"));
        family.keep(server);
    }
    // In TLS 1.3 a server with pre-shared keys alone turns everybody else away.
    let server = SServer::without_certificate(&["-tls1_3", PSK[0], PSK[1]]);
    let target = (server.address.to_string(), server.address);
    let refused = ("tls-refused", "alert handshake_failure(40) at hello");
    family.gives_nothing("PSK, TLS 1.3", OPENSSL, target, refused);
    family.keep(server);

    let kinds = [
        "SSLv3/SSL_DH_anon_WITH_RC4_128_MD5",
        "TLSv1.2/TLS_DH_anon_WITH_AES_128_CBC_SHA",
    ];
    let jsse = Jsse::start(&identity.key_store("changeit"), "changeit", &kinds);
    for (kind, address) in kinds.iter().zip(&jsse.addresses) {
        let target = (address.to_string(), *address);
        let name = kind.replace('/', ": ");
        family.gives_nothing(name, JSSE, target, ("no-certificate", "anonymous"));
    }
    family.keep(jsse);

    let chain = LongChain::of(1);
    for (name, version) in [
        ("an empty list, TLS 1.2", &rustls::version::TLS12),
        ("an empty list, TLS 1.3", &rustls::version::TLS13),
    ] {
        let server = RustlsServer::start(RustlsSetup {
            chain: Vec::new(),
            ..RustlsSetup::new(&chain, version)
        });
        let target = (server.address.to_string(), server.address);
        family.gives_nothing(name, RUSTLS, target, ("no-certificate", "empty-list"));
        family.keep(server);
    }
    family.check();
}
