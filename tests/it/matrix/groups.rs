//! Servers of TLS 1.3 that agree to a single group, or a single suite.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::kx_group;

use super::family::{Family, OPENSSL, RUSTLS};
use crate::servers::{Authority, Key, LongChain, RustlsServer, RustlsSetup, SServer};

#[test]
fn one_group_or_suite_of_tls_1_3_alone() {
    let authority = Authority::new();
    let identity = authority.identity("group.sweep.test", Key::Ecdsa);
    let alone = [identity.sha256.clone()];
    let mut family = Family::new("TLS 1.3 with one group or one cipher suite alone");
    for group in [
        "X25519",
        "P-256",
        "P-384",
        "P-521",
        "X448",
        "ffdhe2048",
        "ffdhe3072",
        "ffdhe4096",
        "ffdhe6144",
        "ffdhe8192",
    ] {
        let server = SServer::start(&identity, &["-tls1_3", "-groups", group]);
        family.shows(format!("{group} alone"), OPENSSL, server.address, &alone);
        family.keep(server);
    }
    for suite in [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    ] {
        let server = SServer::start(&identity, &["-tls1_3", "-ciphersuites", suite]);
        family.shows(suite, OPENSSL, server.address, &alone);
        family.keep(server);
    }
    let both = [
        "-tls1_3",
        "-groups",
        "P-521",
        "-ciphersuites",
        "TLS_AES_128_CCM_SHA256",
    ];
    let server = SServer::start(&identity, &both);
    family.shows("P-521 and CCM alone", OPENSSL, server.address, &alone);
    family.keep(server);

    let chain = LongChain::of(2);
    let hybrids: [(&str, &'static dyn SupportedKxGroup); 2] = [
        ("X25519MLKEM768 alone", kx_group::X25519MLKEM768),
        ("SecP256r1MLKEM768 alone", kx_group::SECP256R1MLKEM768),
    ];
    for (name, group) in hybrids {
        let server = RustlsServer::start(RustlsSetup {
            groups: vec![group],
            ..RustlsSetup::new(&chain, &rustls::version::TLS13)
        });
        family.shows(name, RUSTLS, server.address, &chain.sha256());
        family.keep(server);
    }
    family.check();
}
