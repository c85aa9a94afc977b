//! Servers that talk to nobody without a client certificate.

use super::family::{Family, JSSE, OPENSSL};
use crate::servers::{Authority, Jsse, Key, SServer};

#[test]
fn mandatory_client_certificates() {
    let authority = Authority::new();
    let identity = authority.identity("mutual.sweep.test", Key::Rsa);
    let alone = [identity.sha256.clone()];
    let clients = authority.root().to_str().unwrap();
    let mut family = Family::new("Mandatory client certificates");
    for (option, version) in [
        ("-tls1", "TLS 1.0"),
        ("-tls1_1", "TLS 1.1"),
        ("-tls1_2", "TLS 1.2"),
        ("-tls1_3", "TLS 1.3"),
    ] {
        let options = [
            option,
            "-cipher",
            "ALL:@SECLEVEL=0",
            "-CAfile",
            clients,
            "-Verify",
            "1",
        ];
        let server = SServer::start(&identity, &options);
        family.shows(version, OPENSSL, server.address, &alone);
        family.keep(server);
    }

    let kinds = [
        "SSLv3+client",
        "TLSv1+client",
        "TLSv1.2+client",
        "TLSv1.3+client",
    ];
    let versions = ["SSL 3.0", "TLS 1.0", "TLS 1.2", "TLS 1.3"];
    let jsse = Jsse::start(&identity.key_store("changeit"), "changeit", &kinds);
    let chain = [identity.sha256.clone(), identity.issuer_sha256.clone()];
    for (version, address) in versions.into_iter().zip(&jsse.addresses) {
        family.shows(version, JSSE, *address, &chain);
    }
    family.keep(jsse);
    family.check();
}
