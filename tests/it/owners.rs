//! What each owner is written, and what is removed when nobody needs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use certsweep::domain::clock;
use rcgen::{CertificateParams, DnType, KeyPair};
use time::OffsetDateTime;

use crate::program::Inventory;
use crate::servers::{Authority, Key, Plain, Process};

/// A certificate of some years that ends in so many days.
pub(crate) fn ending_in(inventory: &Inventory, days: i64) -> PathBuf {
    let mut params = CertificateParams::default();
    let name = format!("in-{days}-days.sweep.test");
    params.distinguished_name.push(DnType::CommonName, name);
    let end = clock::now().seconds() + days * 86_400 + 3_600;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = OffsetDateTime::from_unix_timestamp(end).unwrap();
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    inventory.file(&format!("{days}.pem"), &pem)
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let names = fs::read_dir(folder).unwrap().map(name);
    names.map(|name| name.into_string().unwrap()).collect()
}

/// What Python's parser of mail makes of a message: its headers' names, the
/// text, and the attachment.
pub(crate) fn parsed(message: &Path) -> serde_json::Value {
    let script = "import email, email.policy, json, sys\n\
        m = email.message_from_file(open(sys.argv[1], newline=''), policy=email.policy.default)\n\
        assert not m.defects, m.defects\n\
        text, csv = m.iter_parts()\n\
        print(json.dumps([m.keys(), text.get_content(), csv.get_content(), csv.get_filename()]))";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(message)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_message_is_written_and_a_crossing_told_once() {
    let inventory = Inventory::new();
    let soon = ending_in(&inventory, 5);
    let later = ending_in(&inventory, 300);
    inventory.run("import", &[&soon, &later]).exits(0);
    let folder = inventory.path().with_extension("mail");
    let words = ["--format", "eml", "-o", folder.to_str().unwrap()];
    inventory.run("report", &words).exits(0);
    assert_eq!(names(&folder), ["unowned.eml"]);
    let message = parsed(&folder.join("unowned.eml"));
    let keys: Vec<_> = message[0].as_array().unwrap().iter().collect();
    assert_eq!(
        keys,
        [
            "From",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type"
        ]
    );
    assert!(
        message[1]
            .as_str()
            .unwrap()
            .contains("in-5-days.sweep.test"),
        "{message}"
    );
    assert_eq!(message[2].as_str().unwrap().lines().count(), 3, "{message}");
    assert_eq!(message[3], "unowned.csv");

    let once = inventory.path().with_extension("once");
    let words = [
        "--format",
        "eml",
        "--notify-once",
        "-o",
        once.to_str().unwrap(),
    ];
    inventory.run("report", &words).exits(0);
    let [first] = <[String; 1]>::try_from(names(&once)).unwrap();
    assert!(first.starts_with("unowned-2"), "{first}");
    let message = parsed(&once.join(&first));
    assert_eq!(
        message[2].as_str().unwrap().lines().count(),
        2,
        "only what ends soon: {message}"
    );
    inventory.run("report", &words).exits(0);
    assert_eq!(names(&once), [first.as_str()]);

    let config = inventory.file("c.toml", "[policy]\nexpiring_warning = \"400d\"\n");
    let words = [&["--config", config.to_str().unwrap()], &words[..]].concat();
    inventory.run("report", &words).exits(0);
    let mut later = names(&once);
    later.retain(|name| *name != first);
    let [later] = <[String; 1]>::try_from(later).unwrap();
    let message = parsed(&once.join(later));
    let told = message[2].as_str().unwrap();
    assert!(told.contains("in-300-days"), "{message}");
    assert_eq!(told.lines().count(), 2, "only what is new: {message}");
}

#[test]
fn telling_once_and_other_writers_keep_out_of_each_others_way() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let mut first = inventory.command("scan");
    let first = Process::start(first.args([&target, "--no-ptr", "--handshake-timeout", "60s"]));
    server.wait_for_visit();
    let folder = inventory.path().with_extension("once");
    let words = [
        "--format",
        "eml",
        "--notify-once",
        "-o",
        folder.to_str().unwrap(),
    ];
    inventory.run("report", &words).exits(3);
    let certificate = ending_in(&inventory, 5);
    inventory.run("import", &[certificate]).exits(3);
    inventory
        .run("prune", &["--older-than", "1d", "--yes"])
        .exits(3);
    inventory.run("check", &["--format", "nagios"]).exits(3);
    drop(first);
}

#[test]
fn a_file_for_each_owner_needs_a_folder_and_a_table() {
    let inventory = Inventory::new();
    let authority = Authority::new();
    let identity = authority.identity("split.sweep.test", Key::Ecdsa);
    inventory.run("import", &[&identity.chain]).exits(0);
    let wrong: [&[&str]; 5] = [
        &["--split", "owner"],
        &["--split", "owner", "--format", "pem", "-o", "x"],
        &["--split", "owner", "--of", "endpoints", "-o", "x"],
        &["--notify-once"],
        &[
            "--format",
            "eml",
            "--mail-from",
            "a@b\r\nBcc: c@d",
            "-o",
            "x",
        ],
    ];
    for words in wrong {
        inventory.run("report", words).exits(2);
    }
    let folder = inventory.path().with_extension("split");
    let words = ["--split", "owner", "-o", folder.to_str().unwrap()];
    inventory.run("report", &words).exits(0);
    let all = inventory
        .run("report", &["--format", "csv"])
        .exits(0)
        .stdout;
    assert_eq!(fs::read_to_string(folder.join("unowned.csv")).unwrap(), all);
}

#[test]
fn pruning_asks_and_leaves_what_is_there() {
    let inventory = Inventory::new();
    let authority = Authority::new();
    let identity = authority.identity("prune.sweep.test", Key::Ecdsa);
    inventory
        .run("prune", &["--older-than", "400d", "--yes"])
        .exits(1);
    inventory.run("import", &[&identity.chain]).exits(0);
    let unasked = inventory.run("prune", &["--older-than", "400d"]).exits(2);
    unasked.complains_of(&["--yes"]);
    let run = inventory
        .run("prune", &["--older-than", "0s", "--yes"])
        .exits(0);
    assert!(run.stdout.contains("nothing ended before"), "{run}");
    assert_eq!(inventory.installations().len(), 2);
    inventory
        .run("prune", &["--older-than", "soon", "--yes"])
        .exits(2);
}

#[test]
fn what_may_have_been_pruned_is_not_said_to_be_never_looked_at() {
    let inventory = Inventory::new();
    let closed = ["127.0.3.1", "127.0.3.2"];
    for address in closed {
        inventory.run("scan", &[&format!("{address}:9")]).exits(0);
    }
    let other = inventory.run("show", &["127.0.3.3"]).exits(0);
    assert!(other.stdout.contains("never looked at"), "{other}");
    inventory
        .run("prune", &["--older-than", "0s", "--yes"])
        .exits(0);
    let [pruned, kept] = closed.map(|address| inventory.run("show", &[address]).exits(0));
    assert!(pruned.stdout.contains("pruned up to"), "{pruned}");
    assert!(kept.stdout.contains("refused"), "{kept}");
}
