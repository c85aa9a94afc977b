//! What is removed when nobody needs it, and who is asked before.

use std::fs;
use std::process::Command;

use crate::program::{Inventory, Run};
use crate::servers::{Authority, Key, SServer};

/// An inventory with a certificate in it that another has taken the place of,
/// so that there is something to prune.
fn renewed() -> Inventory {
    let authority = Authority::new();
    let identity = |name| authority.identity(name, Key::Ecdsa);
    let before = SServer::start::<&str>(&identity("before.sweep.test"), &[]);
    let inventory = Inventory::new();
    let target = [before.address.to_string()];
    inventory.sweep(&target);
    let _after = SServer::instead_of(before, &identity("after.sweep.test"));
    inventory.sweep(&target);
    assert_eq!(installed(&inventory), BOTH);
    inventory
}

const BOTH: [&str; 2] = ["after.sweep.test current", "before.sweep.test gone"];

/// Whose certificates there are, and how they stand.
fn installed(inventory: &Inventory) -> Vec<String> {
    let words = ["--format", "jsonl", "--state", "all"];
    let rows = inventory.run("report", &words).exits(0).json_lines();
    let text = |row: &serde_json::Value, column| row[column].as_str().unwrap().to_owned();
    let told = rows.iter();
    let told = told.map(|row| format!("{} {}", text(row, "subject_cn"), text(row, "state")));
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told
}

/// Runs a command whose stdin and stderr are a terminal. Once it has asked
/// there, it gets the answer.
const AT_A_TERMINAL: &str = "import os, pty, subprocess, sys\n\
    answer, *command = sys.argv[1:]\n\
    ours, theirs = pty.openpty()\n\
    child = subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)\n\
    os.close(theirs)\n\
    said = b''\n\
    def heard():\n    \
        try:\n        \
            return os.read(ours, 4096)\n    \
        except OSError:\n        \
            return b''  # Linux: nobody has the terminal open any more\n\
    while chunk := heard():\n    \
        said += chunk\n    \
        if b'Type yes:' in said and answer:\n        \
            os.write(ours, answer.encode())\n        \
            answer = ''\n\
    sys.stdout.write(child.stdout.read().decode())\n\
    sys.stderr.write(said.decode())\n\
    sys.exit(child.wait())";

/// `prune --older-than 0s` and these words at a terminal, where somebody
/// types this when they are asked.
fn asked(inventory: &Inventory, words: &[&str], typed: &str) -> Run {
    let mut prune = inventory.command("prune");
    prune.args(["--older-than", "0s"]).args(words);
    let mut terminal = Command::new("python3");
    terminal.args(["-c", AT_A_TERMINAL, typed]);
    terminal.arg(prune.get_program()).args(prune.get_args());
    let folder = inventory.path();
    terminal.current_dir(folder.parent().unwrap());
    Run::of(terminal.env("CERTSWEEP_CONFIG", "/dev/null"))
}

/// The end of a line, and of all that is typed, on a terminal.
const ENTER: &str = "\n";
const END: &str = "\u{4}";

#[test]
fn nothing_is_removed_until_somebody_says_yes() {
    let inventory = renewed();
    for typed in ["n", "no", "", " ", "yess", "not yes"] {
        let run = asked(&inventory, &[], &format!("{typed}{ENTER}")).exits(0);
        run.complains_of(&["1 installation", "remove this?"]);
        assert_eq!(installed(&inventory), BOTH, "{typed:?}");
    }
    let run = asked(&inventory, &[], END).exits(0);
    assert_eq!(run.stdout, "nothing was removed\n", "{run}");
    assert_eq!(installed(&inventory), BOTH);
}

#[test]
fn what_somebody_says_yes_to_is_removed() {
    for typed in ["yes", "y", " YES "] {
        let inventory = renewed();
        let run = asked(&inventory, &[], &format!("{typed}{ENTER}")).exits(0);
        assert!(run.stdout.starts_with("removed: 1 installation"), "{run}");
        assert_eq!(installed(&inventory), BOTH[..1], "{typed:?}");
    }
}

#[test]
fn nobody_is_asked_who_can_not_read_the_question_or_answer_it() {
    let inventory = renewed();
    let before = fs::read(inventory.path()).unwrap();
    let refused = |run: Run| {
        run.exits(2)
            .complains_of(&["nobody is there to ask", "--yes"]);
        assert!(fs::read(inventory.path()).unwrap() == before);
    };
    refused(inventory.run("prune", &["--older-than", "0s"]));
    let mut prune = inventory.command("prune");
    prune.args(["--older-than", "0s"]);
    let mut piped = Command::new("sh");
    piped.args(["-c", "echo yes | \"$@\"", "sh"]);
    piped.arg(prune.get_program()).args(prune.get_args());
    refused(Run::of(piped.env("CERTSWEEP_CONFIG", "/dev/null")));
    // At a terminal, but the question would be said nowhere.
    refused(asked(&inventory, &["-q"], &format!("yes{ENTER}")));
    assert_eq!(installed(&inventory), BOTH);
}

#[test]
fn pruning_leaves_what_is_there() {
    let inventory = Inventory::new();
    let authority = Authority::new();
    let identity = authority.identity("prune.sweep.test", Key::Ecdsa);
    inventory
        .run("prune", &["--older-than", "400d", "--yes"])
        .exits(1);
    inventory.run("import", &[&identity.chain]).exits(0);
    let run = inventory
        .run("prune", &["--older-than", "0s", "--yes"])
        .exits(0);
    assert!(run.stdout.contains("nothing ended before"), "{run}");
    assert_eq!(inventory.installations().len(), 2);
    inventory
        .run("prune", &["--older-than", "soon", "--yes"])
        .exits(2);
}

#[test]
fn what_may_have_been_pruned_is_not_said_to_be_never_looked_at() {
    let inventory = Inventory::new();
    let closed = ["127.0.3.1", "127.0.3.2"];
    for address in closed {
        inventory.run("scan", &[&format!("{address}:9")]).exits(0);
    }
    let other = inventory.run("show", &["127.0.3.3"]).exits(0);
    assert!(other.stdout.contains("never looked at"), "{other}");
    inventory
        .run("prune", &["--older-than", "0s", "--yes"])
        .exits(0);
    let [pruned, kept] = closed.map(|address| inventory.run("show", &[address]).exits(0));
    assert!(pruned.stdout.contains("pruned up to"), "{pruned}");
    assert!(kept.stdout.contains("refused"), "{kept}");
}
