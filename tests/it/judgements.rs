//! What the compiled program says of what it found: trust, findings, owners,
//! acceptances, in reports, lists, pages and SQL.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::Value;

use crate::program::{Inventory, Row, Run};
use crate::servers::{Authority, Dns, Identity, Key, SServer, SelfSigned};

/// Servers of a private authority, of nobody, and of the past, scanned.
struct Judged {
    inventory: Inventory,
    authority: Authority,
    private: Identity,
    self_signed: SelfSigned,
    expired: PathBuf,
}

impl Judged {
    fn new() -> Self {
        Self::scanned(&[])
    }

    fn scanned(options: &[&str]) -> Self {
        let inventory = Inventory::new();
        let authority = Authority::new();
        let private = authority.identity("private.sweep.test", Key::Ecdsa);
        let sent = [authority.intermediate(), authority.root()].map(|file| fs::read(file).unwrap());
        let sent = inventory.file("sent.pem", &String::from_utf8(sent.concat()).unwrap());
        let self_signed = SelfSigned::new("-algorithm ED25519");
        let (expired, key) = expired(&inventory);
        let servers = [
            SServer::start(&private, &["-cert_chain", sent.to_str().unwrap()]),
            SServer::showing(&self_signed.certificate, &self_signed.key, &["-tls1_2"]),
            SServer::showing(&expired, &key, &["-tls1_2"]),
        ];
        let mut words: Vec<_> = servers.iter().map(|it| it.address.to_string()).collect();
        words.extend(options.iter().map(ToString::to_string));
        inventory.sweep(&words);
        Self {
            inventory,
            authority,
            private,
            self_signed,
            expired,
        }
    }

    fn root(&self) -> &str {
        self.authority.root().to_str().unwrap()
    }

    /// The rows of a report with these options.
    fn rows(&self, options: &[&str]) -> Vec<Row> {
        rows(&self.report(options))
    }

    fn report(&self, options: &[&str]) -> Run {
        self.inventory.run("report", options).exits(0)
    }

    fn row(&self, sha256: &str, options: &[&str]) -> Row {
        let rows = self.rows(options);
        let row = rows.into_iter().find(|row| row["sha256"] == sha256);
        row.unwrap()
    }
}

fn rows(report: &Run) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(report.stdout.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// An authority of its own whose time is over, and its key.
fn expired(inventory: &Inventory) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["past.sweep.test".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "past.sweep.test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    (
        inventory.file("expired.pem", &certificate.pem()),
        inventory.file("expired.key", &key.serialize_pem()),
    )
}

fn findings(row: &Row) -> Vec<&str> {
    row["findings"].split('|').collect()
}

/// The rows of a query, each a list of values, by the SQLite of Python.
pub(crate) fn sql(db: &Path, query: &str) -> Vec<Vec<Value>> {
    const PROGRAM: &str = "import json, sqlite3, sys\n\
        rows = sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()\n\
        print(json.dumps(rows))";
    let mut command = Command::new("python3");
    let run = Run::of(command.args(["-c", PROGRAM]).arg(db).arg(query)).exits(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Deletes all rows of a table.
fn empty(db: &Path, table: &str) {
    const PROGRAM: &str = "import sqlite3, sys\n\
        inventory = sqlite3.connect(sys.argv[1])\n\
        inventory.execute('delete from ' + sys.argv[2])\n\
        inventory.commit()";
    let mut command = Command::new("python3");
    Run::of(command.args(["-c", PROGRAM]).arg(db).arg(table)).exits(0);
}

#[test]
fn a_private_root_is_trusted_where_its_store_is_named() {
    let judged = Judged::new();
    let sha256 = &judged.private.sha256;
    let without = judged.row(sha256, &[]);
    assert_eq!(without["trust"], "untrusted-root");
    assert!(findings(&without).contains(&"untrusted"), "{without:?}");
    assert_eq!(without["severity"], "error", "{without:?}");
    let with = judged.row(sha256, &["--trust-store", judged.root()]);
    assert_eq!(with["trust"], "trusted");
    assert_eq!(with["trusted_by"], judged.root());
    assert!(with["root_dn"].contains("Sweep Test Root"), "{with:?}");
    assert!(!findings(&with).contains(&"untrusted"), "{with:?}");
}

#[test]
fn a_trust_store_of_the_configuration_holds_everywhere() {
    let judged = Judged::new();
    let config = format!(
        "[scan]\ntrust_store = [\"{}\"]\nno_system_roots = true\n",
        judged.root()
    );
    let config = judged.inventory.file("c.toml", &config);
    let config = config.to_str().unwrap();
    let row = judged.row(&judged.private.sha256, &["--config", config]);
    assert_eq!(row["trust"], "trusted");
    let lines = judged
        .report(&["--config", config, "--format", "jsonl"])
        .json_lines();
    let stores = lines[0]["trust_stores"].as_array().unwrap();
    let stores: Vec<_> = stores.iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(stores.len(), 2, "no system roots: {stores:?}");
    assert!(stores[0].starts_with("mozilla: "), "{stores:?}");
    let own = format!("{}: 1 root, sha256 ", judged.root());
    assert!(stores[1].starts_with(&own), "{stores:?}");
    assert!(lines[0]["now"].is_string());
}

#[test]
fn a_store_that_is_none_is_refused_with_file_and_line_before_anything_is_done() {
    let inventory = Inventory::new();
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let store = inventory.file("broken.pem", broken);
    let store = store.to_str().unwrap();
    for command in ["report", "certs", "endpoints", "show", "scan"] {
        let target: &[&str] = match command {
            "show" | "scan" => &["127.0.0.1"],
            _ => &[],
        };
        let words = [target, &["--trust-store", store]].concat();
        let run = inventory.run(command, &words).exits(2);
        run.complains_of(&["broken.pem", "line 2"]);
        assert!(!inventory.path().exists(), "{command}");
    }
    let missing = inventory.run("report", &["--trust-store", "nowhere.pem"]);
    missing.exits(2).complains_of(&["nowhere.pem"]);
}

#[test]
fn self_signed_and_expired_certificates_are_told_apart() {
    let judged = Judged::new();
    let row = judged.row(&judged.self_signed.sha256, &[]);
    assert_eq!(row["trust"], "self-signed");
    assert!(findings(&row).contains(&"self-signed"), "{row:?}");
    let options = ["--trust-store", judged.expired.to_str().unwrap()];
    let rows = judged.rows(&options);
    let row = rows
        .iter()
        .find(|row| row["subject_cn"] == "past.sweep.test");
    let row = row.unwrap();
    assert_eq!(row["trust"], "expired");
    assert_eq!(row["severity"], "critical");
    assert!(findings(row).contains(&"expired"), "{row:?}");
}

#[test]
fn a_name_that_is_not_in_the_certificate_is_a_mismatch() {
    let judged = Judged::scanned(&["--sni", "other.sweep.test", "--sni-everywhere"]);
    let rows = judged.rows(&["--trust-store", judged.root()]);
    let of = |sni: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row["sha256"] == judged.private.sha256 && row["sni"] == sni);
        row.unwrap_or_else(|| panic!("{rows:?}"))
    };
    assert_eq!(of("")["trust"], "trusted", "never for a bare address");
    assert_eq!(of("other.sweep.test")["trust"], "name-mismatch");
    assert!(findings(of("other.sweep.test")).contains(&"name-mismatch"));
}

#[test]
fn a_server_that_does_not_know_a_targets_name_is_found_out() {
    let authority = Authority::new();
    let known = authority.identity("known.sweep.test", Key::Ecdsa);
    let (certificate, key) = (
        known.certificate.to_str().unwrap(),
        known.key.to_str().unwrap(),
    );
    let fatal = ["-servername", "known.sweep.test", "-servername_fatal"];
    let server = [&fatal[..], &["-cert2", certificate, "-key2", key]].concat();
    let server = SServer::start(&known, &server);
    let names = ["known.sweep.test", "lost.sweep.test"];
    let dns = Dns::start(&names.map(|name| (name, server.address.ip())));
    let port = server.address.port();
    let mut options = names.map(|name| format!("{name}:{port}")).to_vec();
    options.extend([
        "--resolver".to_owned(),
        dns.address.to_string(),
        "--json".to_owned(),
    ]);
    let inventory = Inventory::new();
    let said = inventory.sweep(&options).json_lines();
    let declined = |line: &&Value| line["declined_names"][0] == "lost.sweep.test";
    assert_eq!(said.iter().filter(declined).count(), 1, "{said:?}");

    let store = ["--trust-store", authority.root().to_str().unwrap()];
    let rows = rows(&inventory.run("report", &store).exits(0));
    let of = |sni: &str| rows.iter().find(|row| row["sni"] == sni).unwrap();
    let lost = "not for lost.sweep.test, which the server does not know, but for known.sweep.test";
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(findings(of("")).contains(&"name-mismatch"), "{rows:?}");
    assert!(
        of("")["details"].contains(&format!("name-mismatch: {lost}")),
        "{rows:?}"
    );
    assert!(
        !findings(of("known.sweep.test")).contains(&"name-mismatch"),
        "{rows:?}"
    );
    let page = inventory
        .run("show", &[server.address.to_string()])
        .exits(0);
    assert!(
        page.stdout
            .contains("\nDeclined:         lost.sweep.test\n"),
        "{page}"
    );
    assert!(page.stdout.contains(lost), "{page}");
}

#[test]
fn an_accepted_finding_does_not_count_until_it_lapses() {
    let judged = Judged::new();
    let config = |until: &str| {
        let text = format!(
            "[[owner]]\nowner = \"lab\"\ntags = [\"test\", \"box\"]\nnames = [\"key.*\"]\n\
             [[accept]]\nfinding = \"self-signed\"\nnames = [\"key.sweep.test\"]\n\
             owner = \"lab\"\nreason = \"a box\"\nuntil = {until}\n\
             [[accept]]\nfinding = \"wildcard\"\nnames = [\"nobody.test\"]\n\
             owner = \"lab\"\nreason = \"gone\"\nuntil = 2999-01-01\n"
        );
        judged.inventory.file("policy.toml", &text)
    };
    let file = config("2999-01-01");
    let options = ["--config", file.to_str().unwrap()];
    let report = judged.report(&options);
    let row = rows(&report).into_iter();
    let row = row
        .clone()
        .find(|row| row["sha256"] == judged.self_signed.sha256);
    let row = row.unwrap();
    assert_eq!(row["accepted"], "self-signed");
    assert!(!findings(&row).contains(&"self-signed"), "{row:?}");
    assert_eq!((&*row["owner"], &*row["tags"]), ("lab", "test|box"));
    assert!(report.stderr.contains("policy.toml:11: "), "{report}");
    assert!(!report.stderr.contains("policy.toml:5: "), "{report}");
    let listed = |what| -> Vec<_> {
        let listed = rows(&judged.report(&[&options[..], &["--accepted", what]].concat()));
        listed
            .into_iter()
            .map(|row| row["sha256"].clone())
            .collect()
    };
    let accepted = [judged.self_signed.sha256.clone()];
    assert_eq!(listed("any"), accepted);
    assert_eq!(listed("self-signed"), accepted);
    assert!(listed("wildcard").is_empty());
    config("2020-01-01");
    let row = judged.row(&judged.self_signed.sha256, &options);
    assert_eq!(row["accepted"], "");
    assert!(listed("any").is_empty());
    assert!(findings(&row).contains(&"self-signed"), "{row:?}");
}

#[test]
fn an_owner_of_several_addresses_is_found_by_each_and_an_unknown_one_refused() {
    let judged = Judged::new();
    let policy = "[[owner]]\nowner = \"apps@x.test, web@x.test\"\nnames = [\"key.*\"]\n";
    let policy = judged.inventory.file("policy.toml", policy);
    let asked = |command: &str, words: &[&str]| {
        let config = ["--config", policy.to_str().unwrap()];
        judged.inventory.run(command, &[&config, words].concat())
    };
    let boxed = &judged.self_signed.sha256;
    for owner in ["web@x.test", "apps@x.test", "apps@x.test, web@x.test"] {
        let owner = ["--owner", owner];
        for command in ["report", "certs"] {
            let form: &[_] = match command {
                "report" => &["--format", "jsonl"],
                _ => &["--json"],
            };
            let lines = asked(command, &[form, &owner].concat())
                .exits(0)
                .json_lines();
            let sha256s: Vec<_> = lines.iter().map(|line| &line["sha256"]).collect();
            assert_eq!(sha256s, [boxed.as_str()], "{command} {owner:?}");
        }
        let check = asked("check", &[&["--json"], &owner[..]].concat());
        assert_eq!(check.json_lines()[0]["installations"], 1, "{check}");
        let endpoints = asked("endpoints", &[&["--json"], &owner[..]].concat());
        assert_eq!(endpoints.json_lines().len(), 1, "{endpoints}");
        let events = asked("diff", &[&["--json"], &owner[..]].concat()).exits(0);
        assert_eq!(events.json_lines().len(), 1, "{events}");
    }
    for command in ["report", "certs", "check", "endpoints", "diff"] {
        let run = asked(command, &["--owner", "web@y.test"]).exits(2);
        run.complains_of(&["web@y.test", "hint: the owners: apps@x.test, web@x.test"]);
    }
}

#[test]
fn filters_on_judgements_hold_in_reports_and_lists() {
    let judged = Judged::new();
    let policy = "[[owner]]\nowner = \"lab\"\ntags = [\"box\"]\nnames = [\"key.*\"]\n";
    let policy = judged.inventory.file("policy.toml", policy);
    let policy = policy.to_str().unwrap();
    let sha256s = |command: &str, words: &[&str]| {
        let words = [&["--config", policy], words].concat();
        let lines = judged.inventory.run(command, &words).exits(0).json_lines();
        let sha256s = lines.iter().map(|line| line["sha256"].as_str().unwrap());
        sha256s.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let boxes = BTreeSet::from([judged.self_signed.sha256.clone()]);
    let private = BTreeSet::from([judged.private.sha256.clone()]);
    for (words, expected) in [
        (["--owner", "lab"], &boxes),
        (["--tag", "box"], &boxes),
        (["--finding", "untrusted"], &private),
        (["--ca", judged.root()], &private),
    ] {
        assert_eq!(
            &sha256s("certs", &[&["--json"], &words[..]].concat()),
            expected
        );
        let report = [&["--format", "jsonl"], &words[..]].concat();
        assert_eq!(&sha256s("report", &report), expected, "{words:?}");
        let endpoints = [&["--json", "--config", policy], &words[..]].concat();
        let endpoints = judged.inventory.run("endpoints", &endpoints).exits(0);
        assert_eq!(endpoints.json_lines().len(), 1, "{words:?}");
    }
    let mut told = BTreeSet::new();
    for severity in ["critical", "error", "warning", "notice", "info", "none"] {
        let rows = judged
            .inventory
            .run("report", &["--format", "jsonl", "--severity", severity]);
        for row in rows.exits(0).json_lines() {
            assert_eq!(
                row["severity"].as_str().unwrap_or("none"),
                severity,
                "{row}"
            );
            told.insert(row["sha256"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(told, sha256s("report", &["--format", "jsonl"]));
    let unknown = judged.inventory.run("report", &["--severity", "bad"]);
    unknown.exits(2).complains_of(&["bad", "error", "none"]);
    let unknown = judged.inventory.run("report", &["--finding", "wild-card"]);
    unknown
        .exits(2)
        .complains_of(&["wild-card", "hint: the findings: expired, "]);
    let unknown = judged.inventory.run("report", &["--accepted", "all"]);
    unknown.exits(2).complains_of(&["all", "any"]);
    let coverage = judged
        .inventory
        .run("report", &["--of", "coverage", "--finding", "expired"]);
    coverage.exits(2).complains_of(&["--finding"]);
    let coverage = judged
        .inventory
        .run("report", &["--of", "coverage", "--accepted", "any"]);
    coverage.exits(2).complains_of(&["--accepted"]);
}

#[test]
fn a_root_that_nobody_sent_has_its_chains() {
    let inventory = Inventory::new();
    let authority = Authority::new();
    let identity = authority.identity("unsent.sweep.test", Key::Ecdsa);
    let options = ["-cert_chain", authority.intermediate().to_str().unwrap()];
    let server = SServer::start(&identity, &options);
    inventory.sweep(&[server.address.to_string()]);
    let root = authority.root().to_str().unwrap();
    let below = |options: &[&str]| {
        let run = inventory.run("report", options).exits(0);
        rows(&run).len()
    };
    assert_eq!(below(&["--ca", root]), 1, "its file is enough");
    assert_eq!(below(&["--ca", root, "--trust-store", root]), 1);
}

#[test]
fn pages_show_the_verdict_the_findings_and_what_to_do() {
    let judged = Judged::new();
    let sha256 = &judged.self_signed.sha256;
    let row = judged.row(sha256, &[]);
    for what in [&sha256[..12], &format!("{}:{}", row["ip"], row["port"])] {
        let shown = judged.inventory.run("show", &[what]).exits(0);
        for text in [
            "Trust:            self-signed: its own key signed it",
            "self-signed: ",
            "notice",
        ] {
            assert!(shown.stdout.contains(text), "no `{text}` in {shown}");
        }
    }
}

/// The cells of a report but for the days that are left: a second later they
/// may be one less.
fn without_days_left(report: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(report.as_bytes());
    let columns = reader.headers().unwrap();
    let days_left = columns.iter().position(|name| name == "days_left");
    let cells = |row: csv::StringRecord| {
        let told = row.iter().enumerate();
        let told = told.filter(|(column, _)| Some(*column) != days_left);
        told.map(|(_, cell)| cell.to_owned()).collect()
    };
    reader.records().map(|row| cells(row.unwrap())).collect()
}

#[test]
fn a_judgement_is_the_same_without_what_was_kept_from_the_last() {
    let judged = Judged::new();
    let db = judged.inventory.path();
    let query = "select count(*), (select count(*) from chains) from links";
    let [kept, chains] = &sql(&db, query)[0][..] else {
        panic!("two counts");
    };
    assert_eq!((kept, chains), (&Value::from(3), &Value::from(3)));
    let own_store = ["--trust-store", judged.root()];
    let options = [&[][..], &own_store];
    let told = |options: &[&str]| without_days_left(&judged.report(options).stdout);
    let by_kept = options.map(told);
    assert_ne!(by_kept[0], by_kept[1], "another store, another verdict");
    empty(&db, "links");
    let anew = options.map(told);
    assert_eq!(by_kept, anew);
}

#[test]
fn a_scan_ends_with_counts_by_the_worst_finding() {
    let inventory = Inventory::new();
    let own = SelfSigned::new("-algorithm ED25519");
    let server = SServer::showing(&own.certificate, &own.key, &["-tls1_2"]);
    let words = [server.address.to_string(), "--json".to_owned()];
    let lines = inventory.sweep(&words).json_lines();
    let counts = lines.last().unwrap()["installations_by_severity"]
        .as_object()
        .unwrap();
    let total: u64 = counts.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(total, 1, "{counts:?}");
    let text = inventory.sweep(&[server.address.to_string()]).stdout;
    for told in [
        "installations by their worst finding: 1 ",
        "1 endpoint was asked without a server name only",
    ] {
        assert!(text.contains(told), "{text}");
    }
}
