//! What SECURITY.md says, where no other test says it: secrets, and that the
//! tests that it names are there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Run, certsweep};
use crate::servers::{Authority, Dns, Key, SServer};

/// Names in backticks that are no tests: words with an underscore all the same.
const OTHERS: [&str; 2] = ["file_mode", "undocumented_unsafe_blocks"];

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let is_name = |word: &&str| {
        word.contains('_')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
    };
    let named: Vec<_> = text.split('`').filter(is_name).collect();
    assert!(named.len() > 30, "only these were found: {named:?}");
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    collect(&root.join("tests/it"), &mut files);
    let sources: Vec<_> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_there = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().any(|source| source.contains(&function))
    };
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !OTHERS.contains(name) && !is_there(name))
        .collect();
    assert!(
        missing.is_empty(),
        "SECURITY.md names no tests: {missing:#?}"
    );
}

#[test]
fn a_private_key_is_shown_nowhere() {
    let authority = Authority::new();
    let server = authority.identity("server.test", Key::Rsa);
    let client = authority.identity("client.test", Key::Ecdsa);
    let other = authority.identity("other.test", Key::Ecdsa);
    let demand = [
        "-Verify",
        "5",
        "-CAfile",
        authority.root().to_str().unwrap(),
    ];
    let server = SServer::start(&server, &demand);
    let dns = Dns::start(&[]);
    let resolver = dns.address.to_string();
    let target = server.address.to_string();
    // The right key, that of another certificate, and one in place of a chain.
    for (chain, key) in [
        (&client.chain, &client.key),
        (&other.chain, &client.key),
        (&client.key, &client.key),
    ] {
        let mut probe = certsweep();
        probe.args(["probe", "-vv", "--resolver", &resolver, &target]);
        probe.arg("--client-cert").arg(chain);
        let run = Run::of(probe.arg("--client-key").arg(key));
        for line in secret_lines(&client.key) {
            assert!(
                !run.stdout.contains(&line) && !run.stderr.contains(&line),
                "{run}"
            );
        }
    }
}

/// The lines of a PEM file between its first and its last.
fn secret_lines(key: &Path) -> Vec<String> {
    let text = fs::read_to_string(key).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let lines: Vec<_> = lines.map(str::to_owned).collect();
    assert!(!lines.is_empty());
    lines
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
