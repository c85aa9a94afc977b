//! Scans without anybody beside them: windows, durations, jobs, and what
//! earlier scans know.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use certsweep::domain::{OutcomeKind, clock};
use certsweep::scan::Recency;
use certsweep::store::Dark;
use rustix::process::Signal;

use crate::program::{Inventory, Run, outcomes};
use crate::rig::{Rig, varied};
use crate::servers::{Plain, Process};
use crate::simulation::{Memory, Network, covered};

const GREETING: &[u8] = b"SSH-2.0-OpenSSH_9.2p1\r\n";

/// A window that is closed now, and for eleven hours.
fn closed_window() -> String {
    let hour = clock::now().seconds().rem_euclid(86_400) / 3600;
    format!("{}:00-{}:00", (hour + 12) % 24, (hour + 13) % 24)
}

/// A scan that waits for its window.
fn waiting(inventory: &Inventory, target: &str) -> Process {
    let mut command = inventory.command("scan");
    command.args([target, "--no-ptr", "--tz", "UTC", "--window"]);
    let mut scan = Process::start(command.arg(closed_window()));
    scan.wait_for(|line| line.contains("waiting for the window").then_some(()));
    scan
}

#[test]
fn a_scan_that_waits_for_its_window_holds_the_inventory_and_sends_nothing() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let first = waiting(&inventory, &target);
    let second = inventory.run("scan", &[&target, "--no-ptr"]).exits(3);
    second.complains_of(&["process", "since"]);

    first.signal(Signal::INT);
    let (code, said) = first.finish();
    assert_eq!(code, Some(5), "{}", said.join("\n"));
    assert_eq!(server.visits(), 0);
    let scans = inventory.scans();
    assert_eq!(scans[0]["state"], "interrupted", "{scans:#?}");
    assert_eq!(
        inventory.latest_outcomes(),
        outcomes([("not-attempted", 1)])
    );
}

#[test]
fn a_scan_killed_while_it_waits_leaves_no_lock_behind() {
    let server = Plain::greeting(1, GREETING);
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let first = waiting(&inventory, &target);
    first.signal(Signal::KILL);
    first.finish();
    inventory.sweep(&[&target]);
    assert_eq!(inventory.latest_outcomes(), outcomes([("not-tls", 1)]));
}

#[test]
fn a_window_that_comes_too_late_ends_the_scan_without_a_packet() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let target = server.address().to_string();
    let window = closed_window();
    let limits = ["--tz", "UTC", "--max-duration", "1h", "--window", &window];
    inventory
        .run("scan", &[&[target.as_str()], &limits[..]].concat())
        .exits(5);
    assert_eq!(server.visits(), 0);
    let scans = inventory.scans();
    assert_eq!(scans[0]["state"], "stopped", "{scans:#?}");
    assert_eq!(scans[0]["ended_by"], "window", "{scans:#?}");
}

#[test]
fn a_scan_that_takes_too_long_ends_in_order() {
    let servers = Plain::greeting(24, GREETING);
    let inventory = Inventory::new();
    let mut words: Vec<_> = servers
        .addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect();
    let limits = "--no-ptr --rate 2 --rate-per-host unlimited --target-timeout 1s \
                  --max-duration 4s";
    words.extend(limits.split_whitespace().map(str::to_owned));
    inventory.run("scan", &words).exits(5);
    let scans = inventory.scans();
    assert_eq!(scans[0]["state"], "stopped", "{scans:#?}");
    assert_eq!(scans[0]["ended_by"], "duration", "{scans:#?}");
    let told = inventory.latest_outcomes();
    assert!(told["not-tls"] > 0 && told["not-attempted"] > 0, "{told:?}");
    assert_eq!(told.values().sum::<u64>(), 24);
}

#[test]
fn limits_within_which_nothing_could_be_sent_are_refused() {
    let inventory = Inventory::new();
    for limits in [["--max-duration", "21s"], ["--window", "00:00-00:01"]] {
        let words = ["127.0.0.1", "--target-timeout", "60s", limits[0], limits[1]];
        let run = inventory.run("scan", &words).exits(2);
        run.complains_of(&[limits[0], "hint:"]);
    }
    assert!(!inventory.path().exists());
}

/// A configuration with a job that scans these, and more lines of the job.
fn job(inventory: &Inventory, targets: &[SocketAddr], more: &str) -> String {
    let targets: Vec<_> = targets.iter().map(ToString::to_string).collect();
    let text = format!(
        "[scan]\nptr = false\nretries = 0\n[[job]]\nname = \"office\"\ntargets = {targets:?}\n{more}"
    );
    let file = inventory.file("job.toml", &text);
    file.to_str().unwrap().to_owned()
}

fn run_job(inventory: &Inventory, config: &str) -> Run {
    inventory.run("scan", &["--config", config, "--job", "office", "-q"])
}

fn beside(inventory: &Inventory, name: &str) -> std::path::PathBuf {
    inventory.path().with_file_name(name)
}

#[test]
fn a_job_writes_its_reports_and_is_quiet() {
    let servers = Plain::greeting(2, GREETING);
    let inventory = Inventory::new();
    let reports = "window = \"00:00-24:00\"\ntz = \"UTC\"\n\
        [[job.report]]\npath = \"{job}-{date}.csv\"\n\
        [[job.report]]\nformat = \"html\"\npath = \"page.html\"\n\
        [[job.report]]\nof = \"endpoints\"\npath = \"endpoints.csv\"\nport = [443, 1]\n\
        [[job.report]]\nof = \"coverage\"\nformat = \"jsonl\"\npath = \"coverage.jsonl\"\n";
    let config = job(&inventory, &servers.addresses, reports);
    let before = clock::now().date().to_string();
    let run = run_job(&inventory, &config).exits(0);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("", ""),
        "{run}"
    );
    let after = clock::now().date().to_string();
    let day = [before, after].into_iter();
    let csv = day.map(|day| beside(&inventory, &format!("office-{day}.csv")));
    let csv = csv.into_iter().find(|path| path.exists()).unwrap();
    let mode = fs::metadata(csv).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = |name| fs::read_to_string(beside(&inventory, name)).unwrap();
    assert!(read("page.html").starts_with("<!"));
    assert_eq!(read("endpoints.csv").lines().count(), 1, "neither port");
    assert_eq!(read("coverage.jsonl").lines().count(), 2);
}

#[test]
fn reports_of_a_scan_that_ended_early_are_written_too() {
    let servers = Plain::greeting(1, GREETING);
    let inventory = Inventory::new();
    let window = closed_window();
    let more = format!(
        "window = \"{window}\"\ntz = \"UTC\"\nmax_duration = \"1h\"\n\
         [[job.report]]\npath = \"early.csv\"\n"
    );
    let config = job(&inventory, &servers.addresses, &more);
    run_job(&inventory, &config).exits(5);
    assert!(beside(&inventory, "early.csv").exists());
}

#[test]
fn a_report_that_fails_is_told_with_its_path_and_keeps_no_other_back() {
    let servers = Plain::greeting(1, GREETING);
    let inventory = Inventory::new();
    // Whatever is written to it finds no room.
    let reports = "[[job.report]]\npath = \"/dev/full\"\n\
        [[job.report]]\npath = \"right.csv\"\n";
    let config = job(&inventory, &servers.addresses, reports);
    let run = run_job(&inventory, &config).exits(1);
    run.complains_of(&["report /dev/full of job office"]);
    assert!(beside(&inventory, "right.csv").exists());
}

#[test]
fn a_wrong_report_is_refused_before_anything_is_sent() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    fs::create_dir(beside(&inventory, "taken")).unwrap();
    inventory.file("file", "");
    for (report, problem) in [
        ("format = \"pdf\"\npath = \"a\"", "pdf"),
        ("path = \"a\"\nexpirign = \"30d\"", "expirign"),
        ("path = \"{year}.csv\"", "{date}"),
        ("format = \"csv\"", "needs a `path`"),
        ("path = \"a\"\nexpiring = \"soon\"", "`soon`"),
        ("path = \"a\"\nformat = \"html\"\nexcel = true", "--excel"),
        ("path = \"a\"\nnotify_once = true", "--notify-once"),
        ("path = \"nowhere/a.csv\"", "no folder nowhere"),
        ("path = \"taken\"", "taken is a folder"),
        ("path = \"file\"\nformat = \"der\"", "file is no folder"),
        ("path = \"inventory.db\"", "is the inventory itself"),
        ("path = \"a\"\ntrust_store = [\"gone.pem\"]", "gone.pem"),
        (
            "path = \"a\"\nformat = \"text\"\ntrust_store = [\"gone.pem\"]",
            "gone.pem",
        ),
        ("path = \"a\"\ncert = \"gone.pem\"", "gone.pem"),
        ("path = \"a\"\nat = \"9999-01-01\"", "is to come"),
        (
            "path = \"a\"\n[[job.report]]\npath = \"./a\"\nformat = \"html\"",
            "another report of the job is written to ./a too",
        ),
    ] {
        let more = format!("[[job.report]]\n{report}\n");
        let config = job(&inventory, &[server.address()], &more);
        let run = run_job(&inventory, &config).exits(2);
        run.complains_of(&["job.toml", problem]);
    }
    assert_eq!(server.visits(), 0);
    assert!(!inventory.path().exists());
}

#[test]
fn metrics_of_a_job_that_is_refused_say_that_nothing_is_known() {
    let server = Plain::greeting(1, GREETING);
    let inventory = Inventory::new();
    let run = |owner: &str| {
        let more = format!(
            "[[job.report]]\nformat = \"prometheus\"\npath = \"a.prom\"\nowner = \"web\"\n\
             [[owner]]\nowner = \"{owner}\"\nnetworks = [\"127.0.0.0/8\"]\n"
        );
        let config = job(&inventory, &server.addresses, &more);
        run_job(&inventory, &config)
    };
    let page = beside(&inventory, "a.prom");
    run("shop").exits(2).complains_of(&["--owner web"]);
    assert!(!page.exists(), "there was none before");
    run("web").exits(0);
    let before = fs::read_to_string(&page).unwrap();
    assert!(before.contains("\ncertsweep_endpoints"), "{before}");
    run("shop").exits(2).complains_of(&["--owner web"]);
    let said = fs::read_to_string(&page).unwrap();
    let unknown = "certsweep_check_state{state=\"unknown\"} 1\n";
    assert!(said.contains(unknown), "{said}");
    assert!(!said.contains("\ncertsweep_endpoints"), "{said}");
}

#[test]
fn the_known_are_targets_and_the_dark_are_left_out_for_a_while() {
    let servers = Plain::greeting(2, GREETING);
    let [here, leaves] = [servers.addresses[0], servers.addresses[1]].map(|it| it.to_string());
    let inventory = Inventory::new();
    // Nobody listens on the first port of all.
    let dark = "127.0.0.1-127.0.0.9:1";
    inventory.sweep(&[&here, &leaves, dark]);
    let looked_at = outcomes([("not-tls", 2), ("refused", 9)]);
    assert_eq!(inventory.latest_outcomes(), looked_at);

    let run = inventory.run("scan", &["--known", "--dry-run"]).exits(0);
    assert!(run.stdout.contains("2 of them"), "{run}");
    inventory.sweep(&["--known"]);
    assert_eq!(inventory.latest_outcomes(), outcomes([("not-tls", 2)]));

    let again = [here.as_str(), dark, "--known-first", "--refresh", "1h"];
    let run = inventory.run("scan", &[&again[..], &["--dry-run"]].concat());
    assert!(run.exits(0).stdout.contains("9 of them"));
    inventory.sweep(&again);
    let fresh = outcomes([("not-tls", 1), ("fresh", 9)]);
    assert_eq!(inventory.latest_outcomes(), fresh);
    let show = inventory.run("show", &["127.0.0.5"]).exits(0);
    assert!(
        show.stdout.contains("refused"),
        "the look is remembered: {show}"
    );

    // An endpoint that went dark is asked, however recently it was.
    drop(servers);
    let both = [leaves.as_str(), here.as_str(), dark, "--refresh", "1h"];
    inventory.sweep(&both);
    inventory.sweep(&both);
    let asked = outcomes([("refused", 2), ("fresh", 9)]);
    assert_eq!(inventory.latest_outcomes(), asked);
}

#[test]
fn a_job_goes_on_with_the_known_of_its_beginning() {
    let servers = Plain::greeting(12, GREETING);
    let inventory = Inventory::new();
    let (known, unknown) = servers.addresses.split_at(4);
    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
    inventory.sweep(&known);
    let slow = "resume = true\nknown = true\nknown_first = true\nrefresh = \"7d\"\n\
        rate = 2\nrate_per_host = \"unlimited\"\ntarget_timeout = \"1s\"\nmax_duration = \"4s\"\n";
    let config = job(&inventory, unknown, slow);
    run_job(&inventory, &config).exits(5);
    let cut = inventory.latest_outcomes();
    assert_eq!(cut.values().sum::<u64>(), 12);
    assert!(cut["not-tls"] > 0 && cut["not-attempted"] > 0, "{cut:?}");

    // What the first run found is known by now, and changes nothing.
    let quick = slow.replace("rate = 2", "rate = 100").replace("4s", "1m");
    let config = job(&inventory, unknown, &quick);
    run_job(&inventory, &config).exits(0);
    assert_eq!(inventory.latest_outcomes(), outcomes([("not-tls", 12)]));
    assert_eq!(inventory.scans().len(), 2, "the scan kept its number");
}

#[test]
fn nothing_known_is_no_target() {
    let inventory = Inventory::new();
    inventory
        .run("scan", &["--known"])
        .exits(2)
        .complains_of(&["no targets"]);
}

#[tokio::test(start_paused = true)]
async fn what_leads_is_asked_before_the_rest_and_once() {
    let mut rig = Rig::new(
        Network::new(varied),
        &["10.0.0.0/24", "10.0.1.0/24:443,8443"],
    );
    rig.first = vec!["10.0.1.200:8443".to_owned(), "10.0.0.3:443".to_owned()];
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.targets, 256 * 3);
    let dials = rig.network.dials();
    let first: Vec<_> = dials.iter().take(2).map(|(_, address)| *address).collect();
    for leading in ["10.0.1.200:8443", "10.0.0.3:443"] {
        assert!(first.contains(&leading.parse().unwrap()), "{first:?}");
    }
    let stored = rig.memory.stored();
    let certificates = summary.outcomes.count(OutcomeKind::Certificate);
    let told = covered(&stored.coverage, OutcomeKind::Certificate);
    assert_eq!(told, u128::from(certificates));
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_is_not_dialled() {
    let mut rig = Rig::new(Network::new(varied), &["10.0.0.0/24"]);
    rig.memory = Memory::default();
    let port = "443".parse().unwrap();
    let dark = Dark {
        addresses: vec![(port, [10, 0, 0, 64].into(), [10, 0, 0, 127].into())],
        names: Vec::new(),
    };
    rig.recency = Recency::new(dark, &[]);
    let summary = rig.run().await.unwrap();
    assert_eq!(summary.outcomes.count(OutcomeKind::Fresh), 64);
    let stored = rig.memory.stored();
    assert_eq!(covered(&stored.coverage, OutcomeKind::Fresh), 64);
    let dialled = rig.network.dials();
    let fresh =
        |address: &SocketAddr| (64..128).any(|host| address.ip() == IpAddr::from([10, 0, 0, host]));
    assert!(!dialled.iter().any(|(_, address)| fresh(address)));
}

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

#[test]
fn the_job_of_the_examples_is_understood_and_runs() {
    let inventory = Inventory::new();
    let example = format!("{EXAMPLES}/nightly.toml");
    let dry = ["--config", &example, "--job", "nightly", "--dry-run"];
    let run = inventory.run("scan", &dry).exits(0);
    for line in ["window", "runs", "fresh", "known"] {
        assert!(run.stdout.contains(line), "no `{line}`: {run}");
    }

    let servers = Plain::greeting(1, GREETING);
    let text = fs::read_to_string(example).unwrap();
    let replaced = [
        ("10.0.0.0/8", servers.address().to_string()),
        ("mon-fri 22:00-06:00, sat,sun", String::new()),
        ("/var/lib/certsweep/", String::new()),
    ];
    let text = replaced.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let config = inventory.file("nightly.toml", &text);
    let words = [
        "--config",
        config.to_str().unwrap(),
        "--job",
        "nightly",
        "-q",
    ];
    let run = inventory.run("scan", &words).exits(0);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("", ""),
        "{run}"
    );
    for report in ["expiring.csv", "certificates.html", "certsweep.prom"] {
        assert!(beside(&inventory, report).exists(), "{report}");
    }
}

#[test]
fn the_units_of_the_examples_are_accepted_by_systemd() {
    let inventory = Inventory::new();
    let mut units = Vec::new();
    for name in ["certsweep.service", "certsweep.timer"] {
        let unit = fs::read_to_string(Path::new(EXAMPLES).join(name)).unwrap();
        let unit = unit.replace("/usr/local/bin/certsweep", env!("CARGO_BIN_EXE_certsweep"));
        units.push(inventory.file(name, &unit));
    }
    let mut verify = Command::new("systemd-analyze");
    let run = Run::of(verify.arg("verify").args(&units)).exits(0);
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn the_crontab_of_the_examples_runs_the_job_of_the_examples() {
    let crontab = fs::read_to_string(format!("{EXAMPLES}/crontab")).unwrap();
    let service = fs::read_to_string(format!("{EXAMPLES}/certsweep.service")).unwrap();
    let command = "certsweep --config /etc/certsweep/nightly.toml scan --job nightly -q";
    for text in [crontab, service] {
        let runs = text.lines().any(|line| line.ends_with(command));
        assert!(runs, "{text}");
    }
}
