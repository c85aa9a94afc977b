//! Certificates whose every name means harm, and a server whose greeting does,
//! through every command: no spreadsheet runs a cell, and no terminal obeys.

use std::fs;
use std::path::PathBuf;

use certsweep::domain::is_hazardous;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use tempfile::TempDir;

use crate::browser::visit;
use crate::program::{Inventory, Run};
use crate::servers::{Plain, SServer};

const GREETING: &[u8] =
    b"220 \x1b[2J\x1b]0;owned\x07\xff\x00=1+1<script>window.owned=1</script>\r\n";

/// One of each kind of `hostile_texts`: each takes a server.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "=cmd|' /C calc'!A1",
        "@SUM(1)\t-1+1",
        "-2+3",
        "</script><script>window.owned=1</script>",
        "<img src=http://127.0.0.1:9/ onerror=window.owned=1>",
        "\x1b[2J\x1b]0;owned\x07\u{9b}31m",
        "\u{202e}gnp.exe\u{2066}",
        "bank.example\0.evil",
        "two\r\nlines\u{2028}more",
        "../../etc/passwd",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("=".repeat(64 * 1024));
    texts
}

/// A self-signed certificate with this text for every name, and its key.
fn made(folder: &TempDir, nth: usize, text: &str) -> [PathBuf; 2] {
    let mut params = CertificateParams::default();
    let mut names = DistinguishedName::new();
    for kind in [
        DnType::CommonName,
        DnType::OrganizationName,
        DnType::LocalityName,
    ] {
        names.push(kind, text);
    }
    params.distinguished_name = names;
    // What IA5 can't say is not to be had there.
    let name: String = text.chars().filter(char::is_ascii).collect();
    let name = Ia5String::try_from(name).unwrap();
    params.subject_alt_names = vec![
        SanType::DnsName(name.clone()),
        SanType::Rfc822Name(name.clone()),
        SanType::URI(name),
    ];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    [("certificate", certificate), ("key", key.serialize_pem())].map(|(name, text)| {
        let path = folder.path().join(format!("{nth}.{name}.pem"));
        fs::write(&path, text).unwrap();
        path
    })
}

/// What a terminal is told: it may break lines, and nothing else.
#[track_caller]
fn steers_nothing(run: &Run) {
    for said in [&run.stdout, &run.stderr] {
        let harm = said.chars().find(|it| *it != '\n' && is_hazardous(*it));
        assert_eq!(harm, None, "of\n{run}");
    }
}

#[test]
fn no_command_hands_on_what_a_name_would_do() {
    let folder = TempDir::new().unwrap();
    let texts = texts();
    let servers: Vec<_> = (0..)
        .zip(&texts)
        .map(|(nth, text)| {
            let [certificate, key] = made(&folder, nth, text);
            SServer::showing(&certificate, &key, &["-tls1_2"])
        })
        .collect();
    let banner = Plain::greeting(1, GREETING);
    let mut words: Vec<_> = servers.iter().map(|it| it.address.to_string()).collect();
    words.push(banner.address().to_string());
    words.push("--note".to_owned());
    words.push("=1+1\x1b[2J\u{202e}\r\nnote".to_owned());
    let inventory = Inventory::new();
    steers_nothing(&inventory.sweep(&words));
    // The second time there is something to compare with.
    steers_nothing(&inventory.sweep(&words));

    for (command, words) in [
        ("certs", &[][..]),
        ("certs", &["--json"]),
        ("endpoints", &[]),
        ("endpoints", &["--json"]),
        ("scans", &[]),
        ("scans", &["--json"]),
        ("diff", &["1"]),
        ("diff", &["1", "--json"]),
        ("report", &["--format", "jsonl"]),
    ] {
        steers_nothing(&inventory.run(command, words).exits(0));
    }
    for server in &servers {
        let address = server.address.to_string();
        steers_nothing(&inventory.run("show", &[&address]).exits(0));
        steers_nothing(&Run::of(&mut probe(&address)));
    }
    let address = banner.address().to_string();
    steers_nothing(&inventory.run("show", &[&address]).exits(0));
    steers_nothing(&Run::of(&mut probe(&address)));
    for row in inventory.installations() {
        steers_nothing(&inventory.run("show", &[&row["sha256"]]).exits(0));
    }
    reads_back(&inventory, &texts);
    does_nothing_in_a_browser(&inventory, &folder);
}

fn probe(address: &str) -> std::process::Command {
    let mut program = crate::program::certsweep();
    program.args(["probe", address]);
    program
}

/// Every name is in the CSV as it was, but for control characters, which are
/// spelt out, and a quote before what would run; and no cell runs.
#[track_caller]
fn reads_back(inventory: &Inventory, texts: &[String]) {
    let rows = inventory.installations();
    assert_eq!(rows.len(), texts.len());
    for text in texts {
        let spelt = text.chars().map(|it| match it {
            '\t' | '\n' | '\r' => it.to_string(),
            it if it.is_control() => it.escape_unicode().to_string(),
            it => it.to_string(),
        });
        let spelt: String = spelt.collect();
        let is_it = |cell: &String| *cell.strip_prefix('\'').unwrap_or(cell) == spelt;
        assert!(rows.iter().any(|row| is_it(&row["subject_cn"])), "{text:?}");
    }
    for (column, cell) in rows.iter().flatten() {
        let is_number = cell.parse::<i64>().is_ok();
        let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
        assert!(!runs, "{column}: {cell:?}");
    }
}

#[track_caller]
fn does_nothing_in_a_browser(inventory: &Inventory, folder: &TempDir) {
    let path = folder.path().join("page.html");
    let words = ["--format", "html", "-o", path.to_str().unwrap()];
    steers_nothing(&inventory.run("report", &words).exits(0));
    let open = "document.querySelectorAll('details').forEach((it) => it.open = true), \
        document.querySelectorAll('img, h1:not(header h1), script[src], iframe, base').length";
    let visit = visit(&path, &[open, "typeof window.owned"]);
    assert_eq!(
        (visit.requests.len(), visit.complaints.len()),
        (0, 0),
        "{visit:?}"
    );
    assert_eq!(visit.results[0], 0);
    assert_eq!(visit.results[1], "undefined");
}
