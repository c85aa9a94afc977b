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
    let other = inventory.run("show", &["elsewhere.sweep.test"]).exits(0);
    assert!(other.stdout.contains("never looked at"), "{other}");
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
