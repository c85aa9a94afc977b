//! A disk that fails: strace(1) makes one call to the files of an inventory
//! fail, the first, the second, and so on until there is none left. Whichever
//! it is, the inventory is intact, outcomes add up, nothing is falsely missing,
//! the program says so, and the scan goes on later.

use std::env;
use std::fs;
use std::process::Command;

use rustls::version::TLS12;

use crate::program::{Inventory, Run, outcomes};
use crate::servers::{LongChain, RustlsServer, RustlsSetup};

/// Every how manieth call fails; `tests/soak/faults` leaves none out.
const STEP: &str = "CERTSWEEP_FAULT_STEP";

/// What fails, how, and whether so does all that follows.
const FAULTS: [(&str, &str, &str); 4] = [
    ("fsync,fdatasync", "EIO", ""),
    ("pwrite64", "EIO", ""),
    ("pwrite64", "ENOSPC", ""),
    ("pwrite64", "ENOSPC", "+"),
];

/// A server with a certificate among closed ports, in an inventory that knows
/// it already.
struct Known {
    server: RustlsServer,
    inventory: Inventory,
}

impl Known {
    fn new() -> Self {
        let chain = LongChain::of(2);
        let known = Self {
            server: RustlsServer::start(RustlsSetup::new(&chain, &TLS12)),
            inventory: Inventory::new(),
        };
        Run::of(&mut known.scan(&known.inventory)).exits(0);
        known
    }

    /// A copy of the inventory.
    fn copy(&self) -> Inventory {
        let copy = Inventory::new();
        fs::copy(self.inventory.path(), copy.path()).unwrap();
        copy
    }

    fn scan(&self, inventory: &Inventory) -> Command {
        let mut command = inventory.command("scan");
        command.args([&self.server.address.to_string(), "127.7.0.0/22:9"]);
        command.args(["--no-ptr", "--retries", "0", "--resume", "-q"]);
        for rate in ["--rate", "--rate-per-host", "--rate-per-network"] {
            command.args([rate, "unlimited"]);
        }
        command
    }

    /// The scan, one of whose calls fails; `None` if it makes fewer.
    fn scan_failing(&self, inventory: &Inventory, fault: &str, calls: &str) -> Option<Run> {
        let trace = inventory.file("trace", "");
        let scan = self.scan(inventory);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(&trace);
        for suffix in ["", "-wal"] {
            let mut path = inventory.path().into_os_string();
            path.push(suffix);
            strace.arg("-P").arg(path);
        }
        strace.args(["-e", &format!("trace={calls}"), "-e", fault]);
        strace.arg(scan.get_program()).args(scan.get_args());
        strace.env("CERTSWEEP_CONFIG", "/dev/null");
        let run = Run::of(&mut strace);
        let fired = fs::read_to_string(trace).unwrap().contains("INJECTED");
        fired.then_some(run)
    }
}

/// What holds after a scan, however it ended.
#[track_caller]
fn check(inventory: &Inventory, run: &Run, what: &str) {
    inventory.check_integrity();
    let scans = inventory.scans();
    let last = scans.last().unwrap();
    let latest = inventory.latest_outcomes();
    let undone = latest.contains_key("not-attempted");
    let is_done = scans.len() == 2 && last["state"] == "complete" && !undone;
    assert_eq!(run.code, Some(i32::from(!is_done)), "{what}: {run}");
    assert_eq!(run.stderr.is_empty(), is_done, "{what}: {run}");
    let states = inventory.installations();
    assert_eq!(states.len(), 1, "{what}");
    assert_eq!(states[0]["state"], "current", "{what}");
}

#[test]
fn whichever_call_to_a_file_fails_the_inventory_is_intact_and_the_scan_goes_on_later() {
    let step = env::var(STEP).map_or(11, |step| step.parse().unwrap());
    let known = Known::new();
    for (calls, error, later) in FAULTS {
        let mut failed = 0;
        for number in (1..).step_by(step) {
            let what = format!("{calls} {number}{later} fails by {error}");
            let fault = format!("inject={calls}:error={error}:when={number}{later}");
            let inventory = known.copy();
            let Some(run) = known.scan_failing(&inventory, &fault, calls) else {
                break;
            };
            failed += 1;
            check(&inventory, &run, &what);
            Run::of(&mut known.scan(&inventory)).exits(0);
            let found = outcomes([("certificate", 1), ("refused", 1024)]);
            assert_eq!(inventory.latest_outcomes(), found, "{what}");
            inventory.check_integrity();
        }
        assert!(failed > 0, "{calls}: strace (tests/run installs it)");
        println!("{calls} failed {failed} times by {error}{later}");
    }
}
