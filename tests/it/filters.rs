//! Every filter lets the same through in every report and list, and exactly
//! what its words say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::owners::ending_in;
use crate::program::Inventory;
use crate::servers::{Authority, Key, SServer, SelfSigned};

/// A certificate, and where it is; of an import nowhere.
type Installed = (String, Option<(String, u64)>);

/// Three servers, two of an authority and one of nobody's, one of them with a
/// certificate that is over; and an import that is about to be.
struct Filtered {
    inventory: Inventory,
    authority: Authority,
    config: String,
    rows: Vec<Value>,
}

impl Filtered {
    fn new() -> Self {
        let inventory = Inventory::new();
        let authority = Authority::new();
        let good = authority.identity("good.sweep.test", Key::Ecdsa);
        let over = authority.expired("over.sweep.test", Key::Rsa);
        let own = SelfSigned::new("-algorithm ED25519");
        let sent = ["-cert_chain", authority.intermediate().to_str().unwrap()];
        let servers = [
            SServer::start(&good, &sent),
            SServer::start(&over, &["-tls1_2"]),
            SServer::showing(&own.certificate, &own.key, &["-tls1_2"]),
        ];
        inventory.sweep(&servers.each_ref().map(|server| server.address.to_string()));
        let soon = ending_in(&inventory, 10);
        inventory.run("import", &[soon]).exits(0);
        let policy = "[[owner]]\nnames = [\"over.*\"]\nowner = \"lab\"\ntags = [\"attic\"]\n";
        let config = inventory.file("c.toml", policy);
        let mut filtered = Self {
            inventory,
            authority,
            config: config.to_str().unwrap().to_owned(),
            rows: Vec::new(),
        };
        filtered.rows = filtered.asked("report", &["--format", "jsonl"], &[]);
        filtered
    }

    fn asked(&self, command: &str, form: &[&str], filter: &[&str]) -> Vec<Value> {
        let words = [form, &["--config", &self.config], filter].concat();
        let run = self.inventory.run(command, &words);
        assert!(matches!(run.code, Some(0 | 1 | 4)), "{run}");
        run.json_lines()
    }

    /// A value of the row of this host, which a filter can name.
    fn value(&self, name: &str, column: &str) -> String {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row["subject_cn"] == name).unwrap();
        let value = &row[column];
        value.as_str().map_or(value.to_string(), str::to_owned)
    }

    /// What passes a filter, by each report and list, has to be what `is_meant`
    /// says of the rows without it.
    #[track_caller]
    fn lets_through(&self, filter: &[&str], is_meant: impl Fn(&Value) -> bool) {
        let meant = self.rows.iter().filter(|row| is_meant(row));
        let meant: BTreeSet<_> = meant.map(installed).collect();
        assert!(!meant.is_empty(), "{filter:?} proves nothing");
        let certificates: BTreeSet<_> = meant.iter().map(|(sha256, _)| sha256).collect();
        let on_network = meant.iter().filter(|(_, place)| place.is_some());
        let on_network: BTreeSet<_> = on_network.cloned().collect();
        let places: BTreeSet<_> = on_network.iter().filter_map(|it| it.1.clone()).collect();

        let report = self.asked("report", &["--format", "jsonl"], filter);
        let report: BTreeSet<_> = report.iter().map(installed).collect();
        assert_eq!(report, meant, "report {filter:?}");
        let diff = self.asked("diff", &["--json"], filter);
        let diff: BTreeSet<_> = diff.iter().map(installed).collect();
        assert_eq!(diff, on_network, "diff {filter:?}");
        let certs = self.asked("certs", &["--json"], filter);
        let certs: BTreeSet<_> = certs.iter().map(|row| text(&row["sha256"])).collect();
        assert_eq!(certs.iter().collect::<BTreeSet<_>>(), certificates);
        for (command, form) in [
            ("endpoints", &["--json"][..]),
            ("report", &["--of", "endpoints", "--format", "jsonl"]),
        ] {
            let endpoints = self.asked(command, form, filter);
            let endpoints: BTreeSet<_> = endpoints.iter().filter_map(place).collect();
            assert_eq!(endpoints, places, "{command} {filter:?}");
        }
        let check = self.asked("check", &["--json"], filter);
        assert_eq!(check[0]["installations"], meant.len(), "check {filter:?}");
        let words = [&["--format", "pem", "--config", &self.config], filter].concat();
        let written = self.inventory.run("report", &words).exits(0).stdout;
        let blocks = written.matches("BEGIN CERTIFICATE").count();
        assert_eq!(blocks, certificates.len(), "pem {filter:?}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn place(row: &Value) -> Option<(String, u64)> {
    Some((row["ip"].as_str()?.to_owned(), row["port"].as_u64()?))
}

fn installed(row: &Value) -> Installed {
    (text(&row["sha256"]), place(row))
}

fn has(row: &Value, column: &str, item: &str) -> bool {
    row[column].as_array().unwrap().iter().any(|it| it == item)
}

#[test]
fn every_filter_lets_the_same_through_everywhere() {
    let filtered = Filtered::new();
    let of_over = |column: &str| filtered.value("over.sweep.test", column);
    let is_over = |row: &Value| row["subject_cn"] == "over.sweep.test";
    let is_good = |row: &Value| row["subject_cn"] == "good.sweep.test";
    let is_seen = |row: &Value| row["source"] == "scan";
    let days = |row: &Value| row["days_left"].as_i64().unwrap();
    let root = filtered.authority.root().to_str().unwrap();

    filtered.lets_through(&[], |_| true);
    filtered.lets_through(&["--expired"], |row| days(row) < 0);
    filtered.lets_through(&["--expiring", "30d"], |row| (0..30).contains(&days(row)));
    filtered.lets_through(&["--finding", "self-signed"], |row| {
        has(row, "findings", "self-signed")
    });
    filtered.lets_through(&["--issuer", "SWEEP TEST"], |row| {
        let issuer = text(&row["issuer_dn"]).to_lowercase();
        issuer.contains("sweep test")
    });
    filtered.lets_through(&["--name", "OVER.*"], is_over);
    filtered.lets_through(&["--network", &of_over("ip")], |row| {
        row["ip"] == *of_over("ip")
    });
    filtered.lets_through(&["--port", &of_over("port")], is_over);
    filtered.lets_through(&["--zone", "default"], is_seen);
    filtered.lets_through(&["--serial", &of_over("serial")], is_over);
    filtered.lets_through(&["--scan", "1"], |row| row["scan_id"] == 1);
    filtered.lets_through(&["--state", "current"], |row| row["state"] == "current");
    for hash in ["sha1", "sha256"] {
        filtered.lets_through(&["--cert", &of_over(hash)], is_over);
    }
    filtered.lets_through(&["--key", &of_over("spki_sha256")], is_over);
    let over = ["--format", "pem", "--name", "over.*"];
    let over = filtered.inventory.run("report", &over).exits(0).stdout;
    let file = std::fs::read_to_string(root).unwrap() + &over;
    let file = filtered.inventory.file("root-first.pem", &file);
    for flag in ["--cert", "--key"] {
        filtered.lets_through(&[flag, file.to_str().unwrap()], is_over);
    }
    filtered.lets_through(&["--ca", root], |row| is_over(row) || is_good(row));
    filtered.lets_through(&["--owner", "lab"], is_over);
    filtered.lets_through(&["--tag", "attic"], is_over);
}

#[test]
fn different_filters_all_hold_and_the_same_one_means_either() {
    let filtered = Filtered::new();
    let of = |name: &str, column: &str| filtered.value(name, column);
    let [good, over] = ["good.sweep.test", "over.sweep.test"];
    let days = |row: &Value| row["days_left"].as_i64().unwrap();
    let ports = [of(good, "port"), of(over, "port")];
    filtered.lets_through(&["--port", &ports[0], "--port", &ports[1]], |row| {
        row["subject_cn"] == good || row["subject_cn"] == over
    });
    filtered.lets_through(&["--expired", "--expiring", "30d"], |row| days(row) < 30);
    filtered.lets_through(&["--zone", "default", "--expired"], |row| {
        row["zone"] == "default" && days(row) < 0
    });
    filtered.lets_through(
        &["--finding", "expired", "--finding", "self-signed"],
        |row| has(row, "findings", "expired") || has(row, "findings", "self-signed"),
    );
    filtered.lets_through(&["--finding", "expired", "--tag", "attic"], |row| {
        has(row, "findings", "expired") && has(row, "tags", "attic")
    });
}
