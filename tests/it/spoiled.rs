//! Inventories that can't be written, for real: the scan stops at once, says
//! what is wrong, leaves an inventory that is intact, and goes on later.

use std::path::Path;
use std::process::Command;

use crate::program::{Inventory, Run, certsweep};
use crate::servers::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_certsweep");

/// A scan of loopback that takes some seconds.
const LONG: &str = "127.1.0.0/20 -p 1-4 --no-ptr --rate 4000 --rate-per-host unlimited \
    --rate-per-network unlimited --seed 1";

/// Runs a script in a mount namespace of its own, with the folder as `$1` and
/// the program as `$2`.
fn in_mount_namespace(script: &str, folder: &Path) -> Run {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.arg(folder).arg(PROGRAM);
    command.env("CERTSWEEP_CONFIG", "/dev/null");
    command.env_remove("CERTSWEEP_DB");
    Run::of(&mut command)
}

#[test]
fn a_full_disk_stops_the_scan_which_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=8m tmpfs \"$1\" && cd \"$1\" || exit 99
        \"$2\" scan --db i.db -q 127.0.0.1:1 || exit 98
        \"$2\" scan --db i.db {LONG} & scan=$!
        until \"$2\" scans --db i.db | grep -q running; do :; done
        cat /dev/zero > filler
        wait $scan; echo \"full: $?\"
        \"$2\" scans --db i.db --json
        sqlite3 i.db 'pragma integrity_check'
        rm filler
        \"$2\" scan --db i.db --resume {LONG}; echo \"room: $?\"
        \"$2\" scans --db i.db --json | tail -1
        sqlite3 i.db 'pragma integrity_check'"
    );
    let run = in_mount_namespace(&script, folder.path()).exits(0);
    let run = run.complains_of(&[
        "no space left on the disk",
        "hint: what was stored before is safe",
    ]);
    let lines: Vec<_> = run.stdout.lines().collect();
    let after = |word: &str| {
        let position = lines.iter().position(|line| *line == word);
        position.map_or(&[][..], |position| &lines[position + 1..])
    };
    let full = after("full: 1");
    let scans: Vec<serde_json::Value> = full[..2]
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(scans[1]["state"], "failed", "{scans:#?}");
    let why = scans[1]["ended_by"].as_str().unwrap();
    assert!(why.contains("no space left on the disk"), "{scans:#?}");
    let left = scans[1]["outcomes"]["not-attempted"].as_u64().unwrap();
    assert!(left > 0, "{scans:#?}");
    assert_eq!(full[2], "ok");
    let room = after("room: 0");
    let last: serde_json::Value = serde_json::from_str(room[0]).unwrap();
    assert_eq!(last["id"], scans[1]["id"]);
    assert_eq!(last["state"], "complete");
    assert_eq!(last["outcomes"]["refused"], 4 * 4096, "{last}");
    assert_eq!(room[1], "ok");
}

#[test]
fn a_full_disk_is_named_to_who_reads_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" && cd \"$1\" || exit 99
        \"$2\" scan --db i.db -q 127.0.0.1:1 || exit 98
        cat /dev/zero > filler 2> /dev/null
        for command in check report scans; do
            \"$2\" $command --db i.db; echo \"$command $?\"
        done";
    let run = in_mount_namespace(script, folder.path()).exits(0);
    assert_eq!(run.stdout, "check 1\nreport 1\nscans 1\n", "{run}");
    let told = run.stderr.matches("no space left on the disk").count();
    assert_eq!(told, 3, "{run}");
}

#[test]
fn a_read_only_inventory_or_folder_stops_the_scan_before_it_begins() {
    for place in ["\"$1\"", "\"$1\"/i.db"] {
        let folder = tempfile::tempdir().unwrap();
        let made = Run::of(
            certsweep()
                .args(["scan", "127.0.0.1:1", "-q", "--db"])
                .arg(folder.path().join("i.db")),
        );
        made.exits(0);
        let script = format!(
            "mount --bind {place} {place} && mount -o remount,bind,ro {place} || exit 99
            \"$2\" scan --db \"$1\"/i.db 127.0.0.1:2; echo \"exit $?\"
            \"$2\" scans --db \"$1\"/i.db --json"
        );
        let run = in_mount_namespace(&script, folder.path()).exits(0);
        assert!(run.stdout.starts_with("exit 1\n"), "{run}");
        assert_eq!(run.stdout.lines().count(), 2, "no scan began: {run}");
        let hint = "check the owner and mode of the file and its directory";
        run.complains_of(&["read-only", hint]);
    }
}

#[test]
fn an_inventory_that_another_program_keeps_locked_names_it() {
    let inventory = Inventory::new();
    inventory.sweep(&["127.0.0.1:1"]);
    let lock = "import sqlite3, sys\n\
        inventory = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
        inventory.execute('begin immediate')\n\
        print('locked', flush=True)\n\
        sys.stdin.read()";
    let mut command = Command::new("python3");
    command.args(["-c", lock]).arg(inventory.path());
    let mut holder = Process::start(&mut command);
    holder.wait_for(|line| line.contains("locked").then_some(()));
    let locked = inventory.run("scan", &["127.0.0.1:2", "--no-ptr"]).exits(1);
    let process = format!("process {} (python3)", holder.id());
    locked.complains_of(&["locked by another program", &process, "fuser"]);
    drop(holder);
    assert_eq!(inventory.scans().len(), 1, "nothing was begun");
    inventory.sweep(&["127.0.0.1:2"]);
}
