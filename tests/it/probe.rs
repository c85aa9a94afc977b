//! `certsweep probe`: one server in full, for a person and for a machine.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Inventory, Run};
use crate::servers::{Authority, Identity, Key, Plain, SServer, own_loopback};

const FAST: [&str; 4] = ["--rate-per-host", "unlimited", "--handshake-timeout", "60s"];

/// Runs `certsweep probe` in a folder of its own, where it must leave nothing.
fn probe(arguments: &[&str]) -> Run {
    let inventory = Inventory::new();
    let run = inventory.run("probe", &[&FAST, arguments].concat());
    assert!(
        !inventory.path().exists(),
        "an inventory was made by\n{run}"
    );
    run
}

fn object(run: &Run) -> Value {
    let mut objects = run.json_lines();
    assert_eq!(objects.len(), 1, "not one object:\n{run}");
    objects.remove(0)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A server that knows its clients by the root of this authority.
fn demanding(authority: &Authority, server: &Identity, version: &str) -> SServer {
    let options = [
        version,
        "-Verify",
        "5",
        "-verify_return_error",
        "-CAfile",
        text(authority.root()),
        "-cert_chain",
        text(authority.intermediate()),
    ];
    SServer::start(server, &options)
}

#[test]
fn a_person_reads_everything_about_a_server_in_80_columns() {
    let authority = Authority::new();
    let identity = authority.identity("server.test", Key::Ecdsa);
    let server = SServer::start(&identity, &["-cert_chain", text(authority.intermediate())]);
    let address = server.address.to_string();
    let run = probe(&[&address, "--sni", "server.test"]).exits(0);
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "`{line}` is too long in\n{run}");
    }
    for told in [
        address.as_str(),
        "Asked for server.test",
        "Asked without a name",
        "tls1.2+tls1.1+tls1.0: certificate",
        "TLSv1.3:        accepted",
        "SSLv3:          refused",
        &identity.sha256,
        &identity.issuer_sha256,
        "CN=Sweep Test Issuer",
        "ecdsa 256",
    ] {
        assert!(run.stdout.contains(told), "no `{told}` in\n{run}");
    }
}

#[test]
fn a_machine_reads_one_object() {
    let authority = Authority::new();
    let identity = authority.identity("server.test", Key::Rsa);
    let server = SServer::start(&identity, &["-tls1_3"]);
    let run = probe(&[&server.address.to_string(), "--json"]).exits(0);
    let object = object(&run);
    assert_eq!(object["outcome"], "certificate");
    assert_eq!(object["type"], "probe");
    let endpoint = &object["endpoints"][0];
    assert_eq!(endpoint["port"], server.address.port());
    assert_eq!(endpoint["versions"]["TLSv1.3"], "accepted");
    assert_eq!(endpoint["versions"]["TLSv1.2"], "refused");
    let main = &endpoint["questions"][0];
    assert_eq!(main["tls_version"], "TLSv1.3");
    assert_eq!(main["attempts"].as_array().unwrap().len(), 2);
    let leaf = &main["certificates"][0];
    assert_eq!(leaf["sha256"], identity.sha256.as_str());
    assert_eq!(leaf["key_type"], "rsa");
    assert!(leaf["pem"].as_str().unwrap().starts_with("-----BEGIN"));
}

#[test]
fn a_server_that_knows_its_clients_says_what_it_makes_of_them() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server_identity = authority.identity("server.test", Key::Ecdsa);
    let known = authority.identity("client.test", Key::Rsa);
    let unknown = stranger.identity("client.test", Key::Ed25519);
    for (version, sign) in [("-tls1_2", "finished"), ("-tls1_3", "session ticket")] {
        let server = demanding(&authority, &server_identity, version);
        let address = server.address.to_string();
        let shake = |client: &Identity| {
            let (chain, key) = (text(&client.chain), text(&client.key));
            let ca = text(authority.root());
            probe(&[
                &address,
                "--json",
                "--sni",
                "server.test",
                "--client-cert",
                chain,
                "--client-key",
                key,
                "--ca",
                ca,
            ])
        };
        let run = shake(&known).exits(0);
        let object = object(&run);
        let endpoint = &object["endpoints"][0];
        let [without, with] = endpoint["handshakes"].as_array().unwrap().as_slice() else {
            panic!("not two handshakes:\n{run}");
        };
        assert_eq!(without["verdict"], "rejected", "{run}");
        assert_eq!(without["client_auth"], "required");
        assert_eq!(without["acceptable_issuers"][0], "CN=Sweep Test Root");
        assert_eq!(with["verdict"], "accepted", "{run}");
        assert_eq!(with["detail"], sign);
        assert_eq!(with["client_certificate"], "sent");
        assert_eq!(with["verified"], true, "{run}");
        assert_eq!(endpoint["questions"][0]["client_auth"], "requested");
        shake(&unknown)
            .exits(1)
            .complains_of(&["rejected", "alert"]);
    }
}

#[test]
fn a_server_that_is_too_old_for_a_handshake_is_a_tls_error_and_not_a_rejection() {
    let authority = Authority::new();
    let identity = authority.identity("server.test", Key::Rsa);
    let client = authority.identity("client.test", Key::Rsa);
    let options = ["-tls1_2", "-cipher", "AES128-SHA"];
    let server = SServer::start(&identity, &options);
    let run = probe(&[
        &server.address.to_string(),
        "--client-cert",
        text(&client.chain),
        "--client-key",
        text(&client.key),
    ]);
    let run = run.exits(1).complains_of(&["tls-error", "hint: "]);
    assert!(
        run.stdout.contains(&identity.sha256),
        "no certificate in\n{run}"
    );
}

#[test]
fn where_there_is_no_certificate_it_says_why() {
    let closed = SocketAddr::new(own_loopback(), 7).to_string();
    probe(&[&closed])
        .exits(1)
        .complains_of(&["no certificate", "refused"]);
    let hostile = Plain::greeting(1, b"SSH-2.0-x\x1b[31m\r\n");
    let run = probe(&[&hostile.address().to_string()]).exits(1);
    let run = run.complains_of(&["not-tls"]);
    assert!(run.stdout.contains("SSH-2.0-x\\u{1b}[31m"), "{run}");
    assert!(!run.stdout.contains('\x1b'), "{run}");
    let run = probe(&[&hostile.address().to_string(), "--json"]).exits(1);
    let object = object(&run);
    assert_eq!(object["outcome"], "not-tls");
    assert_eq!(
        object["endpoints"][0]["questions"][0]["banner"],
        "SSH-2.0-x\x1b[31m\r\n"
    );
}

#[test]
fn what_is_excluded_is_not_touched() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let config = inventory.file("c.toml", "[scan]\nexclude = [\"127.0.0.0/8\"]\n");
    let address = server.address().to_string();
    let run = inventory.run("probe", &[&address, "--config", text(&config)]);
    run.exits(1).complains_of(&["excluded", "127.0.0.0/8"]);
    assert_eq!(server.visits(), 0);
}

#[test]
fn a_server_name_that_is_excluded_is_not_sent() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let config = inventory.file("c.toml", "[scan]\nexclude = [\"secret.test\"]\n");
    let address = server.address().to_string();
    let named = [&address, "--sni", "secret.test", "--config", text(&config)];
    let run = inventory.run("probe", &named);
    run.exits(1).complains_of(&["excluded", "secret.test"]);
    assert_eq!(server.visits(), 0);
}

#[test]
fn roots_alone_decide_the_exit_status_by_whether_the_chain_verifies() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let identity = authority.identity("server.test", Key::Ecdsa);
    let server = demanding(&authority, &identity, "-tls1_2");
    let address = server.address.to_string();
    let under = |roots: &Authority| {
        let ca = text(roots.root());
        probe(&[&address, "--sni", "server.test", "--ca", ca])
    };
    under(&authority).exits(0);
    under(&stranger).exits(1).complains_of(&["not verified"]);
}

#[test]
fn wrong_usage_says_what_is_wrong_and_where() {
    let authority = Authority::new();
    let (own, other) = (
        authority.identity("a.test", Key::Ecdsa),
        authority.identity("b.test", Key::Rsa),
    );
    let folder = Inventory::new();
    let broken = std::fs::read_to_string(&own.key)
        .unwrap()
        .replacen('\n', "\n!", 1);
    let broken = folder.file("broken.key", &broken);
    let with = |key: &Path| {
        probe(&[
            "127.0.0.1",
            "--client-cert",
            text(&own.chain),
            "--client-key",
            text(key),
        ])
    };
    with(&broken)
        .exits(2)
        .complains_of(&["broken.key:2", "base64", "hint: "]);
    with(&other.key)
        .exits(2)
        .complains_of(&["not that of the first certificate"]);
    with(&own.chain).exits(2).complains_of(&["no private key"]);
    probe(&["10.0.0.0/24"])
        .exits(2)
        .complains_of(&["256 targets", "hint: "]);
    probe(&["127.0.0.1:443,8443"])
        .exits(2)
        .complains_of(&["2 targets"]);
    probe(&["127.0.0.1", "--client-cert", text(&own.chain)])
        .exits(2)
        .complains_of(&["--client-key"]);
}

#[test]
fn a_client_of_version_1_is_taken_and_a_closed_port_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    // `openssl x509 -req` makes version 1 where no extensions are asked for.
    let script =
        "openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=client -out request.pem
        openssl x509 -req -in request.pem -signkey key.pem -days 1 -out client.pem";
    let made = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(folder.path())
        .output()
        .expect("openssl (tests/run installs it)");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let closed = SocketAddr::new(own_loopback(), 1).to_string();
    let [certificate, key] = ["client.pem", "key.pem"].map(|name| folder.path().join(name));
    let flags = [
        "--client-cert",
        text(&certificate),
        "--client-key",
        text(&key),
    ];
    let run = probe(&[&[closed.as_str(), "--json"][..], &flags].concat()).exits(1);
    let endpoint = &object(&run)["endpoints"][0];
    assert_eq!(endpoint["handshakes"][0]["verdict"], "unreachable", "{run}");
}
