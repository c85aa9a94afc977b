//! What each owner is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use certsweep::domain::clock;
use rcgen::{CertificateParams, DnType, KeyPair};
use time::OffsetDateTime;

use crate::check::replaced_at_one_place;
use crate::program::{Inventory, Row};
use crate::servers::{Authority, Key, Plain, Process, SServer};

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
/// text, the attachment and its name, and the headers To and Subject.
pub(crate) fn parsed(message: &Path) -> serde_json::Value {
    let script = "import email, email.policy, json, sys\n\
        m = email.message_from_file(open(sys.argv[1], newline=''), policy=email.policy.default)\n\
        assert not m.defects, m.defects\n\
        text, csv = m.iter_parts()\n\
        print(json.dumps([m.keys(), text.get_content(), csv.get_content(), csv.get_filename(),\n\
        \x20   m['To'], m['Subject']]))";
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
fn nobody_is_told_of_a_place_where_the_certificate_was_replaced() {
    let (inventory, [_, place]) = replaced_at_one_place();
    let all: &[&str] = &[];
    for (owner, words) in [("all", all), ("expired", &["--expired", "--state", "all"])] {
        let folder = inventory.path().with_file_name(owner);
        let output = ["-o", folder.to_str().unwrap()];
        let config = format!("[[owner]]\nnames = [\"*\"]\nowner = \"{owner}\"\n");
        let config = inventory.file("c.toml", &config);
        let config = ["--config", config.to_str().unwrap()];
        let once = ["--format", "eml", "--notify-once"];
        let words = [words, &once, &output, &config].concat();
        inventory.run("report", &words).exits(0);
        let [message] = <[String; 1]>::try_from(names(&folder)).unwrap();
        let message = parsed(&folder.join(message));
        let rows = read(message[2].as_str().unwrap());
        let told: Vec<_> = rows.iter().map(|row| &*row["port"]).collect();
        assert_eq!(told, [place.port().to_string()], "{message}");
    }
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
fn a_message_goes_to_every_address_of_its_owner() {
    let inventory = Inventory::new();
    let certificate = ending_in(&inventory, 5);
    inventory.run("import", &[certificate]).exits(0);
    let owner = "[[owner]]\nnames = [\"*\"]\nowner = \"a@x.example, b@y.example\"\n";
    let config = inventory.file("c.toml", owner);
    let folder = inventory.path().with_extension("mail");
    let (folder, config) = (folder.as_path(), config.to_str().unwrap());
    let words = ["--format", "eml", "-o", folder.to_str().unwrap()];
    let words = [&words[..], &["--config", config]].concat();
    inventory.run("report", &words).exits(0);
    let [name] = <[String; 1]>::try_from(names(folder)).unwrap();
    let message = parsed(&folder.join(name));
    assert_eq!(message[4], "a@x.example, b@y.example");
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

/// Owners with an address and without one; of two that would fit, the first
/// is meant.
const OWNERS: &str = "[[owner]]\nnames = [\"*.web.sweep.test\"]\n\
    owner = \"Wéb team <web@sweep.test>\"\n\
    [[owner]]\nnames = [\"in-5-days.*\"]\nowner = \"ops@sweep.test\"\n\
    [[owner]]\nnames = [\"in-300-days.*\"]\nowner = \"The plant\"\n\
    [[owner]]\nnames = [\"new.web.sweep.test\"]\nowner = \"Second\"\n";

/// The three of them, and nobody: how their files begin, who they are, where
/// mail goes to, and whose certificates they have.
const OWNED: [(&str, &str, Option<&str>, &[&str]); 4] = [
    (
        "ops-sweep-test-",
        "ops@sweep.test",
        Some("ops@sweep.test"),
        &["in-5-days.sweep.test"],
    ),
    ("the-plant-", "The plant", None, &["in-300-days.sweep.test"]),
    ("unowned", "", None, &["other.sweep.test"]),
    (
        "w-b-team-web-sweep-test-",
        "Wéb team <web@sweep.test>",
        Some("Wéb team <web@sweep.test>"),
        &["new.web.sweep.test", "old.web.sweep.test"],
    ),
];

/// Servers and imports of the owners and of nobody, and the configuration.
struct Owned {
    inventory: Inventory,
    config: String,
}

impl Owned {
    fn new() -> Self {
        let inventory = Inventory::new();
        let authority = Authority::new();
        let [new, other] = ["new.web.sweep.test", "other.sweep.test"]
            .map(|name| authority.identity(name, Key::Ecdsa));
        let old = authority.expired("old.web.sweep.test", Key::Ecdsa);
        let servers = [&new, &old, &other].map(|it| SServer::start(it, &["-tls1_2"]));
        inventory.sweep(&servers.each_ref().map(|it| it.address.to_string()));
        let imports = [5, 300].map(|days| ending_in(&inventory, days));
        inventory.run("import", &imports).exits(0);
        let config = inventory.file("owners.toml", OWNERS);
        Self {
            config: config.to_str().unwrap().to_owned(),
            inventory,
        }
    }

    /// The files of a report, by their names, in a folder of this name.
    fn written(&self, folder: &str, words: &[&str]) -> Vec<PathBuf> {
        let folder = self.inventory.path().with_file_name(folder);
        let output = ["-o", folder.to_str().unwrap()];
        let words = [words, &output, &["--config", &self.config]].concat();
        self.inventory.run("report", &words).exits(0);
        let mut files = names(&folder);
        files.sort_unstable();
        files.iter().map(|name| folder.join(name)).collect()
    }

    /// The rows of one report of everything, those of each owner apart.
    fn rows(&self) -> [Vec<Row>; 4] {
        let words = ["--config", &self.config];
        let all = read(&self.inventory.run("report", &words).exits(0).stdout);
        assert_eq!(all.len(), 5);
        OWNED.map(|(_, owner, _, subjects)| {
            let rows: Vec<_> = all
                .iter()
                .filter(|row| row["owner"] == owner)
                .cloned()
                .collect();
            assert_eq!(named(&rows), subjects);
            rows
        })
    }
}

fn read(csv: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// Whose certificates these are.
fn named(rows: &[Row]) -> Vec<&str> {
    let mut names: Vec<_> = rows.iter().map(|row| &*row["subject_cn"]).collect();
    names.sort_unstable();
    names
}

#[track_caller]
fn begins(file: &Path, beginning: &str) {
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(beginning), "{name}");
}

#[test]
fn each_file_of_a_split_report_has_the_rows_of_its_owner() {
    let owned = Owned::new();
    let expected = owned.rows();
    let tables = owned.written("tables", &["--split", "owner"]);
    assert_eq!(tables.len(), OWNED.len(), "{tables:?}");
    for ((file, rows), (beginning, ..)) in tables.iter().zip(&expected).zip(OWNED) {
        begins(file, beginning);
        assert_eq!(&read(&fs::read_to_string(file).unwrap()), rows);
    }
    let lines = owned.written("lines", &["--split", "owner", "--format", "jsonl"]);
    assert_eq!(lines.len(), OWNED.len(), "{lines:?}");
    for ((file, rows), (beginning, owner, ..)) in lines.iter().zip(&expected).zip(OWNED) {
        begins(file, beginning);
        let text = fs::read_to_string(file).unwrap();
        let told: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(
            told.iter()
                .all(|row| row["owner"].as_str().unwrap_or_default() == owner)
        );
        let hashes = told.iter().map(|row| row["sha256"].as_str().unwrap());
        assert!(hashes.eq(rows.iter().map(|row| &*row["sha256"])), "{text}");
    }
}

#[test]
fn each_owner_gets_one_message_with_their_rows() {
    let owned = Owned::new();
    let expected = owned.rows();
    let messages = owned.written("mail", &["--format", "eml"]);
    assert_eq!(messages.len(), OWNED.len(), "{messages:?}");
    for ((file, rows), (beginning, owner, to, subjects)) in
        messages.iter().zip(&expected).zip(OWNED)
    {
        begins(file, beginning);
        let message = parsed(file);
        assert_eq!(message[4].as_str(), to, "{message}");
        let (count, expired) = match subjects {
            [_, _] => ("2 installations", 1),
            _ => ("1 installation", 0),
        };
        let subject = format!("certsweep: {count} of certificates, {expired} expired");
        assert_eq!(message[5], subject);
        assert_eq!(&read(message[2].as_str().unwrap()), rows);
        let text = message[1].as_str().unwrap();
        let whose = if owner.is_empty() { "nobody;" } else { owner };
        assert!(text.contains(&format!("\nowner: {whose}")), "{text}");
        for (_, _, _, all) in OWNED {
            for subject in all {
                assert_eq!(text.contains(subject), subjects.contains(subject), "{text}");
            }
        }
    }
}

#[test]
fn each_owner_is_told_once_and_again_when_a_threshold_is_crossed() {
    let owned = Owned::new();
    let once = ["--format", "eml", "--notify-once"];
    let told = |files: &[PathBuf]| {
        let tables = files
            .iter()
            .map(|file| read(parsed(file)[2].as_str().unwrap()));
        tables
            .flat_map(|rows| {
                named(&rows)
                    .into_iter()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let first = owned.written("once", &once);
    for (file, beginning) in first.iter().zip([OWNED[0].0, OWNED[3].0]) {
        begins(file, beginning);
    }
    assert_eq!(told(&first), ["in-5-days.sweep.test", "old.web.sweep.test"]);
    assert_eq!(owned.written("once", &once), first);
    assert_eq!(owned.written("elsewhere", &once), [] as [PathBuf; 0]);

    let sooner = format!("{OWNERS}[policy]\nexpiring_warning = \"400d\"\n");
    owned.inventory.file("owners.toml", &sooner);
    let mut second = owned.written("once", &once);
    second.retain(|file| !first.contains(file));
    assert_eq!(told(&second), ["in-300-days.sweep.test"]);
    begins(&second[0], OWNED[1].0);
    assert_eq!(owned.written("elsewhere", &once), [] as [PathBuf; 0]);
}
