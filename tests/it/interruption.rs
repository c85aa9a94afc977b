//! Scans that overlap, and scans that are told to stop.

use std::net::SocketAddr;

use rustix::process::Signal;

use crate::program::{Inventory, outcomes};
use crate::servers::{Plain, Process};

#[test]
fn a_second_writer_is_turned_away_while_readers_work() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let mut first = inventory.command("scan");
    let first = Process::start(first.args([&target, "--no-ptr", "--handshake-timeout", "60s"]));
    server.wait_for_visit();

    inventory.run("scan", &[&target, "--no-ptr"]).exits(3);
    let scans = inventory.scans();
    assert_eq!(
        scans.len(),
        1,
        "the scan that was turned away left a trace: {scans:#?}"
    );
    assert_eq!(scans[0]["state"], "running");
    drop(first);
}

#[test]
fn a_scan_that_was_killed_leaves_no_lock_behind() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let mut first = inventory.command("scan");
    let first = Process::start(first.args([&target, "--no-ptr", "--handshake-timeout", "60s"]));
    server.wait_for_visit();
    first.signal(Signal::KILL);
    first.finish();

    inventory.sweep(&[&target, "--handshake-timeout", "1s"]);
    assert_eq!(inventory.latest_outcomes(), outcomes([("silent", 1)]));
}

#[test]
fn an_interrupted_scan_ends_in_order() {
    let servers = Plain::greeting(24, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    // Slow enough that most targets are still to come after the first visit.
    let mut words: Vec<_> = servers
        .addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect();
    words.extend(["--no-ptr", "--rate", "8", "--rate-per-host", "unlimited"].map(str::to_owned));

    let scan = Process::start(inventory.command("scan").args(&words));
    servers.wait_for_visit();
    scan.signal(Signal::INT);
    let (code, said) = scan.finish();
    assert_eq!(code, Some(5), "{}", said.join("\n"));
    let scans = inventory.scans();
    assert_eq!(scans[0]["state"], "interrupted", "{scans:#?}");
    let cut = inventory.latest_outcomes();
    assert!(
        cut.get("not-attempted").is_some_and(|count| *count > 0),
        "{cut:?}"
    );
}
