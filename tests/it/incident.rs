//! The questions of an incident, each answered in one command: every host with
//! this key, every chain under this authority, every name like this.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Inventory, Run};
use crate::servers::{Authority, Identity, Key, SServer};

/// Two hosts with one certificate under an authority whose root nobody sends,
/// and one that stands alone.
struct Incident {
    inventory: Inventory,
    authority: Authority,
    stolen: Identity,
}

/// How many rows each command lists.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    report: usize,
    certs: usize,
    endpoints: usize,
    diff: usize,
}

const TWO_HOSTS: Rows = Rows {
    report: 2,
    certs: 1,
    endpoints: 2,
    diff: 2,
};

const NOWHERE: Rows = Rows {
    report: 0,
    certs: 0,
    endpoints: 0,
    diff: 0,
};

impl Incident {
    fn new() -> Self {
        let authority = Authority::new();
        let stolen = authority.identity("stolen.sweep.test", Key::Rsa);
        let other = authority.identity("other.sweep.test", Key::Ecdsa);
        let chain = ["-cert_chain", authority.intermediate().to_str().unwrap()];
        let servers = [
            SServer::start(&stolen, &chain),
            SServer::start(&stolen, &chain),
            SServer::start(&other, &["-tls1_2"]),
        ];
        let inventory = Inventory::new();
        inventory.sweep(&servers.each_ref().map(|server| server.address.to_string()));
        Self {
            inventory,
            authority,
            stolen,
        }
    }

    #[track_caller]
    fn asked(&self, filter: &[&str]) -> Rows {
        let count = |command: &str, json: &[&str]| {
            let words = [json, filter].concat();
            let run: Run = self.inventory.run(command, &words).exits(0);
            run.json_lines().len()
        };
        Rows {
            report: count("report", &["--format", "jsonl"]),
            certs: count("certs", &["--json"]),
            endpoints: count("endpoints", &["--json"]),
            diff: count("diff", &["--json"]),
        }
    }

    /// A file beside the inventory that `openssl` writes.
    fn made(&self, name: &str, words: &[&str], input: &Path) -> PathBuf {
        let file = self.inventory.path().with_file_name(name);
        let status = Command::new("openssl")
            .args(words)
            .arg(input)
            .arg("-out")
            .arg(&file)
            .status()
            .unwrap();
        assert!(status.success(), "openssl {words:?}");
        file
    }
}

#[test]
fn every_host_with_a_key_is_found_by_each_file_that_holds_it() {
    let incident = Incident::new();
    let Identity {
        certificate, key, ..
    } = &incident.stolen;
    let request = ["req", "-new", "-subj", "/CN=next", "-key"];
    let files = [
        certificate.clone(),
        incident.made("a.der", &["x509", "-outform", "DER", "-in"], certificate),
        incident.made("a.csr", &request, key),
        incident.made(
            "csr.der",
            &[&["req", "-outform", "DER"], &request[1..]].concat(),
            key,
        ),
        incident.made("a.pub", &["pkey", "-pubout", "-in"], key),
        incident.made(
            "pub.der",
            &["pkey", "-pubout", "-outform", "DER", "-in"],
            key,
        ),
    ];
    for file in files {
        let file = file.to_str().unwrap();
        assert_eq!(incident.asked(&["--key", file]), TWO_HOSTS, "{file}");
    }
    let row = &incident.inventory.installations()[0];
    let known = incident.asked(&["--key", &row["spki_sha256"]]);
    assert!(known.report > 0);
    assert_eq!(incident.asked(&["--key", &"0".repeat(64)]), NOWHERE);
}

#[test]
fn every_chain_below_an_authority_is_found_sent_or_not() {
    let incident = Incident::new();
    let (root, intermediate) = (incident.authority.root(), incident.authority.intermediate());
    let [root, intermediate] = [root, intermediate].map(|file| file.to_str().unwrap());
    // The other server sends its certificate alone, but its issuer is known
    // from the neighbours.
    let all_three = Rows {
        report: 3,
        certs: 2,
        endpoints: 3,
        diff: 3,
    };
    // Nobody sent the root, and no store has it.
    assert_eq!(incident.asked(&["--ca", root]), all_three);
    let trusting = ["--trust-store", root, "--ca", root];
    assert_eq!(incident.asked(&trusting), all_three);
    assert_eq!(incident.asked(&["--ca", intermediate]), all_three);
    let sha256 = &incident.stolen.issuer_sha256;
    assert_eq!(incident.asked(&["--ca", sha256]), all_three);
    assert_eq!(incident.asked(&["--ca", &"0".repeat(64)]), NOWHERE);
}

#[test]
fn every_name_like_a_pattern_is_found() {
    let incident = Incident::new();
    assert_eq!(incident.asked(&["--name", "STOLEN.*"]), TWO_HOSTS);
    assert_eq!(incident.asked(&["--name", "*.elsewhere"]), NOWHERE);
    assert_eq!(incident.asked(&["--name", "*.sweep.test"]).report, 3);
}
