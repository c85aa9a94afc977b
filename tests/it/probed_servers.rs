//! `certsweep probe` of other people's servers: what they make of a client's
//! certificate, and what is told of them after words of their own.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::program::{Inventory, Run};
use crate::servers::{
    Authority, Dialogues, Key, Kmip, LongChain, Postfix, Postgres, RustlsServer, RustlsSetup,
    SServer, SelfSigned, second_loopback,
};

/// No line of a page is longer.
const COLUMNS: usize = 80;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs `certsweep probe`.
fn probe(arguments: &[&str]) -> Run {
    let fast = ["--rate-per-host", "unlimited"];
    Inventory::new().run("probe", &[&fast, arguments].concat())
}

/// The only endpoint of a probe's object.
#[track_caller]
fn endpoint(run: &Run) -> Value {
    let mut objects = run.json_lines();
    assert_eq!(objects.len(), 1, "{run}");
    objects[0]["endpoints"][0].take()
}

#[track_caller]
fn assert_readable(run: &Run) {
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= COLUMNS, "`{line}` of\n{run}");
    }
}

/// The words of a client with this certificate, and its key.
fn client<'a>((chain, key): (&'a Path, &'a Path), more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["--client-cert", text(chain), "--client-key", text(key)];
    words.extend(more);
    words
}

#[test]
fn a_client_certificate_is_rejected_for_what_is_wrong_with_it() {
    let authority = Authority::new();
    let identity = authority.identity("server.test", Key::Rsa);
    let known = authority.identity("client.test", Key::Ecdsa);
    let expired = authority.expired("expired.test", Key::Ecdsa);
    let unknown = SelfSigned::of_subject("-algorithm ED25519", "/CN=stranger.test");
    for version in ["-tls1_2", "-tls1_3"] {
        let server = SServer::start(
            &identity,
            &[
                version,
                "-Verify",
                "5",
                "-verify_return_error",
                "-CAfile",
                text(authority.root()),
            ],
        );
        let address = server.address.to_string();
        for (who, verdict, alert) in [
            ((&known.chain, &known.key), "accepted", ""),
            (
                (&expired.chain, &expired.key),
                "rejected",
                "certificate_expired",
            ),
            (
                (&unknown.certificate, &unknown.key),
                "rejected",
                "unknown_ca",
            ),
        ] {
            let words = client((who.0, who.1), &[&address]);
            let run = probe(&[&words[..], &["--json"]].concat());
            let run = run.exits(i32::from(verdict == "rejected"));
            let endpoint = endpoint(&run);
            let [without, with] = &endpoint["handshakes"].as_array().unwrap()[..] else {
                panic!("not two handshakes: {run}");
            };
            assert_eq!(without["verdict"], "rejected", "{run}");
            assert_eq!(without["client_auth"], "required");
            assert_eq!(with["verdict"], verdict, "{run}");
            assert!(with["detail"].as_str().unwrap().contains(alert), "{run}");
            assert_eq!(
                endpoint["questions"][0]["certificates"][0]["sha256"],
                *identity.sha256
            );
            let page = probe(&words);
            assert_readable(&page);
            assert!(page.stdout.contains(verdict), "{page}");
        }
    }
}

#[test]
fn a_key_manager_takes_its_client_and_nobody_else() {
    let authority = Authority::new();
    // With an RSA key PyKMIP speaks no suite that a handshake of ours does.
    let identity = authority.identity("kmip.sweep.test", Key::Ecdsa);
    let known = authority.identity("client.sweep.test", Key::Rsa);
    let known = (known.chain.as_path(), known.key.as_path());
    let kmip = Kmip::start_at(second_loopback(), &identity, authority.root());
    let address = kmip.address.to_string();
    let run = probe(&client(known, &[&address, "--json"])).exits(0);
    let endpoint = endpoint(&run);
    let [without, with] = &endpoint["handshakes"].as_array().unwrap()[..] else {
        panic!("not two handshakes: {run}");
    };
    assert_eq!(without["verdict"], "rejected", "{run}");
    assert_eq!(without["client_auth"], "required", "{run}");
    assert_eq!(with["verdict"], "accepted", "{run}");
    let leaf = &endpoint["questions"][0]["certificates"][0];
    assert_eq!(leaf["sha256"], *identity.sha256);
    let page = probe(&client(known, &[&address])).exits(0);
    assert_readable(&page);
    assert!(page.stdout.contains("accepted"), "{page}");
}

#[test]
fn a_handshake_is_completed_behind_the_words_of_a_dialect() {
    let authority = Authority::new();
    let identity = authority.identity("words.sweep.test", Key::Rsa);
    let ip = second_loopback();
    let postfix = Postfix::start_at(ip, &identity);
    let postgres = Postgres::start_at(ip, &identity);
    let tds = SocketAddr::new(ip, 1435);
    let _stubs = Dialogues::start(&identity, &[("mssql", tds)]);
    for (target, dialect) in [
        (postfix.submission.to_string(), "smtp"),
        (postgres.address.to_string(), "postgres"),
        (format!("{tds}/mssql"), "mssql"),
    ] {
        let ca = ["--ca", text(authority.root()), "--sni", "words.sweep.test"];
        let run = probe(&[&[target.as_str(), "--json"], &ca[..]].concat()).exits(0);
        let endpoint = endpoint(&run);
        assert_eq!(endpoint["starttls"], dialect, "{run}");
        let main = &endpoint["questions"][0];
        assert_eq!(main["certificates"][0]["sha256"], *identity.sha256, "{run}");
        assert_eq!(
            main["certificates"][1]["sha256"], *identity.issuer_sha256,
            "{run}"
        );
        assert_eq!(endpoint["versions"]["TLSv1.2"], "accepted", "{run}");
        let handshake = &endpoint["handshakes"][0];
        assert_eq!(handshake["verdict"], "accepted", "{run}");
        assert_eq!(handshake["verified"], true, "{run}");
        let page = probe(&[&[target.as_str()], &ca[..]].concat()).exits(0);
        assert_readable(&page);
        assert!(page.stdout.contains(&identity.sha256), "{page}");
    }
}

#[test]
fn no_line_is_longer_than_the_page_however_long_a_name_is() {
    let labels = [["a"; 63].concat(), ["b"; 63].concat(), ["c"; 60].concat()];
    let name = format!("{}.sweep.test", labels.join("."));
    let chain = LongChain::named(&name);
    let setup = RustlsSetup::new(&chain, &rustls::version::TLS13);
    let server = RustlsServer::start(setup);
    let page = probe(&[&server.address.to_string(), "--sni", &name]).exits(0);
    assert_readable(&page);
    let whole: String = page.stdout.split_whitespace().collect();
    assert!(whole.contains(&name), "{page}");
}
