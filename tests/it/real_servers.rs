//! The certificates that other people's servers show are the ones that they
//! were given, at every version and with every kind of key.

use std::net::SocketAddr;

use certsweep::x509::Staple;

use crate::program::{Inventory, Row, outcomes};
use crate::servers::{
    Authority, Dns, Identity, Jsse, Key, Listener, Nginx, Plain, PythonTls, SServer, own_loopback,
};

/// Lets OpenSSL 3 speak TLS 1.0 and 1.1, whose signatures it deems too weak.
const OLD: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

/// Cells that a row must hold: column → text.
type Cells<'a> = Vec<(&'a str, &'a str)>;

#[test]
fn openssl_in_every_version_with_every_kind_of_key() {
    let authority = Authority::new();
    let all = [Key::Rsa, Key::Ecdsa, Key::Ed25519];
    let versions: [(&str, &str, &[Key]); 4] = [
        ("-tls1", "TLSv1.0", &all[..2]),
        ("-tls1_1", "TLSv1.1", &all[..2]),
        ("-tls1_2", "TLSv1.2", &all),
        ("-tls1_3", "TLSv1.3", &all),
    ];
    let mut servers = Vec::new();
    for (option, version, keys) in versions {
        for key in keys {
            let identity = authority.identity(&format!("{version}.sweep.test"), *key);
            let server = SServer::start(&identity, &[option, OLD[0], OLD[1]]);
            servers.push((server, identity, version));
        }
    }

    let inventory = Inventory::new();
    inventory.sweep(&targets(servers.iter().map(|(server, ..)| server.address)));

    let rows = inventory.installations();
    assert_eq!(rows.len(), servers.len(), "one row each: {rows:#?}");
    for (server, identity, version) in &servers {
        let name = format!("{version}.sweep.test");
        assert_cells(
            row_at(&rows, server.address),
            &vec![
                ("sha256", &identity.sha256),
                ("chain_sha256", ""),
                ("key_type", identity.key_type.word()),
                ("tls_version", version),
                ("client_auth", "none"),
                ("subject_cn", &name),
                ("issuer_cn", "Sweep Test Issuer"),
                ("state", "current"),
                ("source", "scan"),
            ],
        );
    }
    assert_eq!(
        inventory.latest_outcomes(),
        outcomes([("certificate", servers.len() as u64)])
    );
}

#[test]
fn the_rest_of_the_flight_is_kept_as_the_server_sent_it() {
    let authority = Authority::new();
    let identity = authority.identity("flight.sweep.test", Key::Rsa);
    let chain = authority.intermediate().to_str().unwrap();
    let clients = authority.root().to_str().unwrap();
    let staple = authority.ocsp_response(&identity);
    let response = std::fs::read(&staple).unwrap();
    assert_eq!(Staple::of(&response), Staple::Response, "OpenSSL made it");
    let staple = staple.to_str().unwrap();
    let with = ["-cert_chain", chain, "-status_file", staple];
    let mutual = ["-CAfile", clients, "-Verify", "1"];
    let suite_1_2 = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
    let suite_1_3 = ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"];
    let servers = [
        SServer::start(&identity, &[&suite_1_2[..], &with].concat()),
        SServer::start(&identity, &[&suite_1_3[..], &with].concat()),
        SServer::start(&identity, &[&suite_1_2[..], &with, &mutual].concat()),
        SServer::start(&identity, &[&suite_1_3[..], &with, &mutual].concat()),
    ];

    let inventory = Inventory::new();
    inventory.sweep(&targets(servers.iter().map(|server| server.address)));

    let rows = inventory.installations();
    assert_eq!(rows.len(), servers.len(), "one row each: {rows:#?}");
    let (old, new) = (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
    );
    let expected = [
        ("none", old),
        ("none", new),
        ("requested", old),
        ("requested", new),
    ];
    for (server, (client_auth, cipher_suite)) in servers.iter().zip(expected) {
        assert_cells(
            row_at(&rows, server.address),
            &vec![
                ("sha256", &identity.sha256),
                ("chain_sha256", &identity.issuer_sha256),
                ("client_auth", client_auth),
                ("cipher_suite", cipher_suite),
                ("installations", "4"),
                ("key_bits", "2048"),
            ],
        );
    }
}

#[test]
fn a_server_that_is_known_not_to_speak_tls_1_3_is_not_ready_for_its_groups() {
    let authority = Authority::new();
    let identity = authority.identity("ready.sweep.test", Key::Rsa);
    let [old, new] = ["-tls1_2", "-tls1_3"].map(|version| SServer::start(&identity, &[version]));
    let targets = targets([old.address, new.address]);
    let found = |profile: &str| {
        let inventory = Inventory::new();
        inventory.sweep(&[&targets[..], &["--profile".to_owned(), profile.to_owned()]].concat());
        let rows = inventory.installations();
        let findings = [&old, &new].map(|server| row_at(&rows, server.address)["findings"].clone());
        findings.map(|findings| findings.contains("not-pq-ready"))
    };
    // It offers TLS 1.2 first, and does not ask for more than it was shown.
    assert_eq!(found("standard"), [false, false]);
    // It offers both at once, and no hybrid group alone.
    assert_eq!(found("gentle"), [true, false]);
    // This OpenSSL has no hybrid group.
    assert_eq!(found("thorough"), [true, true]);
    let probed = |server: &SServer| {
        let run = Inventory::new().run("probe", &["--json".to_owned(), server.address.to_string()]);
        run.stdout.contains("not-pq-ready")
    };
    assert_eq!([&old, &new].map(probed), [true, true]);
}

#[test]
fn nginx_shows_each_name_its_own_certificate() {
    let authority = Authority::new();
    let [fallback, alpha, beta] = ["fallback.sweep.test", "alpha.sweep.test", "beta.sweep.test"]
        .map(|name| (name, authority.identity(name, Key::Ecdsa)));
    let nginx = Nginx::start(&[&fallback, &alpha, &beta].map(|(name, site)| (*name, site)));
    let dns = Dns::start(&[(alpha.0, nginx.address.ip()), (beta.0, nginx.address.ip())]);

    let inventory = Inventory::new();
    let port = nginx.address.port();
    let mut scan = inventory.command("scan");
    scan.args([
        "--rate-per-host",
        "unlimited",
        "--retries",
        "0",
        "--resolver",
    ]);
    scan.arg(dns.address.to_string());
    scan.args(["alpha", "beta", "nowhere"].map(|name| format!("{name}.sweep.test:{port}")));
    scan.args([nginx.address.to_string(), nginx.clear.to_string()]);
    crate::program::Run::of(&mut scan).exits(0);

    let rows = inventory.installations();
    let ip = nginx.address.ip().to_string();
    let expected = [
        (ip.as_str(), "", &fallback.1),
        (alpha.0, alpha.0, &alpha.1),
        (beta.0, beta.0, &beta.1),
    ];
    assert_eq!(rows.len(), expected.len(), "one row a name: {rows:#?}");
    for (host, sni, identity) in expected {
        let row = rows.iter().find(|row| row["host"] == host);
        let row = row.unwrap_or_else(|| panic!("no row for {host}: {rows:#?}"));
        assert_cells(
            row,
            &vec![
                ("sni", sni),
                ("ip", &ip),
                // RFC 6761 section 6.3: loopback is not asked of the DNS.
                ("ptr", "localhost"),
                ("sha256", &identity.sha256),
                ("chain_sha256", &identity.issuer_sha256),
            ],
        );
    }
    let expected = outcomes([("certificate", 3), ("unresolved", 1), ("not-tls", 1)]);
    assert_eq!(inventory.latest_outcomes(), expected);
}

#[test]
fn java_in_one_version_only_and_with_mandatory_client_certificates() {
    let authority = Authority::new();
    let identity = authority.identity("java.sweep.test", Key::Rsa);
    let store = identity.key_store("changeit");
    let kinds = ["TLSv1.2", "TLSv1.3", "TLSv1.2+client", "TLSv1.3+client"];
    let jsse = Jsse::start(&store, "changeit", &kinds);

    let inventory = Inventory::new();
    inventory.sweep(&targets(jsse.addresses.iter().copied()));

    let rows = inventory.installations();
    assert_eq!(rows.len(), kinds.len(), "one row each: {rows:#?}");
    for (address, kind) in jsse.addresses.iter().zip(kinds) {
        let (version, client_auth) = match kind.split_once('+') {
            Some((version, _)) => (version, "requested"),
            None => (kind, "none"),
        };
        assert_shown(&rows, *address, &identity, version, client_auth);
    }
}

#[test]
fn python_in_one_version_only_and_with_mandatory_client_certificates() {
    let authority = Authority::new();
    let identity = authority.identity("python.sweep.test", Key::Ecdsa);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let python = PythonTls::start(&[
        (any, Listener::Tls(&identity, "1.2")),
        (any, Listener::Tls(&identity, "1.3")),
        (any, Listener::MutualTls(&identity, "1.2", authority.root())),
        (any, Listener::MutualTls(&identity, "1.3", authority.root())),
    ]);

    let inventory = Inventory::new();
    inventory.sweep(&targets(python.addresses.iter().copied()));

    let rows = inventory.installations();
    assert_eq!(rows.len(), 4, "one row each: {rows:#?}");
    let expected = [
        ("TLSv1.2", "none"),
        ("TLSv1.3", "none"),
        ("TLSv1.2", "requested"),
        ("TLSv1.3", "requested"),
    ];
    for (address, (version, client_auth)) in python.addresses.iter().zip(expected) {
        assert_shown(&rows, *address, &identity, version, client_auth);
    }
}

#[test]
fn what_speaks_no_tls_is_accounted_for() {
    let ssh = Plain::greeting(1, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
    let silent = Plain::silent();
    // Nothing but nginx listens on this address.
    let closed = SocketAddr::new(own_loopback(), 9);

    let inventory = Inventory::new();
    let mut words = targets([ssh.address(), silent.address(), closed]);
    words.extend(["--handshake-timeout", "1s"].map(str::to_owned));
    inventory.sweep(&words);

    assert_eq!(inventory.installations(), Vec::<Row>::new());
    let expected = outcomes([("not-tls", 1), ("silent", 1), ("refused", 1)]);
    assert_eq!(inventory.latest_outcomes(), expected);
    assert_eq!(
        ssh.visits(),
        1,
        "a server that greets in plain text is asked once"
    );
}

fn targets(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<String> {
    addresses
        .into_iter()
        .map(|address| address.to_string())
        .collect()
}

#[track_caller]
fn row_at(rows: &[Row], address: SocketAddr) -> &Row {
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    rows.iter()
        .find(|row| row["ip"] == ip && row["port"] == port)
        .unwrap_or_else(|| panic!("no row for {address} in {rows:#?}"))
}

#[track_caller]
fn assert_cells(row: &Row, expected: &Cells<'_>) {
    let found: Cells<'_> = expected
        .iter()
        .map(|(column, _)| (*column, row[*column].as_str()))
        .collect();
    assert_eq!(&found, expected, "in {row:#?}");
}

/// Asserts that the identity was shown, with its issuer, as expected.
#[track_caller]
fn assert_shown(
    rows: &[Row],
    address: SocketAddr,
    identity: &Identity,
    version: &str,
    client_auth: &str,
) {
    assert_cells(
        row_at(rows, address),
        &vec![
            ("sha256", &identity.sha256),
            ("chain_sha256", &identity.issuer_sha256),
            ("tls_version", version),
            ("client_auth", client_auth),
            ("key_type", identity.key_type.word()),
        ],
    );
}
