//! What monitoring gets: never green without something looked at.

use std::os::unix::fs::PermissionsExt;

use crate::program::Inventory;
use crate::servers::{Authority, Key, own_loopback};

fn imported() -> Inventory {
    let authority = Authority::new();
    let identity = authority.identity("check.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    inventory
}

#[test]
fn a_missing_or_empty_inventory_is_never_green() {
    let inventory = Inventory::new();
    for round in ["missing", "empty"] {
        for form in ["text", "json", "prometheus"] {
            let run = inventory.run("check", &["--format", form]);
            assert_eq!(run.code, Some(1), "{round}, {form}: {run}");
        }
        let run = inventory.run("check", &["--format", "nagios"]).exits(3);
        assert!(
            run.stdout.starts_with("CERTSWEEP UNKNOWN - "),
            "{round}: {run}"
        );
        // Where nothing listens: a scan that finds nothing.
        inventory.sweep(&[format!("{}:7", own_loopback())]);
    }
}

#[test]
fn a_filter_that_lets_nothing_through_is_not_green_either() {
    let inventory = imported();
    inventory.run("check", &["--port", "443"]).exits(1);
    let run = inventory
        .run("check", &["--format", "nagios", "--zone", "elsewhere"])
        .exits(3);
    assert!(run.stdout.contains("no installation"), "{run}");
}

#[test]
fn a_scan_that_is_not_there_is_wrong_usage() {
    let inventory = imported();
    let run = inventory.run("check", &["--new-since", "7"]).exits(2);
    run.complains_of(&["no scan 7", "certsweep scans"]);
    let run = inventory.run("check", &["--fail-on", "fatal"]).exits(2);
    run.complains_of(&["fatal", "critical"]);
}

#[test]
fn metrics_are_written_for_every_certificate_and_replace_the_file() {
    let inventory = imported();
    let path = inventory.file("certsweep.prom", "old");
    let words = ["--format", "prometheus", "-o", path.to_str().unwrap()];
    inventory.run("check", &words);
    let page = std::fs::read_to_string(&path).unwrap();
    let series = "certsweep_certificate_not_after_timestamp_seconds{";
    assert_eq!(page.matches(series).count(), 2, "{page}");
    assert!(page.contains("subject_cn=\"check.sweep.test\""), "{page}");
    // 2037-01-01T00:00:00Z
    assert!(page.contains("} 2114380800\n"), "{page}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_document_is_one_line_of_json() {
    let inventory = imported();
    let run = inventory.run("check", &["--json"]);
    let [document] = <[_; 1]>::try_from(run.json_lines()).unwrap();
    assert_eq!(document["type"], "check");
    assert_eq!(document["installations"], 2);
    let again = inventory.run("check", &["--format", "json"]).json_lines();
    assert_eq!(again[0]["installations"], 2);
}
