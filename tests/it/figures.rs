//! Each figure of the HTML report counts the rows of its command.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::browser::visit;
use crate::owners::ending_in;
use crate::program::{Inventory, Run, certsweep};
use crate::servers::{Authority, Key, SServer};

/// An inventory with certificates that are over, that are about to be, and that
/// are missing.
fn of_every_kind(authority: &Authority) -> Inventory {
    let start = |identity| SServer::start(identity, &["-tls1_2"]);
    let one = authority.identity("one.example", Key::Ecdsa);
    let two = authority.identity("two.example", Key::Rsa);
    let past = authority.expired("past.example", Key::Ecdsa);
    let missing = authority.identity("missing.example", Key::Ecdsa);
    let stay = [&one, &two, &two, &past].map(start);
    let leave = [&missing; 3].map(start);
    let servers = stay.iter().chain(&leave);
    let targets: Vec<_> = servers.map(|server| server.address.to_string()).collect();
    let inventory = Inventory::new();
    inventory.sweep(&targets);
    drop(leave);
    inventory.sweep(&targets);
    let expiring = [20, 25].map(|days| ending_in(&inventory, days));
    inventory.run("import", &expiring).exits(0);
    inventory
}

#[test]
fn each_figure_counts_the_rows_of_its_command() {
    let authority = Authority::new();
    let inventory = of_every_kind(&authority);
    let path = inventory.path().with_file_name("page.html");
    let root = authority.root().to_str().unwrap();
    let trust = ["--no-system-roots", "--trust-store", root];
    let arguments = ["--format", "html", "-o", path.to_str().unwrap()];
    inventory
        .run("report", &[&arguments[..], &trust].concat())
        .exits(0);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let critical = "severity.value = 5, severity.dispatchEvent(new Event('change')), \
        document.getElementById('status').textContent";
    let made = "document.querySelector('footer').textContent";
    let visit = visit(
        &path,
        &[
            &figures(".headlines li"),
            &figures(".rules article"),
            LEGEND,
            made,
            critical,
        ],
    );
    assert_eq!(
        (visit.requests.len(), visit.complaints.len()),
        (0, 0),
        "{visit:?}"
    );
    let [headlines, rules, legend] = [0, 1, 2].map(|nth| -> Vec<(String, String)> {
        serde_json::from_value(visit.results[nth].clone()).unwrap()
    });
    let counts: Vec<&str> = headlines.iter().map(|(count, _)| count.as_str()).collect();
    // Installations and certificates; expired, about to be, and missing.
    assert_eq!(counts, ["9", "6", "1", "2", "3"]);
    let of_rule = |id: &str| {
        rules
            .iter()
            .any(|it| it.1.contains(&format!("--finding {id}")))
    };
    assert!(of_rule("expired") && !of_rule("untrusted"), "{rules:?}");
    assert_eq!(legend.len(), 6);
    for (count, command) in headlines.iter().chain(&rules).chain(&legend) {
        assert!(command.contains(root), "{command}");
        let rows = rows_of(command);
        assert_eq!(*count, rows.to_string(), "{command}");
    }
    let made = visit.results[3].as_str().unwrap();
    assert!(made.contains(&format!("{root}: 1 root, SHA-256")), "{made}");
    // Of these only what is over is critical.
    assert_eq!(visit.results[4], "Rows 1 to 1 of 1, filtered from 9");
}

#[test]
fn the_page_of_a_part_names_what_lists_each_of_its_figures() {
    let authority = Authority::new();
    let inventory = of_every_kind(&authority);
    let day = inventory.scans()[0]["started_at"].as_str().unwrap()[..10].to_owned();
    let path = inventory.path().with_file_name("part.html");
    // Installations and certificates, and then what there is room for.
    for (part, expected) in [
        (&["--at", &day][..], &["9", "6", "1", "2", "3"][..]),
        (&["--at", &day, "--expired"], &["1", "1", "1", "0"]),
        (&["--expired"], &["1", "1", "1", "0"]),
        (&["--expiring", "90d"], &["2", "2", "2", "0"]),
        (&["--expiring", "22d"], &["1", "1", "1", "0"]),
        (
            &["--expiring", "22d", "--expired"],
            &["2", "2", "1", "1", "0"],
        ),
        (&["--state", "missing"], &["3", "1", "0", "0", "3"]),
        (&["--state", "current"], &["6", "5", "1", "2"]),
        (&["--severity", "critical"], &["1", "1", "1", "0", "0"]),
    ] {
        let words = [&["--format", "html", "-o", path.to_str().unwrap()], part].concat();
        inventory.run("report", &words).exits(0);
        let visit = visit(&path, &[&figures(".headlines li"), LEGEND]);
        let [headlines, legend] = [0, 1].map(|nth| -> Vec<(String, String)> {
            serde_json::from_value(visit.results[nth].clone()).unwrap()
        });
        let counts: Vec<&str> = headlines.iter().map(|(count, _)| count.as_str()).collect();
        assert_eq!(counts, expected, "{part:?}");
        let named = legend.iter().filter(|(_, command)| !command.is_empty());
        for (count, command) in headlines.iter().chain(named) {
            assert_eq!(*count, rows_of(command).to_string(), "{command}");
        }
    }
}

#[test]
fn a_certificate_on_very_many_ports_of_a_host_counts_as_one_everywhere() {
    let authority = Authority::new();
    let past = authority.expired("past.example", Key::Ecdsa);
    let start = |identity| SServer::start(identity, &["-tls1_2"]);
    let other = authority.identity("other.example", Key::Ecdsa);
    let servers = [&past, &past, &past, &other].map(start);
    let inventory = Inventory::new();
    let config = inventory.file("c.toml", "[policy]\nports_per_host = 2\n");
    let config = ["--config", config.to_str().unwrap()];
    let addresses = servers.iter().map(|server| server.address.to_string());
    let swept: Vec<_> = addresses.chain(config.map(str::to_owned)).collect();
    let run = inventory.sweep(&swept);
    assert!(run.stdout.contains(": 1 critical, 1 error,"), "{run}");

    let run = inventory.run("check", &[&config[..], &["--json"]].concat());
    let document = &run.exits(4).json_lines()[0];
    let counts = ["installations", "endpoints", "failing"].map(|count| &document[count]);
    assert_eq!(counts, [2, 2, 1]);
    assert_eq!(document["worst"].as_array().unwrap().len(), 2);

    let path = inventory.path().with_file_name("page.html");
    let html = ["--format", "html", "-o", path.to_str().unwrap()];
    inventory
        .run("report", &[&html[..], &config].concat())
        .exits(0);
    let table = "document.getElementById('status').textContent";
    let visit = visit(
        &path,
        &[&figures(".headlines li"), &figures(".rules article"), table],
    );
    let [headlines, rules] = [0, 1].map(|nth| -> Vec<(String, String)> {
        serde_json::from_value(visit.results[nth].clone()).unwrap()
    });
    let counts: Vec<&str> = headlines.iter().map(|(count, _)| count.as_str()).collect();
    assert_eq!(counts, ["2", "2", "1", "0", "0"]);
    for (count, command) in headlines.iter().chain(&rules) {
        let rows = rows_of(command);
        assert_eq!(*count, rows.to_string(), "{command}");
    }
    assert_eq!(visit.results[2], "Rows 1 to 2 of 2");
    // A table has a row for every port all the same.
    assert_eq!(inventory.installations().len(), 4);
}

#[test]
fn what_changed_counts_the_rows_of_its_command() {
    let authority = Authority::new();
    let chain = ["-cert_chain", authority.intermediate().to_str().unwrap()];
    let start = |name: &str| SServer::start(&authority.identity(name, Key::Ecdsa), &chain);
    let (stays, goes) = (start("stays.example"), start("goes.example"));
    let mut targets = vec![stays.address.to_string(), goes.address.to_string()];
    let inventory = Inventory::new();
    inventory.sweep(&targets);
    let path = inventory.path().with_file_name("page.html");
    let changes = |filters: &[&str]| {
        let arguments = ["--format", "html", "-o", path.to_str().unwrap()];
        let run = inventory.run("report", &[&arguments[..], filters].concat());
        run.exits(0);
        let text = "document.getElementById('changes').textContent";
        let visit = visit(&path, &[text, &figures("#changes .lead")]);
        let [text, figures] = &visit.results[..] else {
            panic!("{visit:?}");
        };
        let figures: Vec<(String, String)> = match text.as_str().unwrap() {
            first if first.contains("no earlier scan") => Vec::new(),
            _ => serde_json::from_value(figures.clone()).unwrap(),
        };
        (text.as_str().unwrap().to_owned(), figures)
    };
    assert_eq!(changes(&[]).1, []);
    drop(goes);
    let comes = start("comes.example");
    targets.push(comes.address.to_string());
    inventory.sweep(&targets);
    let port = comes.address.port().to_string();
    let root = authority.root().to_str().unwrap();
    for (filters, expected) in [
        (&[][..], 2),
        (&["--name", "comes.*"], 1),
        (&["--port", &port], 1),
        (&["--state", "missing"], 1),
        (&["--name", "stays.*"], 0),
        (&["--ca", root, "--trust-store", root], 2),
        (&["--ca", &"0".repeat(64)], 0),
        (&["--finding", "expired"], 0),
        (
            &["--finding", "incomplete-chain", "--finding", "untrusted"],
            2,
        ),
    ] {
        let (_, figures) = changes(filters);
        let [(count, command)] = &figures[..] else {
            panic!("{filters:?}: {figures:?}");
        };
        assert_eq!(*count, expected.to_string(), "{filters:?}");
        assert_eq!(rows_of(command), expected, "{command}");
    }
}

#[test]
fn an_earlier_day_has_commands_of_that_day() {
    let authority = Authority::new();
    let identity = authority.identity("a.example", Key::Ecdsa);
    let server = SServer::start(&identity, &["-tls1_2"]);
    let inventory = Inventory::new();
    inventory.sweep(&[server.address.to_string()]);
    let day = inventory.scans()[0]["started_at"].as_str().unwrap()[..10].to_owned();
    let path = inventory.path().with_file_name("page.html");
    let arguments = [
        "--format",
        "html",
        "--at",
        &day,
        "-o",
        path.to_str().unwrap(),
    ];
    inventory.run("report", &arguments).exits(0);
    let coverage = "document.getElementById('coverage').textContent";
    let told = figures(".headlines li, .rules article");
    let visit = visit(&path, &[&told, coverage]);
    let coverage = visit.results[1].as_str().unwrap();
    assert!(coverage.contains("the coverage of now"), "{coverage}");
    let told: Vec<(String, String)> = serde_json::from_value(visit.results[0].clone()).unwrap();
    assert!(told.len() > 5, "{told:?}");
    for (count, command) in told {
        assert!(command.contains(&format!("--at {day}")), "{command}");
        assert_eq!(count, rows_of(&command).to_string(), "{command}");
    }
}

/// Each number that these elements show, with its command.
pub(crate) fn figures(elements: &str) -> String {
    format!(
        "[...document.querySelectorAll('{elements}')].map((it) => \
            [it.querySelector('strong').textContent, it.querySelector('code').textContent])"
    )
}

/// How many installations have each worst finding, with the command; empty
/// where there can be none.
const LEGEND: &str = "[...document.querySelectorAll('#findings .legend li')].map((it) => \
    [it.textContent.trim().split(' ')[0], it.querySelector('code')?.textContent ?? ''])";

/// How many rows a command lists that a page names, run as it stands there.
fn rows_of(command: &str) -> usize {
    let words = command.strip_prefix("certsweep ").unwrap();
    let json: &[&str] = match words.split(' ').next() {
        Some("report") => &["--format", "jsonl"],
        _ => &["--json"],
    };
    let mut program = certsweep();
    let unquoted = words.split(' ').map(|word| word.trim_matches('\''));
    program.args(unquoted).args(json);
    Run::of(&mut program).exits(0).json_lines().len()
}
