//! Scans that overlap, and scans that are told to stop.

use std::io::pipe;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

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

/// A pipe holds 16 pages, and in each of them a line may not fit any more.
const NEARLY_FULL: u64 = 60_000;

#[test]
fn the_second_signal_ends_a_scan_that_nobody_listens_to() {
    let inventory = Inventory::new();
    let (stderr, writer) = pipe().unwrap();
    let mut scan = inventory.command("scan");
    let scan = scan.args([
        "127.0.1.0/24",
        "--ports",
        "1-32",
        "-v",
        "--no-ptr",
        "--rate",
        "unlimited",
    ]);
    let scan = scan.args(["--rate-per-network", "unlimited"]);
    let scan = scan.stdout(Stdio::null()).stderr(writer);
    let mut child = scan.spawn().unwrap();
    let id = Pid::from_child(&child);
    while ioctl_fionread(&stderr).unwrap() < NEARLY_FULL {
        thread::yield_now();
    }
    // Of two kinds: a signal that is there already does not come twice.
    kill_process(id, Signal::INT).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait().unwrap().code()));
    let ended = told.recv_timeout(Duration::from_secs(30));
    if ended.is_err() {
        kill_process(id, Signal::KILL).unwrap();
    }
    assert_eq!(ended, Ok(Some(1)));
    assert!(
        ioctl_fionread(&stderr).unwrap() >= NEARLY_FULL,
        "it is unread"
    );
}
