//! Certificates with hostile names, imported and told in every form: nothing
//! of theirs gets out of its place.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use crate::cbom::faults;
use crate::hostile_texts::hostile;
use crate::owners::{names, parsed};
use crate::program::{Inventory, Run};
use crate::servers::sha256_of;

/// An inventory of expired certificates with these names, and their SHA-256s
/// in that order.
fn imported(texts: &[String]) -> (Inventory, Vec<String>) {
    let inventory = Inventory::new();
    let key = KeyPair::generate().unwrap();
    let mut stream = String::new();
    let mut hashes = Vec::new();
    for text in texts {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, text.as_str());
        params
            .distinguished_name
            .push(DnType::OrganizationName, text.as_str());
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        stream += &certificate.pem();
        hashes.push(sha256_of(certificate.der()));
    }
    let file = inventory.file("hostile.pem", &stream);
    let label = "=1\r\n\x1b[2J";
    inventory
        .run("import", &[file.to_str().unwrap(), "--label", label])
        .exits(0);
    (inventory, hashes)
}

/// Nothing but LF steers a terminal.
#[track_caller]
fn is_inert(run: &Run) {
    let steers = |c: char| {
        c != '\n'
            && (c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    let found = run
        .stdout
        .chars()
        .chain(run.stderr.chars())
        .find(|c| steers(*c));
    assert_eq!(found, None, "in {} bytes", run.stdout.len());
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn hostile_names_stay_in_their_cells_and_fields() {
    let texts = hostile();
    let (inventory, hashes) = imported(&texts);
    let excel = inventory.run("report", &["--excel"]).exits(0).stdout;
    assert!(excel.starts_with('\u{feff}'));
    let longest = csv::Reader::from_reader(excel.trim_start_matches('\u{feff}').as_bytes())
        .into_records()
        .flat_map(|row| {
            row.unwrap()
                .iter()
                .map(|cell| cell.encode_utf16().count())
                .collect::<Vec<_>>()
        })
        .max();
    assert!(
        longest.is_some_and(|units| (32_000..32_767).contains(&units)),
        "{longest:?}"
    );

    let rows = inventory.installations();
    assert_eq!(rows.len(), texts.len());
    for row in &rows {
        for (column, cell) in row {
            let begins = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            let is_number = cell.parse::<i64>().is_ok();
            assert!(
                is_number || !begins.starts_with(['=', '+', '-', '@']),
                "{column} begins a formula: {begins:.40}"
            );
        }
        assert_eq!(
            (row["trust"].as_str(), row["severity"].as_str()),
            ("self-signed", "critical")
        );
    }
    let run = inventory.run("report", &["--format", "jsonl"]).exits(0);
    is_inert(&run);
    let told: BTreeSet<_> = run
        .json_lines()
        .iter()
        .map(|row| (text(&row["sha256"]), text(&row["subject_cn"])))
        .collect();
    let meant = hashes.iter().zip(&texts);
    let meant = meant.map(|(hash, text)| (hash.clone(), text.clone()));
    assert_eq!(told, meant.collect());
}

#[test]
fn no_name_steers_the_terminal_of_a_list_or_a_page() {
    let (inventory, hashes) = imported(&hostile());
    is_inert(&inventory.run("certs", &[] as &[&str]).exits(0));
    is_inert(&inventory.run("certs", &["--json"]).exits(0));
    for hash in &hashes {
        let page = inventory.run("show", &[hash]).exits(0);
        is_inert(&page);
        assert!(page.stdout.contains(hash.as_str()), "{page}");
    }
}

#[test]
fn no_word_of_a_command_line_steers_the_terminal() {
    let (inventory, _) = imported(&["plain".to_owned()]);
    let word = "\x1b[2J\u{9b}31m\u{202e}\x07x";
    let path = format!("/nonexist/{word}/x");
    let lines: [(&str, &[&str]); 10] = [
        ("report", &[word]),
        ("report", &["--cert", word]),
        ("report", &["--ca", word]),
        ("report", &["-o", &path]),
        ("report", &["--format", "pem", "-o", &path]),
        ("report", &["--config", &path]),
        ("check", &["--trust-store", &path]),
        ("import", &[&path]),
        ("certs", &["--finding", word]),
        ("show", &[word]),
    ];
    for (command, words) in lines {
        let run = inventory.run(command, words);
        assert!(
            run.code != Some(0) && run.stderr.contains("error: "),
            "{run}"
        );
        is_inert(&run);
    }
    let run = inventory.run("report", &["-o", &path]).exits(2);
    let shown = r"error: /nonexist/\u{1b}[2J\u{9b}31m\u{202e}\u{7}x/x: No such";
    assert!(run.stderr.starts_with(shown), "{run}");
    run.complains_of(&["\nhint: create the directory first\n"]);
}

#[test]
fn files_of_certificates_have_no_name_but_their_hash() {
    let texts = hostile();
    let (inventory, hashes) = imported(&texts);
    let folder = inventory.path().with_extension("out");
    for form in ["pem", "der"] {
        let words = ["--format", form, "-o", folder.to_str().unwrap()];
        inventory.run("report", &words).exits(0);
    }
    let written: BTreeSet<_> = names(&folder).into_iter().collect();
    let file = |form: &'static str| hashes.iter().map(move |hash| format!("{hash}.{form}"));
    assert_eq!(written, file("pem").chain(file("der")).collect());
    for hash in &hashes {
        let der = fs::read(folder.join(format!("{hash}.der"))).unwrap();
        assert_eq!(sha256_of(&der), *hash);
    }
    let run = inventory.run("report", &["--format", "pem"]).exits(0);
    is_inert(&run);
    let plain = |c: char| c.is_ascii_alphanumeric() || "+/=- \n".contains(c);
    assert!(run.stdout.chars().all(plain));
    assert_eq!(run.stdout.matches("BEGIN").count(), texts.len());
}

#[test]
fn a_bill_with_hostile_names_is_what_the_schema_wants() {
    let texts = hostile();
    let (inventory, hashes) = imported(&texts);
    let run = inventory.run("report", &["--format", "cbom"]).exits(0);
    is_inert(&run);
    assert_eq!(faults(&inventory, &run.stdout), "");
    let bill: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let components = bill["components"].as_array().unwrap();
    for (hash, text) in hashes.iter().zip(&texts) {
        let reference = format!("certificate/{hash}");
        let found = components.iter().find(|one| one["bom-ref"] == reference);
        assert_eq!(found.unwrap()["name"], text.as_str());
    }
    let stated = bill["metadata"]["properties"].as_array().unwrap();
    let is_store = |one: &&serde_json::Value| one["name"] == "certsweep:trust-store";
    assert!(stated.iter().filter(is_store).count() > 0, "{stated:?}");
}

/// One owner of everything, by a name in the configuration.
fn owned_by(inventory: &Inventory, owner: &str) -> String {
    let owner = serde_json::Value::from(owner);
    let config = format!("[[owner]]\nowner = {owner}\n");
    let file = inventory.file("owners.toml", &config);
    file.to_str().unwrap().to_owned()
}

#[test]
fn no_name_gets_into_the_headers_of_a_message() {
    let texts = hostile();
    let (inventory, _) = imported(&texts);
    let mut owners: Vec<_> = texts.iter().filter(|text| text.len() < 100).collect();
    let addressed = "Web\r\nBcc: all@example.com\r\n\r\n <web@example.com>".to_owned();
    owners.push(&addressed);
    for (number, owner) in owners.iter().enumerate() {
        let config = owned_by(&inventory, owner);
        let folder = inventory.path().with_extension(format!("mail{number}"));
        let words = [
            "--format",
            "eml",
            "--config",
            &config,
            "-o",
            folder.to_str().unwrap(),
        ];
        inventory.run("report", &words).exits(0);
        let [name] = <[_; 1]>::try_from(names(&folder)).unwrap();
        let message = parsed(&folder.join(&name));
        let keys: Vec<_> = message[0]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap())
            .collect();
        let expected = [
            "From",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        let to = message[4].as_str().unwrap_or_default();
        assert_eq!(to.ends_with("<web@example.com>"), **owner == addressed);
        let keys: Vec<_> = keys.into_iter().filter(|key| *key != "To").collect();
        assert_eq!(keys, expected, "{owner:?}");
        let rows = csv::Reader::from_reader(message[2].as_str().unwrap().as_bytes())
            .into_records()
            .count();
        assert_eq!(rows, texts.len(), "{owner:?}");
        let lines = message[1].as_str().unwrap();
        assert!(
            lines.contains("judged by certsweep") && lines.contains("trust store"),
            "{lines}"
        );
    }
    let parent: Vec<_> = names(inventory.path().parent().unwrap());
    assert!(
        parent.iter().all(|name| !name.contains("passwd")),
        "{parent:?}"
    );
    assert!(!Path::new("/tmp/etc/passwd").exists());
}

#[test]
fn no_name_leaves_its_line_in_any_form_of_a_check() {
    let (inventory, _) = imported(&hostile());
    for (form, status) in [("text", 4), ("json", 4), ("prometheus", 4), ("nagios", 2)] {
        let run = inventory.run("check", &["--format", form]).exits(status);
        is_inert(&run);
        match form {
            "json" => assert_eq!(run.json_lines()[0]["state"], "failed"),
            "nagios" => assert_eq!(run.stdout.matches('|').count(), 1),
            "prometheus" => {
                let samples = run.stdout.lines().filter(|line| !line.starts_with('#'));
                for sample in samples {
                    let (_, value) = sample.rsplit_once(' ').unwrap();
                    assert!(value.parse::<i64>().is_ok(), "{sample:.200}");
                }
                let state = "\ncertsweep_check_state{state=\"ok\"} ";
                assert_eq!(run.stdout.matches(state).count(), 1);
            }
            _ => assert!(run.stdout.lines().all(|line| line.len() < 4000)),
        }
    }
}
