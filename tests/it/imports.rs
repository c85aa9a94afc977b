//! Certificates that come from files, and those that go into files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::program::{Inventory, Run};
use crate::servers::{Authority, Identity, Key};

/// A client's certificate, its key and its issuer.
fn client(authority: &Authority) -> Identity {
    authority.identity("client.sweep.test", Key::Ecdsa)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

/// `openssl crl2pkcs7` of the identity's chain.
fn message(inventory: &Inventory, identity: &Identity, form: &str) -> std::path::PathBuf {
    let path = inventory.path().with_extension(format!("{form}.p7b"));
    let mut openssl = Command::new("openssl");
    openssl.args(["crl2pkcs7", "-nocrl", "-outform", form, "-certfile"]);
    let made = openssl.arg(&identity.chain).arg("-out").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[test]
fn imported_certificates_are_reported_without_a_place() {
    let authority = Authority::new();
    let identity = client(&authority);
    let inventory = Inventory::new();
    let words = [text(&identity.chain), text(&identity.key)];
    let refused = inventory.run("import", &words).exits(2);
    refused.complains_of(&[words[1], "no certificate"]);
    assert!(
        !inventory.path().exists(),
        "a refused import made an inventory"
    );

    let both =
        fs::read_to_string(&identity.chain).unwrap() + &fs::read_to_string(&identity.key).unwrap();
    let both = inventory.file("both.pem", &both);
    let run = inventory
        .run("import", &[text(&both), "--label", "vault"])
        .exits(0);
    assert!(
        run.stdout
            .contains("imported 2 certificates, 2 of them new"),
        "{run}"
    );
    let run = run.complains_of(&[text(&inventory.path()), "a private key"]);
    assert!(!run.stderr.contains("-----"), "{run}");

    let rows = inventory.installations();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        for column in ["zone", "host", "ip", "port", "scan_id", "tls_version"] {
            assert_eq!(row[column], "", "{column}");
        }
        assert_eq!(
            (row["source"].as_str(), row["state"].as_str()),
            ("import", "current")
        );
    }
    let hashes: Vec<_> = rows.iter().map(|row| row["sha256"].as_str()).collect();
    assert!(hashes.contains(&&*identity.sha256) && hashes.contains(&&*identity.issuer_sha256));
    let stored = fs::read(inventory.path()).unwrap();
    let key = fs::read_to_string(&identity.key).unwrap();
    let secret = key.lines().nth(1).unwrap().as_bytes();
    assert!(!stored.windows(secret.len()).any(|window| window == secret));
}

#[test]
fn every_form_of_the_same_certificates_is_the_same_import() {
    let authority = Authority::new();
    let identity = client(&authority);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    let before = inventory.installations();
    for form in ["PEM", "DER"] {
        let path = message(&inventory, &identity, form);
        let run = inventory.run("import", &[path]).exits(0);
        assert!(
            run.stdout
                .contains("imported 2 certificates, 0 of them new"),
            "{run}"
        );
    }
    let first = |rows: &[crate::program::Row]| {
        let first = |row: &crate::program::Row| (row["sha256"].clone(), row["first_seen"].clone());
        rows.iter().map(first).collect::<Vec<_>>()
    };
    assert_eq!(first(&inventory.installations()), first(&before));
}

#[test]
fn one_broken_block_changes_nothing() {
    let authority = Authority::new();
    let identity = client(&authority);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.certificate]).exits(0);
    let good = fs::read_to_string(authority.intermediate()).unwrap();
    let lines = good.lines().count();
    let broken =
        good.clone() + "-----BEGIN CERTIFICATE-----\nMIIB\n\u{1b}[2J*\n-----END CERTIFICATE-----\n";
    let broken = inventory.file("broken.pem", &broken);
    let words = [authority.root(), authority.intermediate(), broken.as_path()];
    let run = inventory.run("import", &words).exits(2);
    let line = format!("line {}", lines + 3);
    let run = run.complains_of(&["broken.pem", &line, "not base64", "nothing was imported"]);
    assert!(!run.stderr.contains('\u{1b}'), "{run}");
    assert_eq!(inventory.installations().len(), 1);
    let missing = inventory.run("import", &["no such file"]).exits(2);
    missing.complains_of(&["no such file"]);
}

#[test]
fn a_name_is_shown_with_the_wildcard_that_covers_it() {
    let authority = Authority::new();
    let identity = authority.identity("*.apps.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.certificate]).exits(0);
    let shown = inventory.run("show", &["x.apps.sweep.test"]).exits(0);
    let filters = [
        "--name",
        "x.apps.sweep.test",
        "--name",
        "[*].apps.sweep.test",
    ];
    let command = "certsweep certs --name x.apps.sweep.test --name '[*].apps.sweep.test'\n";
    assert!(shown.stdout.ends_with(command), "{shown}");
    let words = [&filters[..], &["--json"]].concat();
    let listed = inventory.run("certs", &words).exits(0).json_lines();
    assert_eq!(listed.len(), 1);
    // It stands for one label.
    for other in ["apps.sweep.test", "x.y.apps.sweep.test"] {
        inventory.run("show", &[other]).exits(1);
    }
}

#[test]
fn certificates_are_written_under_their_hash_alone() {
    let authority = Authority::new();
    let identity = client(&authority);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    let folder = inventory.path().with_extension("out");
    let write =
        |form: &str| -> Run { inventory.run("report", &["--format", form, "-o", text(&folder)]) };
    write("pem").exits(0);
    write("der").exits(0);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<_> = [&identity.sha256, &identity.issuer_sha256]
        .iter()
        .flat_map(|hash| [format!("{hash}.der"), format!("{hash}.pem")])
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let path = folder.join(format!("{}.pem", identity.sha256));
    let strip = |text: String| text.replace('\r', "");
    assert_eq!(
        strip(fs::read_to_string(&path).unwrap()),
        strip(fs::read_to_string(&identity.certificate).unwrap())
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    write("pem").exits(0);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    fs::write(&path, "something else").unwrap();
    write("pem")
        .exits(1)
        .complains_of(&[&identity.sha256, "something else"]);
    assert_eq!(fs::read(&path).unwrap(), b"something else");

    fs::remove_file(&path).unwrap();
    let victim = inventory.file("victim", "untouched");
    symlink(&victim, &path).unwrap();
    write("pem").exits(1).complains_of(&[&identity.sha256]);
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
}

#[test]
fn a_stream_of_pem_holds_each_certificate_once_and_imports_again() {
    let authority = Authority::new();
    let identity = client(&authority);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    for words in [vec!["--format", "pem"], vec!["--format", "pem", "-o", "-"]] {
        let stream = inventory.run("report", &words).exits(0).stdout;
        assert_eq!(stream.matches("BEGIN CERTIFICATE").count(), 2);
        let again = Inventory::new();
        let file = again.file("stream.pem", &stream);
        again.run("import", &[file]).exits(0);
        assert_eq!(again.installations().len(), 2);
    }
    let wrong: [(&[&str], &str); 4] = [
        (&["--format", "der"], "-o"),
        (&["--format", "pem", "--of", "endpoints"], "--of"),
        (&["--format", "csv", "--chain"], "--chain"),
        (&["--format", "pem", "--excel"], "--excel"),
    ];
    for (words, culprit) in wrong {
        inventory
            .run("report", words)
            .exits(2)
            .complains_of(&[culprit]);
    }
}
