//! What the program must not do: lose, overwrite, hide.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::program::{Inventory, Run, certsweep, outcomes};
use crate::servers::{Dns, Plain};

#[test]
fn a_report_never_takes_the_place_of_the_inventory() {
    let inventory = Inventory::new();
    let server = Plain::greeting(1, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    inventory.sweep(&[server.address().to_string()]);
    let before = fs::read(inventory.path()).unwrap();
    let path = inventory.path();
    inventory
        .run("report", &["-o", path.to_str().unwrap()])
        .exits(2)
        .complains_of(&["is the inventory itself", "hint:"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_name_that_does_not_exist_is_shown_with_the_reason() {
    let dns = Dns::start(&[]);
    let inventory = Inventory::new();
    inventory.sweep(&["nowhere.sweep.test", "--resolver", &dns.address.to_string()]);
    assert_eq!(inventory.latest_outcomes(), outcomes([("unresolved", 1)]));
    let shown = inventory.run("show", &["nowhere.sweep.test"]).exits(0);
    assert!(shown.stdout.contains("unresolved (nxdomain)"), "{shown}");
    for unknown in ["elsewhere.sweep.test", "zz"] {
        let other = inventory.run("show", &[unknown]).exits(1);
        other.complains_of(&[&format!("nothing is known of `{unknown}`"), "hint:"]);
    }
}

#[test]
fn every_address_of_a_name_is_answered_for() {
    let closed = SocketAddr::from(([127, 0, 0, 1], 9));
    let dns = Dns::start(&[("closed.sweep.test", closed.ip())]);
    let inventory = Inventory::new();
    let resolver = dns.address.to_string();
    inventory.sweep(&["closed.sweep.test:9", "--resolver", &resolver]);
    let shown = inventory.run("show", &[closed.to_string()]).exits(0);
    assert!(shown.stdout.contains("refused"), "{shown}");
}

#[test]
fn a_lapsed_exclusion_still_holds_and_is_reported() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let line = format!("{} owner=ops until=2020-01-31\n", server.address().ip());
    let file = inventory.file("exclude.txt", &line);
    let target = server.address().to_string();
    inventory
        .run("scan", &[&target, "--exclude-file", file.to_str().unwrap()])
        .exits(0)
        .complains_of(&["exclude.txt:1", "lapsed after 2020-01-31", "owner ops"]);
    assert_eq!(inventory.latest_outcomes(), outcomes([("excluded", 1)]));
    assert_eq!(server.visits(), 0, "it was touched");
}

#[test]
fn an_exclude_file_that_is_missing_or_wrong_stops_everything() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let folder = inventory.path().parent().unwrap().to_owned();
    let refused = |path: &std::path::Path, words: &[&str]| {
        inventory
            .run("scan", &[&target, "--exclude-file", path.to_str().unwrap()])
            .exits(2)
            .complains_of(words);
    };
    refused(
        &folder.join("none.txt"),
        &["--exclude-file", "none.txt", "hint:"],
    );
    refused(&folder, &["--exclude-file", "hint:"]);
    for (line, words) in [
        ("10.0.0.0/33", ["exclude.txt:2: ", "`10.0.0.0/33`", "hint:"]),
        (
            "10.0.0.9 resaon=x",
            ["exclude.txt:2: ", "`resaon=`", "hint:"],
        ),
        (
            "10.0.0.9 until=soon",
            ["exclude.txt:2: ", "`soon`", "hint:"],
        ),
        (":0", ["exclude.txt:2: ", "`0`", "hint:"]),
    ] {
        let text = format!("10.0.0.1\n{line}\n{target}\n");
        refused(&inventory.file("exclude.txt", &text), &words);
    }
    let latin = inventory.file("exclude.txt", "10.0.0.1\n");
    fs::write(&latin, b"10.0.0.1\n10.0.0.2 owner=M\xfcller\n").unwrap();
    refused(&latin, &["exclude.txt:2: ", "0xfc", "UTF-8"]);
    let config = format!("[scan]\nexclude_file = [{:?}]\n", folder.join("none.txt"));
    let config = inventory.file("config.toml", &config);
    inventory
        .run("scan", &[&target, "--config", config.to_str().unwrap()])
        .exits(2)
        .complains_of(&["none.txt"]);
    assert!(!inventory.path().exists(), "an inventory was made");
    assert_eq!(server.visits(), 0, "somebody was touched");
}

#[test]
fn a_dry_run_shows_the_limits_of_each_network_and_what_is_left_alone() {
    let inventory = Inventory::new();
    let config = "[[network]]\ncidr = \"10.9.0.0/16\"\nprofile = \"gentle\"\nports = \"443,5696\"\n\
                  [[network]]\ncidr = \"10.9.1.0/24\"\nrate_per_network = 7\nretries = 3\n";
    let config = inventory.file("config.toml", config);
    let words = ["--dry-run", "--config", config.to_str().unwrap()];
    let targets = ["10.0.0.0/15:1-65535", "10.9.0.0/23", "224.0.0.0/28"];
    let run = inventory
        .run("scan", &[&words[..], &targets].concat())
        .exits(0);
    for line in [
        "10.9.0.0/16: gentle, ports 443,5696",
        "1 per address, 200 per network, 1 established",
        "10.9.1.0/24: gentle, ports 443,5696",
        "1 per address, 7 per network, 1 established",
        "3 retries",
        "16  224.0.0.0/4 (built in): multicast",
        "131072  :502 (built in): Modbus controllers",
        "1048576  :9100-9107 (built in): printers",
    ] {
        assert!(run.stdout.contains(line), "no `{line}` in\n{run}");
    }
    let help = inventory.run("scan", &["--help"]).exits(0);
    let words: Vec<_> = help.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("515, 789,"), "{help}");
}

#[test]
fn a_network_has_its_own_terms_also_for_the_names_that_lead_into_it() {
    let server = Plain::silent();
    let dns = Dns::start(&[("quiet.sweep.test", server.address().ip())]);
    let inventory = Inventory::new();
    let config = "[[network]]\ncidr = \"127.0.0.0/8\"\nprofile = \"gentle\"\nhandshake_timeout = \"300ms\"\n";
    let config = inventory.file("config.toml", config);
    let target = format!("quiet.sweep.test:{}/tls", server.address().port());
    let resolver = dns.address.to_string();
    let words = [
        &target,
        "--resolver",
        &resolver,
        "--config",
        config.to_str().unwrap(),
    ];
    inventory.sweep(&words);
    assert_eq!(inventory.latest_outcomes(), outcomes([("silent", 1)]));
    assert_eq!(server.visits(), 1, "one modern hello");
    let settings = &inventory.scans()[0];
    assert_eq!(settings["state"], "complete");
}

#[test]
fn a_wrong_network_in_the_configuration_stops_everything() {
    let inventory = Inventory::new();
    let config = inventory.file("config.toml", "[[network]]\ncidr = \"10.0.0.0/64\"\n");
    inventory
        .run("scan", &["127.0.0.1", "--config", config.to_str().unwrap()])
        .exits(2)
        .complains_of(&[
            "config.toml",
            "line 2",
            "`10.0.0.0/64` is not a network",
            "hint:",
        ]);
    assert!(!inventory.path().exists(), "an inventory was made");
}

#[test]
fn a_scan_goes_on_when_nobody_reads_its_log() {
    let server = Plain::greeting(1, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut scan = inventory.command("scan");
    scan.args([&server.address().to_string(), "--no-ptr", "-v"]);
    scan.stderr(Stdio::from(full.unwrap()))
        .stdout(Stdio::null());
    let ended = scan.status().unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(inventory.scans()[0]["state"], "complete");
}

#[test]
fn the_demo_leaves_the_inventory_of_the_house_alone() {
    let inventory = Inventory::new();
    let house = inventory.file("house.db", "not to be touched");
    let table = inventory.file("house.csv", "neither");
    let demo = |command: &mut Command| Run::of(command.env("TMPDIR", house.parent().unwrap()));

    let shown = demo(certsweep().arg("demo").env("CERTSWEEP_DB", &house)).exits(0);
    assert!(shown.stdout.contains("12  certificate"), "{shown}");
    demo(certsweep().arg("demo").arg("--db").arg(&house))
        .exits(2)
        .complains_of(&["is taken"]);
    assert_eq!(fs::read_to_string(&house).unwrap(), "not to be touched");
    assert_eq!(fs::read_to_string(&table).unwrap(), "neither");
}
