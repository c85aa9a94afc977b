//! Every form of a report and of a check holds what a filter lets through:
//! those certificates, those rows, no others.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::owners::{ending_in, names, parsed};
use crate::program::{Inventory, Row};
use crate::servers::{
    Authority, Dns, Identity, Key, SServer, SelfSigned, own_loopback, second_loopback, sha256_of,
};

/// Where a certificate is, and the beginning of its hash, as the page has
/// them: `plant 127.0.0.1:443 0123456789abcdef`, `import 0123456789abcdef`.
type Installed = String;

/// An inventory with something for each filter to let through and to keep
/// out: what is current, missing and gone, in two zones, over, about to be and
/// neither, of an authority and of nobody, owned and not, and imports.
struct Narrowed {
    inventory: Inventory,
    authority: Authority,
    over: Identity,
    config: String,
    /// All rows, the gone ones too, as JSON lines tell them.
    rows: Vec<Value>,
}

/// What every form has to hold.
struct Meant {
    rows: BTreeSet<Installed>,
    /// Those that a check counts: what is gone is nothing to worry about.
    counted: BTreeSet<Installed>,
    certificates: BTreeSet<String>,
    endpoints: BTreeSet<Installed>,
}

impl Narrowed {
    fn new() -> Self {
        let inventory = Inventory::new();
        let authority = Authority::new();
        let good = authority.identity("good.sweep.test", Key::Ecdsa);
        let over = authority.expired("over.sweep.test", Key::Rsa);
        let own = SelfSigned::new("-algorithm ED25519");
        let [gone, next] =
            ["gone.sweep.test", "next.sweep.test"].map(|name| authority.identity(name, Key::Ecdsa));
        let missing = SelfSigned::of_subject("-algorithm ED25519", "/CN=missing.sweep.test");
        let sent = ["-cert_chain", authority.intermediate().to_str().unwrap()];
        let alone = |it: &SelfSigned| SServer::showing(&it.certificate, &it.key, &["-tls1_2"]);
        let stay = [
            SServer::start(&good, &sent),
            SServer::start(&over, &["-tls1_2"]),
        ];
        let gone = SServer::start::<&str>(&gone, &[]);
        let (twice, missing) = (alone(&own), alone(&missing));
        let addresses = stay.iter().chain([&twice, &gone, &missing]);
        let targets: Vec<_> = addresses.map(|it| it.address.to_string()).collect();
        inventory.sweep(&targets);
        // What another certificate has taken the place of is gone at once.
        let _next = SServer::instead_of(gone, &next);
        inventory.sweep(&targets);
        drop(missing);
        inventory.sweep(&targets);
        inventory.sweep(&[&twice.address.to_string(), "--zone", "plant"]);
        inventory
            .run("import", &[ending_in(&inventory, 10)])
            .exits(0);
        let policy = "[scan]\nno_system_roots = true\n\
            [[owner]]\nnames = [\"over.*\"]\nowner = \"lab\"\ntags = [\"attic\"]\n";
        let config = inventory.file("c.toml", policy);
        let mut narrowed = Self {
            inventory,
            authority,
            over,
            config: config.to_str().unwrap().to_owned(),
            rows: Vec::new(),
        };
        let all = ["--format", "jsonl", "--state", "all"];
        let all = [&all[..], &["--config", &narrowed.config]].concat();
        narrowed.rows = narrowed.inventory.run("report", &all).exits(0).json_lines();
        narrowed
    }

    /// A value of the row of this name, which a filter can name.
    fn value(&self, name: &str, column: &str) -> String {
        let row = self.rows.iter().find(|row| row["subject_cn"] == name);
        shown(&row.unwrap()[column])
    }

    /// Every form of this filter has to hold the rows that `is_meant` picks:
    /// some, and not all. Without a filter on states nothing gone is meant.
    #[track_caller]
    fn holds(&self, filter: &[&str], is_meant: impl Fn(&Value) -> bool) {
        let takes_state = |row: &Value| filter.contains(&"--state") || row["state"] != "gone";
        let meant = self
            .rows
            .iter()
            .filter(|row| takes_state(row) && is_meant(row));
        let meant: Vec<_> = meant.collect();
        assert!(
            !meant.is_empty() && meant.len() < self.rows.len(),
            "{filter:?} proves nothing"
        );
        let on_network = meant.iter().filter(|row| row["ip"].is_string());
        let place = |row: &&Value| format!("{} {}:{}", row["zone"], row["ip"], row["port"]);
        let counted = meant.iter().filter(|row| row["state"] != "gone");
        let meant = Meant {
            rows: meant.iter().map(|row| installed_at(row)).collect(),
            counted: counted.map(|row| installed_at(row)).collect(),
            certificates: meant.iter().map(|row| shown(&row["sha256"])).collect(),
            endpoints: on_network.map(place).collect(),
        };
        assert_eq!(self.table(filter), meant.rows, "csv {filter:?}");
        assert_eq!(self.page(filter), meant.rows, "html {filter:?}");
        assert_eq!(self.messages(filter), meant.rows, "eml {filter:?}");
        assert_eq!(self.metrics(filter), meant.counted, "prometheus {filter:?}");
        assert_eq!(self.bill(filter), meant.certificates, "cbom {filter:?}");
        assert_eq!(self.files(filter), meant.certificates, "der {filter:?}");
        let counts = [meant.counted.len(), meant.endpoints.len()];
        assert_eq!(self.plugin(filter), counts, "nagios {filter:?}");
    }

    /// What a command writes to stdout.
    fn asked(&self, command: &str, form: &str, filter: &[&str]) -> String {
        let words = [&["--format", form, "--config", &self.config], filter].concat();
        let run = self.inventory.run(command, &words);
        let codes: &[_] = match command {
            "check" => &[Some(0), Some(1), Some(2), Some(4)],
            _ => &[Some(0)],
        };
        assert!(codes.contains(&run.code), "{run}");
        run.stdout
    }

    /// The folder that a report writes.
    fn written(&self, form: &str, filter: &[&str]) -> TempDir {
        let folder = TempDir::new().unwrap();
        let words = ["-o", folder.path().to_str().unwrap()];
        self.asked("report", form, &[filter, &words].concat());
        folder
    }

    fn table(&self, filter: &[&str]) -> BTreeSet<Installed> {
        distinct(rows_of(&self.asked("report", "csv", filter)))
    }

    fn page(&self, filter: &[&str]) -> BTreeSet<Installed> {
        let page = self.asked("report", "html", filter);
        let (_, rows) = page.split_once("id=\"rows\">").unwrap();
        let (rows, _) = rows.split_once("</script>").unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_str(rows).unwrap();
        // Of its columns the address and the hash.
        let rows = rows.iter();
        distinct(rows.map(|row| format!("{} {}", shown(&row[3]), shown(&row[12]))))
    }

    fn messages(&self, filter: &[&str]) -> BTreeSet<Installed> {
        let folder = self.written("eml", filter);
        let messages = names(folder.path()).into_iter();
        let tables = messages.map(|name| parsed(&folder.path().join(name))[2].clone());
        distinct(tables.flat_map(|table| rows_of(table.as_str().unwrap())))
    }

    /// The labels of every sample of an end.
    fn metrics(&self, filter: &[&str]) -> BTreeSet<Installed> {
        let page = self.asked("check", "prometheus", filter);
        let samples = page
            .lines()
            .filter_map(|line| line.strip_prefix("certsweep_certificate_not_after"));
        distinct(samples.map(|sample| {
            let label = |name: &str| {
                let (_, value) = sample.split_once(&format!("{name}=\"")).unwrap();
                value.split_once('"').unwrap().0
            };
            let [zone, ip, port, sha256] = ["zone", "ip", "port", "sha256"].map(label);
            installed(zone, ip, port, sha256)
        }))
    }

    fn bill(&self, filter: &[&str]) -> BTreeSet<String> {
        let bill = self.asked("report", "cbom", filter);
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let components = bill["components"].as_array().unwrap().iter();
        let references = components.map(|it| it["bom-ref"].as_str().unwrap());
        distinct(references.filter_map(|it| Some(it.strip_prefix("certificate/")?.to_owned())))
    }

    fn files(&self, filter: &[&str]) -> BTreeSet<String> {
        let folder = self.written("der", filter);
        let hash = |path: &Path| sha256_of(&fs::read(path).unwrap());
        distinct(
            names(folder.path())
                .iter()
                .map(|name| hash(&folder.path().join(name))),
        )
    }

    /// How many installations and endpoints a plugin counts.
    fn plugin(&self, filter: &[&str]) -> [usize; 2] {
        let line = self.asked("check", "nagios", filter);
        ["installations", "endpoints"].map(|name| {
            let (_, count) = line.split_once(&format!(" {name}=")).unwrap();
            count.split_whitespace().next().unwrap().parse().unwrap()
        })
    }
}

/// Each of them, after making sure that none came twice.
#[track_caller]
fn distinct(items: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for item in items {
        assert!(!set.contains(&item), "{item} came twice");
        set.insert(item);
    }
    set
}

fn rows_of(csv: &str) -> impl Iterator<Item = Installed> + use<> {
    let rows: Vec<Row> = csv::Reader::from_reader(csv.as_bytes())
        .deserialize()
        .map(Result::unwrap)
        .collect();
    rows.into_iter()
        .map(|row| installed(&row["zone"], &row["ip"], &row["port"], &row["sha256"]))
}

fn installed_at(row: &Value) -> Installed {
    let [zone, ip, port, sha256] =
        ["zone", "ip", "port", "sha256"].map(|column| shown(&row[column]));
    installed(&zone, &ip, &port, &sha256)
}

fn installed(zone: &str, ip: &str, port: &str, sha256: &str) -> Installed {
    let hash = &sha256[..16];
    match (zone, ip) {
        (_, "") => format!("import {hash}"),
        ("default", _) => format!("{ip}:{port} {hash}"),
        (zone, _) => format!("{zone} {ip}:{port} {hash}"),
    }
}

/// A value as a cell has it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn days(row: &Value) -> i64 {
    row["days_left"].as_i64().unwrap()
}

fn has(row: &Value, column: &str, item: &str) -> bool {
    row[column].as_array().unwrap().iter().any(|it| it == item)
}

#[test]
fn every_form_holds_what_a_filter_on_certificates_lets_through() {
    let narrowed = Narrowed::new();
    let of_over = |column: &str| narrowed.value("over.sweep.test", column);
    let is_over = |row: &Value| row["subject_cn"] == "over.sweep.test";
    let is_issued = |row: &Value| shown(&row["issuer_dn"]).contains("Sweep Test");
    let file = |path: &Path| path.to_str().unwrap().to_owned();
    narrowed.holds(&["--expired"], |row| days(row) < 0);
    narrowed.holds(&["--expiring", "30d"], |row| (0..30).contains(&days(row)));
    narrowed.holds(&["--issuer", "SWEEP TEST"], is_issued);
    narrowed.holds(&["--serial", &of_over("serial")], is_over);
    let certificate = file(&narrowed.over.certificate);
    for hash in [of_over("sha1"), of_over("sha256"), certificate.clone()] {
        narrowed.holds(&["--cert", &hash], is_over);
    }
    for key in [of_over("spki_sha256"), certificate] {
        narrowed.holds(&["--key", &key], is_over);
    }
    let issuer = narrowed.over.issuer_sha256.clone();
    for authority in [file(narrowed.authority.root()), issuer] {
        narrowed.holds(&["--ca", &authority], is_issued);
    }
}

#[test]
fn every_form_holds_what_a_filter_on_places_and_scans_lets_through() {
    let narrowed = Narrowed::new();
    let of_over = |column: &str| narrowed.value("over.sweep.test", column);
    let is_over = |row: &Value| row["subject_cn"] == "over.sweep.test";
    narrowed.holds(&[], |_| true);
    narrowed.holds(&["--name", "OVER.*"], is_over);
    narrowed.holds(&["--network", "127.0.0.0/30"], |row| row["ip"].is_string());
    narrowed.holds(&["--port", &of_over("port")], is_over);
    narrowed.holds(&["--zone", "plant"], |row| row["zone"] == "plant");
    narrowed.holds(&["--scan", "4"], |row| row["scan_id"] == 4);
    for state in ["current", "missing", "gone"] {
        narrowed.holds(&["--state", state], |row| row["state"] == state);
    }
    narrowed.holds(&["--state", "all", "--zone", "default"], |row| {
        row["zone"] == "default"
    });
}

#[test]
fn every_form_holds_what_a_filter_on_judgements_lets_through() {
    let narrowed = Narrowed::new();
    let is_over = |row: &Value| row["subject_cn"] == "over.sweep.test";
    narrowed.holds(&["--finding", "self-signed"], |row| {
        has(row, "findings", "self-signed")
    });
    narrowed.holds(&["--owner", "lab"], is_over);
    narrowed.holds(&["--tag", "attic"], is_over);
}

#[test]
fn every_form_takes_repeated_filters_as_either_and_different_ones_as_both() {
    let narrowed = Narrowed::new();
    let [good, over] = ["good.sweep.test", "over.sweep.test"];
    let ports = [good, over].map(|name| narrowed.value(name, "port"));
    narrowed.holds(&["--port", &ports[0], "--port", &ports[1]], |row| {
        row["subject_cn"] == good || row["subject_cn"] == over
    });
    narrowed.holds(&["--state", "missing", "--state", "gone"], |row| {
        row["state"] != "current"
    });
    narrowed.holds(&["--expired", "--expiring", "30d"], |row| days(row) < 30);
    narrowed.holds(
        &["--finding", "expired", "--finding", "self-signed"],
        |row| has(row, "findings", "expired") || has(row, "findings", "self-signed"),
    );
    narrowed.holds(&["--finding", "self-signed", "--zone", "plant"], |row| {
        has(row, "findings", "self-signed") && row["zone"] == "plant"
    });
    narrowed.holds(&["--issuer", "sweep test", "--owner", "lab"], |row| {
        row["owner"] == "lab"
    });
}

#[test]
fn the_coverage_takes_filters_on_places_and_refuses_all_others() {
    let inventory = Inventory::new();
    let (here, there) = (own_loopback(), second_loopback());
    let names = Dns::start(&[("name.sweep.test", here)]);
    inventory.sweep(&[
        "name.sweep.test:8",
        "--resolver",
        &names.address.to_string(),
    ]);
    inventory.sweep(&[format!("{here}:7-8")]);
    inventory.sweep(&[&format!("{there}:7"), "--zone", "plant"]);
    let covered = |filter: &[&str]| -> Vec<String> {
        let words = [&["--of", "coverage", "--format", "jsonl"], filter].concat();
        let rows = inventory.run("report", &words).exits(0).json_lines();
        let columns = ["zone", "network", "port"];
        let told = rows.iter();
        told.map(|row| columns.map(|column| shown(&row[column])).join(" "))
            .collect()
    };
    let network = |ip: IpAddr| {
        let ip = ip.to_string();
        format!("{}.0/24", ip.rsplit_once('.').unwrap().0)
    };
    let [seven, eight] = [7, 8].map(|port| format!("default {} {port}", network(here)));
    let plant = format!("plant {} 7", network(there));
    let name = "default name.sweep.test 8";
    let (seven, eight, plant) = (&*seven, &*eight, &*plant);
    let expected: [(&[&str], &[&str]); 8] = [
        (&[], &[seven, eight, plant, name]),
        (&["--port", "8"], &[eight, name]),
        (&["--zone", "plant"], &[plant]),
        (&["--scan", "2"], &[seven, eight]),
        (&["--name", "NAME.*"], &[name]),
        (&["--network", &network(there)], &[plant]),
        (&["--port", "8", "--scan", "2"], &[eight]),
        (&["--scan", "1", "--scan", "3"], &[plant, name]),
    ];
    for (filter, expected) in expected {
        let expected = expected.iter().map(ToString::to_string);
        assert_eq!(
            distinct(covered(filter).into_iter()),
            expected.collect(),
            "{filter:?}"
        );
    }
    let hash = "0".repeat(64);
    for foreign in [
        &["--expiring", "30d"][..],
        &["--expired"],
        &["--issuer", "x"],
        &["--serial", "01"],
        &["--cert", &hash],
        &["--key", &hash],
        &["--ca", &hash],
        &["--finding", "expired"],
        &["--accepted", "any"],
        &["--owner", "lab"],
        &["--tag", "attic"],
        &["--state", "all"],
    ] {
        let run = inventory.run("report", &[&["--of", "coverage"], foreign].concat());
        run.exits(2)
            .complains_of(&[foreign[0], "--network, --port"]);
    }
}
