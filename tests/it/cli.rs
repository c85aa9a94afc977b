//! What scripts rely on: exit statuses, messages that say where the mistake
//! is, columns, fields, and that nothing is sent or written unasked.

use std::io::pipe;
use std::net::SocketAddr;

use crate::program::{COLUMNS, Inventory, OUTCOMES, Run, certsweep};
use crate::servers::{Authority, Key, Plain, SServer, own_loopback};

const COMMANDS: [&str; 7] = [
    "scan", "probe", "report", "scans", "check", "import", "prune",
];

/// Where nothing listens: each port of this process's own address is closed,
/// but for those that the tests of nginx open.
fn closed() -> SocketAddr {
    SocketAddr::new(own_loopback(), 7)
}

#[test]
fn help_is_done_and_has_examples() {
    Run::of(certsweep().arg("--help")).exits(0);
    for command in COMMANDS {
        let help = Run::of(certsweep().args([command, "--help"])).exits(0);
        let text = help.stdout.to_lowercase();
        assert!(text.contains("example"), "no example in\n{help}");
    }
}

#[test]
fn wrong_usage_exits_2_and_names_what_is_wrong() {
    let wrong: [(&[&str], &str); 10] = [
        (&["scan", "127.0.0.1", "--sni-everywhere"], "--sni-file"),
        (&["sweep"], "sweep"),
        (&["scan", "--fast", "127.0.0.1"], "--fast"),
        (&["scan", "10.0.0.300"], "10.0.0.300"),
        (&["scan", "10.0.0.0/33"], "10.0.0.0/33"),
        (&["scan", "10.0.0.9-10.0.0.1"], "10.0.0.9"),
        (&["scan", "127.0.0.1", "-p", "70000"], "70000"),
        (&["scan", "127.0.0.1", "--rate", "quick"], "quick"),
        (&["scan", "127.0.0.1", "--connect-timeout", "soon"], "soon"),
        (&["report", "--format", "xls"], "xls"),
    ];
    for (arguments, culprit) in wrong {
        let inventory = Inventory::new();
        let run = Run::of(
            certsweep()
                .args(arguments)
                .env("CERTSWEEP_DB", inventory.path()),
        );
        run.exits(2).complains_of(&[culprit]);
        assert!(
            !inventory.path().exists(),
            "{arguments:?} made an inventory"
        );
    }
}

#[test]
fn a_scan_of_nothing_is_wrong_usage() {
    Inventory::new().run::<&str>("scan", &[]).exits(2);
}

#[test]
fn a_wrong_target_in_a_file_is_named_with_its_file_and_line() {
    let inventory = Inventory::new();
    let file = inventory.file("targets.txt", "# the lab\n127.0.0.1\n10.0.0.1-9.0.0.1\n");
    let run = inventory
        .run("scan", &[format!("@{}", file.display())])
        .exits(2);
    assert!(
        run.stderr.contains("targets.txt:3") || run.stderr.contains("line 3"),
        "{run}"
    );
    run.complains_of(&["targets.txt", "10.0.0.1-9.0.0.1"]);
}

#[test]
fn a_wrong_line_in_an_exclude_file_stops_the_scan_before_it_begins() {
    let server = Plain::silent();
    let inventory = Inventory::new();
    let file = inventory.file("exclude.txt", "10.0.0.0/8\n10.0.0.0/99\n");
    let target = server.address().to_string();
    let run = inventory
        .run("scan", &[&target, "--exclude-file", file.to_str().unwrap()])
        .exits(2);
    run.complains_of(&["exclude.txt", "2", "10.0.0.0/99"]);
    assert_eq!(server.visits(), 0);
}

#[test]
fn an_unknown_key_in_the_configuration_is_shown_where_it_stands() {
    let inventory = Inventory::new();
    let file = inventory.file("sweep.toml", "[scan]\nretries = 1\nrtae = 100\n");
    let run = inventory.run(
        "scan",
        &["--dry-run", "127.0.0.1", "--config", file.to_str().unwrap()],
    );
    let run = run.exits(2).complains_of(&["sweep.toml", "rtae", "^"]);
    assert!(
        run.stderr.contains("sweep.toml:3") || run.stderr.contains("line 3"),
        "{run}"
    );
}

#[test]
fn the_example_configuration_is_accepted() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");
    let inventory = Inventory::new();
    inventory
        .run("scan", &["--dry-run", "127.0.0.1", "--config", example])
        .exits(0);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let inventory = Inventory::new();
    let file = inventory.file("wrong.toml", "nonsense = true\n");
    let empty = inventory.file("right.toml", "");
    let scan = |from_environment: &std::path::Path, from_flag: Option<&std::path::Path>| {
        let mut command = certsweep();
        command
            .args(["scan", "--dry-run", "127.0.0.1"])
            .env("CERTSWEEP_CONFIG", from_environment);
        if let Some(path) = from_flag {
            command.arg("--config").arg(path);
        }
        Run::of(&mut command)
    };
    scan(&file, None).exits(2);
    scan(&file, Some(&empty)).exits(0);
    scan(&empty, Some(&file)).exits(2);
}

#[test]
fn without_an_inventory_readers_exit_1_and_make_none() {
    let inventory = Inventory::new();
    for (command, arguments) in [("report", vec!["--format", "csv"]), ("scans", vec![])] {
        let run = inventory.run(command, &arguments).exits(1);
        run.complains_of(&["inventory.db"]);
        assert!(!inventory.path().exists(), "`{command}` made an inventory");
    }
}

#[test]
fn a_first_scan_makes_the_inventory_and_says_where() {
    let inventory = Inventory::new();
    let run = inventory.sweep(&[closed().to_string()]);
    run.complains_of(&[inventory.path().to_str().unwrap()]);
    assert!(inventory.path().exists());
}

#[test]
fn a_dry_run_counts_its_targets_and_sends_nothing() {
    let server = Plain::silent();
    let port = server.address().port();
    let inventory = Inventory::new();
    let ports = format!("{port},{}", port.wrapping_add(1).max(1));
    let words = [
        "--dry-run".to_owned(),
        "127.0.0.0/25".to_owned(),
        "-p".to_owned(),
        ports,
    ];
    let run = inventory.run("scan", &words).exits(0);
    assert!(
        run.stdout.contains("256"),
        "128 addresses on two ports, in\n{run}"
    );
    assert_eq!(server.visits(), 0, "a dry run connected");
    assert!(!inventory.path().exists(), "a dry run made an inventory");
}

#[test]
fn the_columns_of_the_report_are_those_of_the_contract() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    let report = inventory.run("report", &["--format", "csv"]).exits(0);
    let header = report.stdout.lines().next().unwrap_or_default();
    assert_eq!(header, COLUMNS);
    assert_eq!(COLUMNS.split(',').count(), 55);
}

#[test]
fn jsonl_has_the_fields_of_the_csv_under_the_same_names() {
    let authority = Authority::new();
    let identity = authority.identity("fields.sweep.test", Key::Ecdsa);
    let server = SServer::start(&identity, &["-tls1_2"]);
    let inventory = Inventory::new();
    inventory.sweep(&[server.address.to_string()]);

    let rows = inventory
        .run("report", &["--format", "jsonl"])
        .exits(0)
        .json_lines();
    let row = rows.iter().find(|row| row["sha256"] == *identity.sha256);
    let row = row.unwrap_or_else(|| panic!("not reported: {rows:#?}"));
    for column in COLUMNS.split(',') {
        assert!(row.get(column).is_some(), "no `{column}` in {row:#}");
    }
    assert_eq!(row["port"], server.address.port());
    assert_eq!(row["san"], serde_json::json!(["fields.sweep.test"]));
    assert_eq!(row["chain_sha256"], serde_json::json!([]));
}

#[test]
fn report_writes_the_same_into_a_file_as_to_stdout() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    let path = inventory.path().with_extension("csv");
    inventory
        .run("report", &["--format", "csv", "-o", path.to_str().unwrap()])
        .exits(0);
    let shown = inventory
        .run("report", &["--format", "csv"])
        .exits(0)
        .stdout;
    assert_eq!(std::fs::read_to_string(path).unwrap(), shown);
}

#[test]
fn scans_are_listed_oldest_first_with_every_field() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    inventory.sweep(&[format!("{}:7-9", closed().ip())]);
    let scans = inventory.scans();
    let ids: Vec<_> = scans
        .iter()
        .map(|scan| scan["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [1, 2]);
    for (scan, targets) in scans.iter().zip([1, 3]) {
        assert_eq!(scan["state"], "complete", "{scan}");
        assert_eq!(scan["targets"], targets, "{scan}");
        for moment in ["started_at", "finished_at"] {
            let text = scan[moment].as_str().unwrap_or_default();
            assert!(
                text.ends_with('Z') && text.contains('T'),
                "{moment}: {scan}"
            );
        }
        let counted = scan["outcomes"].as_object().unwrap();
        for word in OUTCOMES {
            let expected = if word == "refused" { targets } else { 0 };
            assert_eq!(counted[word], expected, "{word}: {scan}");
        }
        assert_eq!(counted.len(), OUTCOMES.len(), "{scan}");
    }
}

#[test]
fn a_scan_in_json_ends_with_its_summary() {
    let authority = Authority::new();
    let identity = authority.identity("json.sweep.test", Key::Ecdsa);
    let server = SServer::start(&identity, &["-tls1_2"]);
    let banner = Plain::greeting(1, b"220 ready\r\n");
    let inventory = Inventory::new();
    let lines = inventory
        .sweep(&[
            server.address.to_string(),
            banner.address().to_string(),
            "--json".to_owned(),
        ])
        .json_lines();
    let mut types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types.pop(), Some("summary"), "{lines:#?}");
    types.sort_unstable();
    assert_eq!(types, ["endpoint", "installation"], "{lines:#?}");
    let installation = lines
        .iter()
        .find(|line| line["type"] == "installation")
        .unwrap();
    assert_eq!(installation["sha256"], *identity.sha256);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    for (command, arguments) in [
        ("report", vec!["--format", "csv"]),
        ("scans", vec!["--json"]),
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut child = inventory.command(command);
        let status = child.args(arguments).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "`{command}` into a closed pipe");
    }
}

#[test]
fn quiet_says_nothing_on_stderr() {
    let inventory = Inventory::new();
    inventory.sweep(&[closed().to_string()]);
    let run = inventory.sweep(&[closed().to_string(), "-q".to_owned()]);
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let inventory = Inventory::new();
    inventory.sweep(&[format!("{}:7", own_loopback())]);
    let mut program = certsweep();
    program.env("CERTSWEEP_CONFIG", "").env("CERTSWEEP_DB", "");
    let run = Run::of(program.arg("scans").arg("--db").arg(inventory.path()));
    run.exits(0);
}
