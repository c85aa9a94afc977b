//! What looks after the program and its inventory: copies, the doctor, who may
//! open the files, what goes to stderr, completions and manual pages.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::owners::names;
use crate::program::{Inventory, Run, certsweep};
use crate::servers::{Authority, Dns, Key, Plain, Process, SServer, own_loopback};

/// Every command, with words that make it do something on an inventory.
const COMMANDS: [(&str, &[&str]); 12] = [
    ("scan", &["--no-ptr", "--retries", "0", "SERVER"]),
    ("probe", &["SERVER"]),
    ("report", &[]),
    ("certs", &[]),
    ("endpoints", &[]),
    ("scans", &[]),
    ("show", &["SERVER"]),
    ("diff", &[]),
    ("backup", &["copy.db"]),
    ("doctor", &[]),
    ("completions", &["bash"]),
    ("man", &[]),
];

/// Where nothing listens.
fn closed() -> SocketAddr {
    SocketAddr::new(own_loopback(), 7)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What SQLite itself, not the one in the program, finds wrong.
fn integrity(path: &Path) -> String {
    const CHECK: &str = "import sqlite3, sys\n\
        found = sqlite3.connect(sys.argv[1]).execute('pragma integrity_check')\n\
        print(*(row[0] for row in found))";
    let check = Run::of(Command::new("python3").args(["-c", CHECK]).arg(path));
    check.exits(0).stdout.trim().to_owned()
}

#[test]
fn a_backup_is_whole_also_while_a_scan_writes() {
    let servers = Plain::greeting(24, b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let inventory = Inventory::new();
    let mut words: Vec<_> = servers.addresses.iter().map(ToString::to_string).collect();
    words.extend(["--no-ptr", "--rate", "8", "--rate-per-host", "unlimited"].map(str::to_owned));
    let scan = Process::start(inventory.command("scan").args(&words));
    servers.wait_for_visit();

    let said = inventory.run("backup", &["copy.db"]).exits(0);
    let copy = inventory.path().with_file_name("copy.db");
    assert!(said.stdout.contains("copy.db"), "{said}");
    assert_eq!(integrity(&copy), "ok");
    assert_eq!(mode(&copy), 0o600);
    let scans = Run::of(certsweep().args(["scans", "--json", "--db"]).arg(&copy)).exits(0);
    assert_eq!(scans.json_lines()[0]["state"], "running", "{scans}");

    let (code, said) = scan.finish();
    assert_eq!(code, Some(0), "{said:?}");
    let before = fs::read(&copy).unwrap();
    let again = inventory.run("backup", &["copy.db"]).exits(2);
    again.complains_of(&["copy.db is there already", "hint:"]);
    assert_eq!(fs::read(&copy).unwrap(), before);
}

#[test]
fn a_machine_in_order_passes_and_its_name_server_is_asked_one_question() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = socket.local_addr().unwrap();
    let dns = Dns::at(socket, &[]);
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    let config = format!("[scan]\nresolver = \"{resolver}\"\nconcurrency = 10\n");
    let config = inventory.file("c.toml", &config);
    let words = ["--json", "--config", config.to_str().unwrap()];
    let run = inventory.run("doctor", &words).exits(0);
    let checks = run.json_lines();
    let state = |name: &str| {
        let check = checks.iter().find(|check| check["check"] == name);
        check.unwrap_or_else(|| panic!("no {name}: {run}"))["state"].clone()
    };
    for name in ["configuration", "inventory", "permissions", "descriptors"] {
        assert_eq!(state(name), "ok", "{run}");
    }
    assert_eq!(state("name server"), "ok", "{run}");
    for name in [
        "disk",
        "local ports",
        "neighbours",
        "conntrack",
        "clock",
        "trust stores",
    ] {
        assert_ne!(state(name), "fail", "{run}");
    }
    drop(dns);
}

#[test]
fn the_doctor_says_what_to_change_and_fails_where_a_scan_would() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "[scan]\nresolver = \"{}\"\ntrust_store = [\"no-such.pem\"]\n",
        silent.local_addr().unwrap()
    );
    let config = inventory.file("c.toml", &config);
    fs::set_permissions(inventory.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let words = ["-q", "--config", config.to_str().unwrap()];
    let run = inventory.run("doctor", &words).exits(1);
    for said in ["no-such.pem", "chmod 0600", "see /etc/resolv.conf"] {
        assert!(run.stdout.contains(said), "no {said}: {run}");
    }
    assert!(
        !run.stdout.lines().any(|line| line.starts_with("ok ")),
        "{run}"
    );

    let mut bytes = fs::read(inventory.path()).unwrap();
    bytes[8192..].fill(0xa5);
    fs::write(inventory.path(), bytes).unwrap();
    let run = inventory.run("doctor", &words).exits(1);
    assert!(run.stdout.contains("restore a backup"), "{run}");
}

#[test]
fn a_file_mode_lets_a_group_in_to_everything_that_is_written() {
    let inventory = Inventory::new();
    let config = inventory.file("c.toml", "file_mode = \"0640\"\n");
    let config = config.to_str().unwrap();
    let server = Plain::silent();
    let target = server.address().to_string();
    let mut scan = inventory.command("scan");
    let scan = scan.args([&target, "--no-ptr", "--handshake-timeout", "60s"]);
    let scan = Process::start(scan.args(["--config", config]));
    server.wait_for_visit();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = format!("{}{suffix}", inventory.path().display());
        assert_eq!(mode(Path::new(&path)), 0o640, "{path}");
    }
    drop(scan);
    for (command, words) in [
        ("report", ["-o", "out.csv"].as_slice()),
        ("backup", &["out.db"]),
    ] {
        let run = inventory.run(command, &[words, &["--config", config]].concat());
        run.exits(0);
        let written = inventory.path().with_file_name(words[words.len() - 1]);
        assert_eq!(mode(&written), 0o640, "{command}");
    }
    let world = inventory.file("world.toml", "file_mode = \"0644\"\n");
    let run = inventory.run("scan", &[&target, "--config", world.to_str().unwrap()]);
    run.exits(2)
        .complains_of(&["line 1", "`0644` lets everybody in", "hint:"]);
}

#[test]
fn every_file_of_a_report_is_for_its_owner_or_for_the_group_that_is_let_in() {
    let authority = Authority::new();
    let identity = authority.identity("mode.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    let shared = inventory.file("c.toml", "file_mode = \"0640\"\n");
    let lines: [(&str, &[&str]); 11] = [
        ("report", &["--format", "csv"]),
        ("report", &["--format", "csv", "--excel"]),
        ("report", &["--format", "jsonl"]),
        ("report", &["--format", "html"]),
        ("report", &["--format", "cbom"]),
        ("report", &["--of", "coverage"]),
        ("report", &["--format", "pem"]),
        ("report", &["--format", "der", "--chain"]),
        ("report", &["--format", "eml"]),
        ("report", &["--format", "csv", "--split", "owner"]),
        ("check", &["--format", "json"]),
    ];
    for (number, (command, words)) in (0..).zip(lines) {
        for (config, expected) in [(&[][..], 0o600), (&["--config", "c.toml"], 0o640)] {
            let name = format!("{number}-{expected:o}");
            let words = [words, config, &["-o", &name]].concat();
            inventory.run(command, &words).exits(0);
            let written = shared.with_file_name(&name);
            let files = if written.is_dir() {
                // Whoever may read the files gets to them.
                let folder = if expected == 0o600 { 0o700 } else { 0o750 };
                assert_eq!(mode(&written), folder, "{words:?}");
                let names = names(&written).into_iter();
                names.map(|name| written.join(name)).collect()
            } else {
                vec![written]
            };
            assert!(!files.is_empty(), "{words:?}");
            for file in files {
                assert_eq!(mode(&file), expected, "{words:?}");
            }
        }
    }
}

#[test]
fn quiet_means_quiet_for_every_command() {
    let scanned = Scanned::new();
    let demo = Run::of(certsweep().args(["demo", "-q"])).exits(0);
    assert_eq!(demo.stderr, "", "{demo}");
    for (command, words) in COMMANDS {
        let run = scanned.run(command, words, &["-q"]).exits(0);
        assert_eq!(run.stderr, "", "{run}");
    }
}

#[test]
fn in_json_every_line_on_stderr_is_an_object_with_a_level() {
    let scanned = Scanned::new();
    let format = ["-v", "--log-format", "json"];
    for (command, words) in COMMANDS {
        let levels = levels(&scanned.run(command, words, &format).exits(0));
        if command == "scan" {
            assert!(levels.contains(&"INFO".to_owned()), "{levels:?}");
        }
    }
    let failed = scanned.run("backup", &["copy.db"], &format).exits(2);
    assert_eq!(levels(&failed), ["ERROR"]);
    let hint = "\"hint\":\"name a new file";
    assert!(failed.stderr.contains(hint), "{failed}");
}

/// A server with a certificate, an inventory after two scans of it, and a name
/// server that knows nothing.
struct Scanned {
    server: SServer,
    inventory: Inventory,
    dns: Dns,
}

impl Scanned {
    fn new() -> Self {
        let authority = Authority::new();
        let identity = authority.identity("upkeep.sweep.test", Key::Ecdsa);
        let server = SServer::start(&identity, &["-tls1_2"]);
        let inventory = Inventory::new();
        inventory.sweep(&[server.address.to_string()]);
        inventory.sweep(&[server.address.to_string()]);
        Self {
            server,
            inventory,
            dns: Dns::start(&[]),
        }
    }

    /// Runs a command of [`COMMANDS`], with a configuration that names the
    /// name server.
    fn run(&self, command: &str, words: &[&str], more: &[&str]) -> Run {
        let server = self.server.address.to_string();
        let config = format!("[scan]\nresolver = \"{}\"\n", self.dns.address);
        let config = self.inventory.file("c.toml", &config);
        let words = words.iter().map(|word| word.replace("SERVER", &server));
        let mut command = self.inventory.command(command);
        command.args(words).args(more).arg("--config").arg(config);
        Run::of(&mut command)
    }
}

/// The levels of the log lines of a command that writes them in JSON.
fn levels(run: &Run) -> Vec<String> {
    let level = |line: &str| {
        let event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {run}"));
        assert!(event["fields"]["message"].is_string(), "{line}");
        assert!(event["timestamp"].is_string(), "{line}");
        event["level"].as_str().unwrap().to_owned()
    };
    run.stderr.lines().map(level).collect()
}

#[test]
fn bash_loads_the_completions_and_completes_commands() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("certsweep");
    let printed = Run::of(certsweep().args(["completions", "bash"])).exits(0);
    fs::write(&script, printed.stdout).unwrap();
    let complete = "source \"$0\" && complete -p certsweep >&2 && \
        COMP_WORDS=(certsweep ba) COMP_CWORD=1 && _certsweep certsweep ba certsweep && \
        echo \"${COMPREPLY[@]}\"";
    let run = Run::of(
        Command::new("bash")
            .args(["--norc", "-c", complete])
            .arg(&script),
    );
    assert_eq!(run.exits(0).stdout.trim(), "backup");
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let run = Run::of(certsweep().args(["completions", shell])).exits(0);
        assert!(run.stdout.contains("log-format"), "{shell}");
    }
}

#[test]
fn the_manual_pages_render_and_tell_of_every_option() {
    let folder = tempfile::tempdir().unwrap();
    Run::of(certsweep().args(["man", "--folder"]).arg(folder.path())).exits(0);
    let help = Run::of(certsweep().arg("--help")).exits(0).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // What does not fit goes on further to the right.
    let commands = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands: Vec<_> = commands.filter(|name| !name.is_empty()).collect();
    for (command, _) in COMMANDS {
        assert!(commands.contains(&command), "no {command} in {commands:?}");
    }
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = folder.path().join(format!("certsweep-{command}.1"));
        let shown = rendered(&page);
        let help = Run::of(certsweep().args([command, "--help"]))
            .exits(0)
            .stdout;
        for option in options(&help) {
            assert!(shown.contains(option), "{command}: no {option} in\n{shown}");
        }
        let printed = Run::of(certsweep().args(["man", command])).exits(0).stdout;
        assert_eq!(printed, fs::read_to_string(&page).unwrap(), "{command}");
    }
    let program = rendered(&folder.path().join("certsweep.1"));
    assert!(program.contains("certsweep-backup(1)"), "{program}");
}

/// A page as plain text; a macro that is wrong in it is an error.
fn rendered(page: &Path) -> String {
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u"]);
    let run = Run::of(groff.arg(page)).exits(0);
    assert_eq!(run.stderr, "", "{run}");
    run.stdout
}

/// The long options that a help text names.
fn options(help: &str) -> impl Iterator<Item = &str> {
    let is_end = |end: char| !end.is_ascii_alphanumeric() && end != '-';
    let words = help.lines().filter(|line| line.trim().starts_with('-'));
    words.filter_map(move |line| {
        let start = line.find("--")?;
        line[start..].split(is_end).next()
    })
}

#[test]
fn a_report_of_the_coverage_tells_of_targets_that_it_does_not_list() {
    let inventory = Inventory::new();
    inventory.sweep(&["127.0.0.1:1"]);
    let report = || {
        let words = ["--of", "coverage", "--format", "csv"];
        inventory.run("report", &words).exits(0)
    };
    assert_eq!(report().stderr, "");
    // What a stop leaves of a scan of more than sixteen blocks.
    let change = "import sqlite3, sys\n\
        with sqlite3.connect(sys.argv[1]) as inventory:\n    \
        inventory.execute('update scans set unlisted = 1048576')";
    let mut python = Command::new("python3");
    Run::of(python.args(["-c", change]).arg(inventory.path())).exits(0);
    report().complains_of(&["note: scan 1 (complete) ended before 1048576 targets"]);
}
