//! The view of all that was found agrees with the report of the same policy.

use std::collections::{BTreeMap, BTreeSet};

use certsweep::domain::{Severity, Timestamp};
use serde_json::Value;

use crate::judgements::sql;
use crate::owners::ending_in;
use crate::program::Inventory;
use crate::servers::{Authority, Key, SServer, SelfSigned, own_loopback};

/// What tells an installation from all others, in the report and in the view.
const PLACE: [&str; 7] = ["zone", "host", "ip", "port", "sni", "starttls", "sha256"];

/// What both say of it.
const VERDICT: [&str; 5] = ["trust", "trust_reason", "owner", "tags", "state"];

/// What the view says of a finding.
const FINDING: [&str; 8] = [
    "finding",
    "severity",
    "detail",
    "accepted",
    "accepted_by",
    "accepted_reason",
    "accepted_until",
    "judged_at",
];

const OWNERS: &str = "[[owner]]\nowner = \"lab\"\ntags = [\"test\", \"box\"]\nnames = [\"key.*\"]\n\
    [[owner]]\nowner = \"past\"\nnames = [\"over.*\"]\n";

const ACCEPTED: &str = "[[accept]]\nfinding = \"self-signed\"\nnames = [\"key.*\"]\n\
    owner = \"lab\"\nreason = \"a box\"\nuntil = 2999-01-01\n";

/// Rows by their places.
type ByPlace = BTreeMap<String, Vec<BTreeMap<&'static str, Value>>>;

/// Certificates that are over, about to be, of nobody and of an authority that
/// nobody knows; one of them is missing, and one is imported.
fn inventory() -> Inventory {
    let inventory = Inventory::new();
    let authority = Authority::new();
    let own = SelfSigned::new("-algorithm ED25519");
    let over = authority.expired("over.sweep.test", Key::Rsa);
    let missing = authority.identity("missing.sweep.test", Key::Ecdsa);
    let missing = SServer::start(&missing, &["-tls1_2"]);
    let stay = [
        SServer::showing(&own.certificate, &own.key, &["-tls1_2"]),
        SServer::start(&over, &["-tls1_2"]),
    ];
    let addresses = stay.iter().chain([&missing]);
    let targets: Vec<_> = addresses.map(|it| it.address.to_string()).collect();
    inventory.sweep(&targets);
    drop(missing);
    inventory.sweep(&targets);
    inventory
        .run("import", &[ending_in(&inventory, 5)])
        .exits(0);
    inventory
}

/// Where an installation is, and which one. An import is nowhere: its host is
/// null in the view, and empty in the report.
fn place(row: impl Fn(&str) -> Value) -> String {
    let value = |column| match row(column) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    PLACE.map(value).join(" ")
}

/// The rows of the view.
fn viewed(inventory: &Inventory) -> ByPlace {
    let columns = [&PLACE[..], &VERDICT, &FINDING].concat();
    let query = format!("select {} from v_findings", columns.join(", "));
    let mut viewed = ByPlace::new();
    for row in sql(&inventory.path(), &query) {
        let row: BTreeMap<_, _> = columns.iter().copied().zip(row).collect();
        let place = place(|column| row[column].clone());
        viewed.entry(place).or_default().push(row);
    }
    viewed
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn time(value: &Value) -> i64 {
    text(value).parse::<Timestamp>().unwrap().seconds()
}

/// What of the view's rows of a place was accepted, or was not: the rules, and
/// all that was found.
fn found(rows: &[BTreeMap<&str, Value>], accepted: u8) -> (BTreeSet<String>, Vec<String>) {
    let rows = rows.iter().filter(|row| row["accepted"] == accepted);
    let rules = rows.clone().map(|row| text(&row["finding"]));
    let details = rows.map(|row| format!("{}: {}", text(&row["finding"]), text(&row["detail"])));
    let mut details: Vec<_> = details.collect();
    details.sort_unstable();
    (rules.collect(), details)
}

/// Every installation of the report has the rows in the view that it speaks
/// of, and there are no others. How many of them are accepted.
#[track_caller]
fn agree(inventory: &Inventory, config: &str) -> usize {
    let mut viewed = viewed(inventory);
    let words = ["--format", "jsonl", "--config", config];
    let reported = inventory.run("report", &words).exits(0).json_lines();
    assert_eq!(reported.len(), 4);
    let scan = inventory.scans().pop().unwrap();
    let mut accepted = 0;
    for row in reported {
        let rows = viewed.remove(&place(|column| row[column].clone()));
        let rows = rows.unwrap_or_default();
        let (rules, details) = found(&rows, 0);
        let mut expected = texts(&row["details"]);
        expected.sort_unstable();
        assert_eq!(details, expected, "{row:#}");
        assert_eq!(rules, texts(&row["findings"]).into_iter().collect());
        let (rules, _) = found(&rows, 1);
        assert_eq!(rules, texts(&row["accepted"]).into_iter().collect());
        accepted += rules.len();
        let counted = rows.iter().filter(|row| row["accepted"] == 0);
        let severities = counted.map(|row| text(&row["severity"]).parse::<Severity>().unwrap());
        let worst = severities.max().map(|severity| severity.to_string());
        assert_eq!(worst.as_deref(), row["severity"].as_str(), "{row:#}");
        for viewed in rows {
            for column in VERDICT {
                let value = match column {
                    "tags" => serde_json::from_str(&text(&viewed[column])).unwrap(),
                    _ => viewed[column].clone(),
                };
                assert_eq!(value, row[column], "{column} of {row:#}");
            }
            let judged = time(&viewed["judged_at"]);
            let when = time(&scan["started_at"])..=time(&row["now"]);
            assert!(when.contains(&judged), "{judged} in {when:?}");
            let by = ["accepted_by", "accepted_reason", "accepted_until"].map(|it| &viewed[it]);
            let nobody = [&Value::Null; 3];
            assert_eq!(by == nobody, viewed["accepted"] == 0, "{by:?}");
        }
    }
    assert_eq!(viewed, ByPlace::new(), "in the view alone");
    accepted
}

#[test]
fn the_view_of_findings_says_what_the_report_of_the_last_judgement_says() {
    let inventory = inventory();
    // Any scan that goes through judges the whole inventory.
    let judge = |policy: &str| {
        let config = inventory.file("c.toml", policy);
        let config = config.to_str().unwrap().to_owned();
        inventory.sweep(&[&format!("{}:7", own_loopback()), "--config", &config]);
        agree(&inventory, &config)
    };
    assert_eq!(judge(&format!("{OWNERS}{ACCEPTED}")), 1);
    let words = "select accepted_by, accepted_reason, accepted_until, owner, tags \
        from v_findings where accepted";
    let accepted = sql(&inventory.path(), words);
    // It holds until that day is over.
    let tags = "[\"test\",\"box\"]";
    let expected = ["lab", "a box", "2999-01-02T00:00:00Z", "lab", tags].map(Value::from);
    assert_eq!(accepted, [expected]);
    assert_eq!(judge(OWNERS), 0);
    assert_eq!(judge(""), 0);
}
