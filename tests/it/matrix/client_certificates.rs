//! Servers that talk to nobody without a client certificate.

use super::family::{Family, JSSE, OPENSSL};
use crate::program::Inventory;
use crate::servers::{Authority, Jsse, Key, SServer, SelfSigned};

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

#[test]
fn the_authorities_whose_clients_a_server_takes_are_named_in_every_version() {
    let authority = Authority::new();
    let identity = authority.identity("mutual.sweep.test", Key::Rsa);
    let other = SelfSigned::of_subject("-algorithm ED25519", "/C=DE/O=Acme, Inc./CN=A|B");
    let clients = Inventory::new();
    let both = [authority.root(), &other.certificate]
        .map(|file| std::fs::read_to_string(file).unwrap())
        .concat();
    let both = clients.file("clients.pem", &both);
    let versions = ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"];
    let servers = versions.map(|version| {
        let legacy = ["-cipher", "ALL:@SECLEVEL=0", "-Verify", "1"];
        let files = ["-CAfile", both.to_str().unwrap(), version];
        SServer::start(&identity, &[&legacy[..], &files].concat())
    });

    let inventory = Inventory::new();
    inventory.sweep(&servers.each_ref().map(|server| server.address.to_string()));
    let rows = inventory.installations();
    assert_eq!(rows.len(), versions.len());
    for row in &rows {
        assert_eq!(
            row["client_auth_issuers"],
            // RFC 4514 escapes the comma, and a list the bar and the backslash.
            r"CN=Sweep Test Root|CN=A\|B,O=Acme\\, Inc.,C=DE",
            "{row:#?}"
        );
        assert_eq!(row["client_auth"], "requested");
    }
    let mut found: Vec<_> = rows.iter().map(|row| row["tls_version"].as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
}
