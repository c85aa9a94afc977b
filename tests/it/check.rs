//! What monitoring gets: never green without something looked at.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use certsweep::domain::clock;
use time::OffsetDateTime;

use crate::program::Inventory;
use crate::servers::{Authority, Key, LongChain, SServer, own_loopback};

fn imported() -> Inventory {
    let authority = Authority::new();
    let identity = authority.identity("check.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.chain]).exits(0);
    inventory
}

#[test]
fn a_missing_or_empty_inventory_is_never_green() {
    let inventory = Inventory::new();
    for round in ["missing", "empty"] {
        for form in ["text", "json", "prometheus"] {
            let run = inventory.run("check", &["--format", form]);
            assert_eq!(run.code, Some(1), "{round}, {form}: {run}");
        }
        let run = inventory.run("check", &["--format", "nagios"]).exits(3);
        assert!(
            run.stdout.starts_with("CERTSWEEP UNKNOWN - "),
            "{round}: {run}"
        );
        // Where nothing listens: a scan that finds nothing.
        inventory.sweep(&[format!("{}:7", own_loopback())]);
    }
}

#[test]
fn a_plugin_that_was_set_up_wrong_says_that_it_can_not_tell() {
    let inventory = imported();
    let wrong = inventory.file("wrong.toml", "[policy]\nmax_aeg = \"8d\"\nx|y = 1\n");
    let wrong = ["--config", wrong.to_str().unwrap()];
    let lines: [&[&str]; 4] = [
        &["--fail-on", "fatal"],
        &["--bogus|\n\u{1b}[31m"],
        &["--new-since", "7"],
        &wrong,
    ];
    for words in lines {
        let words = [words, &["--format", "nagios"]].concat();
        let run = inventory.run("check", &words).exits(3);
        assert!(run.stdout.starts_with("CERTSWEEP UNKNOWN - "), "{run}");
        assert_eq!(run.stdout.lines().count(), 1, "{run}");
        assert!(!run.stdout.contains(['|', '\u{1b}']), "{run}");
    }
}

#[test]
fn a_filter_that_lets_nothing_through_is_not_green_either() {
    let inventory = imported();
    inventory.run("check", &["--port", "443"]).exits(1);
    let run = inventory
        .run("check", &["--format", "nagios", "--zone", "elsewhere"])
        .exits(3);
    assert!(run.stdout.contains("no installation"), "{run}");
}

#[test]
fn a_scan_that_is_not_there_is_wrong_usage() {
    let inventory = imported();
    let run = inventory.run("check", &["--new-since", "7"]).exits(2);
    run.complains_of(&["no scan 7", "certsweep scans"]);
    let told = ["report", "certs", "endpoints", "check", "diff"].map(|command| {
        let run = inventory.run(command, &["--scan", "99"]);
        run.exits(2).stderr
    });
    let expected = "error: there is no scan 99\nhint: `certsweep scans` lists them\n";
    assert!(told.iter().all(|it| it == expected), "{told:?}");
    let run = inventory.run("check", &["--fail-on", "fatal"]).exits(2);
    run.complains_of(&["fatal", "critical"]);
}

#[test]
fn metrics_are_written_for_every_certificate_and_replace_the_file() {
    let inventory = imported();
    let path = inventory.file("certsweep.prom", "old");
    let words = ["--format", "prometheus", "-o", path.to_str().unwrap()];
    inventory.run("check", &words);
    let page = std::fs::read_to_string(&path).unwrap();
    let series = "certsweep_certificate_not_after_timestamp_seconds{";
    assert_eq!(page.matches(series).count(), 2, "{page}");
    assert!(page.contains("subject_cn=\"check.sweep.test\""), "{page}");
    // 2037-01-01T00:00:00Z
    assert!(page.contains("} 2114380800\n"), "{page}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn metrics_do_not_stay_green_where_the_surroundings_broke() {
    let inventory = imported();
    let page = inventory.file("certsweep.prom", "old");
    let check = |page: &Path, config: &str| {
        let config = inventory.file("c.toml", config);
        let words = ["--format", "prometheus", "-o", page.to_str().unwrap()];
        let config = ["--config", config.to_str().unwrap()];
        inventory.run("check", &[&words[..], &config].concat())
    };
    let says = |state: &str| {
        let said = std::fs::read_to_string(&page).unwrap();
        let state = format!("certsweep_check_state{{state=\"{state}\"}} 1\n");
        assert!(said.contains(&state), "{said}");
        // What nobody counted is not nothing.
        let counts = ["failing", "unjudged", "with_severity"];
        for count in counts.map(|count| format!("\ncertsweep_installations_{count}")) {
            assert_eq!(said.contains(&count), state.contains("ok"), "{said}");
        }
        for count in ["\ncertsweep_installations ", "\ncertsweep_endpoints"] {
            assert_eq!(said.contains(count), state.contains("ok"), "{said}");
        }
        let mode = std::fs::metadata(&page).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    };
    let shared = "file_mode = \"0640\"\n";
    for broken in ["x = [\n", "[scan]\ntrust_store = [\"gone.pem\"]\n"] {
        check(&page, shared).exits(0);
        says("ok");
        check(&page, &[shared, broken].concat()).exits(2);
        says("unknown");
    }
    // It might be the inventory that only the configuration names.
    let other = inventory.file("other.db", "SQLite format 3");
    check(&other, "x = [\n").exits(2);
    let left = std::fs::read_to_string(&other).unwrap();
    assert_eq!(left, "SQLite format 3");
}

#[test]
fn the_document_is_one_line_of_json() {
    let inventory = imported();
    let run = inventory.run("check", &["--json"]);
    let [document] = <[_; 1]>::try_from(run.json_lines()).unwrap();
    assert_eq!(document["type"], "check");
    assert_eq!(document["installations"], 2);
    let again = inventory.run("check", &["--format", "json"]).json_lines();
    assert_eq!(again[0]["installations"], 2);
}

/// A certificate of version 1 for a day long past.
fn version_1(inventory: &Inventory) -> std::path::PathBuf {
    let openssl = |words: &[&str]| {
        let folder = inventory.path();
        let mut openssl = Command::new("openssl");
        openssl.current_dir(folder.parent().unwrap()).args(words);
        let made = openssl.stderr(std::process::Stdio::null()).status();
        assert!(made.unwrap().success());
    };
    openssl(&[
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "old.key",
        "-subj",
        "/CN=old.sweep.test",
        "-out",
        "old.csr",
    ]);
    openssl(&[
        "x509", "-req", "-in", "old.csr", "-signkey", "old.key", "-days", "-1", "-out", "old.pem",
    ]);
    inventory.path().with_file_name("old.pem")
}

#[test]
fn a_certificate_of_version_1_is_checked_like_any_other() {
    let inventory = Inventory::new();
    let certificate = version_1(&inventory);
    inventory.run("import", &[certificate]).exits(0);
    let run = inventory.run("check", &["--json"]).exits(4);
    let [document] = <[_; 1]>::try_from(run.json_lines()).unwrap();
    let worst = &document["worst"][0];
    assert_eq!(
        (&worst["finding"], &worst["fails"]),
        (&"expired".into(), &true.into())
    );
    assert_eq!(worst["subject"], "old.sweep.test");
}

#[test]
fn imports_are_judged_by_the_stores_that_are_named() {
    let authority = Authority::new();
    let identity = authority.identity("judged.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&identity.certificate]).exits(0);
    let root = authority.root().to_str().unwrap();
    let trust = ["--no-system-roots", "--trust-store", root];
    let told = |words: &[&str]| {
        let run = inventory.run("report", &[&["--format", "jsonl"], words].concat());
        let lines = run.exits(0).json_lines();
        let row = lines
            .into_iter()
            .find(|row| row["sha256"] == *identity.sha256);
        let row = row.unwrap();
        (
            row["trust"].as_str().unwrap().to_owned(),
            row["trusted_by"].clone(),
        )
    };
    assert_eq!(told(&trust).0, "incomplete-chain");
    inventory
        .run("check", &[&trust[..], &["--fail-on", "error"]].concat())
        .exits(4);

    inventory
        .run("import", &[authority.intermediate()])
        .exits(0);
    assert_eq!(told(&[]).0, "incomplete-chain", "no store has the root");
    let (verdict, stores) = told(&trust);
    assert_eq!(
        (verdict.as_str(), stores),
        ("trusted", serde_json::json!([root]))
    );
    inventory
        .run("check", &[&trust[..], &["--fail-on", "error"]].concat())
        .exits(0);
    let run = inventory
        .run("check", &[&trust[..], &["--json"]].concat())
        .exits(0);
    let stores = run.json_lines()[0]["trust_stores"].clone();
    let stores: Vec<_> = stores
        .as_array()
        .unwrap()
        .iter()
        .map(|store| store.as_str().unwrap())
        .collect();
    assert!(
        stores
            .iter()
            .any(|store| store.starts_with(root) && store.contains("1 root,")),
        "{stores:?}"
    );
}

#[test]
fn a_check_takes_every_filter_of_a_report() {
    let authority = Authority::new();
    let good = authority.identity("good.sweep.test", Key::Ecdsa);
    let bad = authority.expired("bad.sweep.test", Key::Ecdsa);
    let inventory = Inventory::new();
    inventory
        .run("import", &[&good.certificate, &bad.certificate])
        .exits(0);
    let config = "[[owner]]\nnames = [\"bad.*\"]\nowner = \"old guard\"\ntags = [\"attic\"]\n\
        [[owner]]\nnames = [\"good.*\"]\nowner = \"web\"\n\
        [[owner]]\nnames = [\"no.*\"]\nowner = \"nobody\"\ntags = [\"none\"]\n";
    let config = inventory.file("c.toml", config);
    let config = config.to_str().unwrap();
    let check = |words: &[&str]| {
        let run = inventory.run("check", &[&["--json", "--config", config], words].concat());
        let code = run.code;
        (code, run.json_lines()[0]["installations"].as_u64())
    };
    let failed = (Some(4), Some(1));
    let green = (Some(0), Some(1));
    assert_eq!(check(&[]), (Some(4), Some(2)));
    for (words, expected) in [
        (["--owner", "old guard"], failed),
        (["--owner", "web"], green),
        (["--tag", "attic"], failed),
        (["--finding", "expired"], failed),
        (["--name", "good.*"], green),
        (["--cert", &good.sha256], green),
        (["--cert", bad.certificate.to_str().unwrap()], failed),
        (["--state", "current"], (Some(4), Some(2))),
    ] {
        assert_eq!(check(&words), expected, "{words:?}");
    }
    assert_eq!(check(&["--expired"]), failed);
    assert_eq!(
        check(&["--expiring", "1d"]),
        (Some(0), Some(0)),
        "nothing of it is good news"
    );
    let well = |worst: &str| check(&["--owner", "web", "--severity", worst]);
    assert_eq!(
        well("critical"),
        (Some(0), Some(0)),
        "nothing critical neither"
    );
    assert_eq!(
        check(&["--tag", "none"]).0,
        Some(1),
        "nothing to look at is not"
    );
}

/// What a check says of a server whose certificate lasts, as that one above it
/// does not: by its filters on expiry, of how many installations.
fn checked_below(position: usize, days: i64, filter: &[&str]) -> (Option<i32>, Option<u64>) {
    let now = OffsetDateTime::from_unix_timestamp(clock::now().seconds()).unwrap();
    let chain = LongChain::ending_above(position, now + time::Duration::days(days));
    let inventory = Inventory::new();
    let [leaf, issuer, root] = <[Vec<u8>; 3]>::try_from(chain.certificates.clone()).unwrap();
    let pem = |name: &str, der: &[u8]| {
        let block = pem::encode(&pem::Pem::new("CERTIFICATE", der));
        inventory.file(name, &block).to_str().unwrap().to_owned()
    };
    let (issuer, root) = (pem("issuer.pem", &issuer), pem("root.pem", &root));
    let leaf = pem("leaf.pem", &leaf);
    // The root is not sent.
    let sent = ["-cert_chain", &issuer, "-tls1_2"];
    let server = SServer::showing(leaf.as_ref(), &chain.key_file, &sent);
    inventory.sweep(&[server.address.to_string()]);
    let trust = ["--json", "--no-system-roots", "--trust-store", &root];
    let run = inventory.run("check", &[&trust, filter].concat());
    let code = run.code;
    (code, run.json_lines()[0]["installations"].as_u64())
}

#[test]
fn a_check_of_what_expires_looks_at_the_whole_chain() {
    let failed = (Some(4), Some(1));
    let green = (Some(0), Some(0));
    for position in [1, 2] {
        let expiring = ["--expiring", "30d"];
        assert_eq!(checked_below(position, 5, &expiring), failed, "{position}");
        assert_eq!(checked_below(position, -5, &["--expired"]), failed);
        assert_eq!(checked_below(position, -5, &expiring), green, "{position}");
        assert_eq!(checked_below(position, 5, &["--expired"]), green);
        assert_eq!(checked_below(position, 300, &expiring), green);
    }
}

/// An expired certificate at two servers, the first of which has had another
/// one beside it, and has that alone by now; and the addresses of both.
pub(crate) fn replaced_at_one_place() -> (Inventory, [SocketAddr; 2]) {
    let authority = Authority::new();
    let old = authority.expired("old.sweep.test", Key::Rsa);
    let new = authority.identity("old.sweep.test", Key::Ecdsa);
    let beside = [
        "-dcert".as_ref(),
        old.certificate.as_os_str(),
        "-dkey".as_ref(),
        old.key.as_os_str(),
    ];
    let both = SServer::start(&new, &beside);
    let other = SServer::start(&old, &["-tls1_2"]);
    let places = [both.address, other.address];
    let targets = places.map(|place| place.to_string());
    let inventory = Inventory::new();
    let thorough = ["--profile", "thorough"].map(str::to_owned);
    inventory.sweep(&[&thorough[..], &targets].concat());
    let _new = SServer::instead_of(both, &new);
    inventory.sweep(&targets);
    (inventory, places)
}

#[test]
fn what_was_replaced_does_not_count_though_the_filters_hide_its_successor() {
    let (inventory, places) = replaced_at_one_place();
    let check = |place: SocketAddr, words: &[&str]| {
        let (network, port) = (place.ip().to_string(), place.port().to_string());
        let place = ["--network", &network, "--port", &port, "--json"];
        let run = inventory.run("check", &[&place, words].concat());
        let code = run.code;
        (code, run.json_lines()[0]["installations"].as_u64())
    };
    let filters: [&[&str]; 4] = [
        &["--expired"],
        &["--finding", "expired"],
        &["--state", "missing"],
        &["--severity", "critical"],
    ];
    for words in filters {
        assert_eq!(check(places[0], words), (Some(0), Some(0)), "{words:?}");
    }
    assert_eq!(check(places[0], &[]), (Some(0), Some(1)));
    assert_eq!(check(places[1], &["--expired"]), (Some(4), Some(1)));
}

#[test]
fn only_what_is_new_since_a_scan_counts() {
    let authority = Authority::new();
    let before = authority.expired("before.sweep.test", Key::Ecdsa);
    let after = authority.expired("after.sweep.test", Key::Rsa);
    let inventory = Inventory::new();
    inventory.run("import", &[&before.certificate]).exits(0);
    inventory.sweep(&[format!("{}:7", own_loopback())]);
    inventory.run("check", &[] as &[&str]).exits(4);
    let since = ["--new-since", "1", "--json"];
    let run = inventory.run("check", &since).exits(0);
    assert_eq!(run.json_lines()[0]["installations"], 0);
    inventory.run("import", &[&after.certificate]).exits(0);
    let run = inventory.run("check", &since).exits(4);
    assert_eq!(
        run.json_lines()[0]["worst"][0]["subject"],
        "after.sweep.test"
    );
}

/// An inventory of one server, and a policy by which every look is too old.
fn looked_at(authority: &Authority) -> (Inventory, SocketAddr, PathBuf) {
    let identity = authority.identity("aged.sweep.test", Key::Ecdsa);
    let server = SServer::start(&identity, &["-tls1_2"]);
    let inventory = Inventory::new();
    inventory.sweep(&[server.address.to_string()]);
    let strict = inventory.file("strict.toml", "[policy]\nmax_age = \"0s\"\n");
    (inventory, server.address, strict)
}

#[test]
fn the_age_of_a_look_is_limited_by_the_policy_unless_a_flag_says_otherwise() {
    let authority = Authority::new();
    let (inventory, address, strict) = looked_at(&authority);
    let special = format!(
        "[[policy.override]]\nnetworks = [\"{}\"]\nmax_age = \"0s\"\n",
        address.ip()
    );
    let special = inventory.file("special.toml", &special);
    let named = "[[policy.override]]\nnames = [\"aged.*\"]\nmax_age = \"0s\"\n";
    let named = inventory.file("named.toml", named);
    let overdue = |words: &[&str]| {
        let run = inventory.run("check", &[&["--json"], words].concat());
        run.json_lines()[0]["endpoints_overdue"].clone()
    };
    assert_eq!(overdue(&[]), 0);
    for config in [&strict, &special, &named] {
        let config = ["--config", config.to_str().unwrap()];
        assert_eq!(overdue(&config), 1, "{config:?}");
        let flag = [&config[..], &["--max-age", "8d"]].concat();
        assert_eq!(overdue(&flag), 0, "the flag wins");
    }
    assert_eq!(overdue(&["--max-age", "0s"]), 1);
    let root = authority.root().to_str().unwrap();
    let words = [
        "--max-age",
        "0s",
        "--fail-on",
        "warning",
        "--trust-store",
        root,
    ];
    inventory.run("check", &words).exits(4);
}

#[test]
fn an_endpoint_that_was_not_looked_at_fails_where_its_age_is_a_flag_and_else_warns() {
    let (inventory, _, strict) = looked_at(&Authority::new());
    let strict = ["--json", "--config", strict.to_str().unwrap()];
    let state = |words: &[&str], code| {
        let run = inventory.run("check", &[&strict, words].concat());
        run.exits(code).json_lines()[0]["state"].clone()
    };
    assert_eq!(state(&[], 0), "warning");
    assert_eq!(state(&["--max-age", "0s"], 4), "failed");
    assert_eq!(state(&["--max-age", "8d"], 0), "ok");
    let help = inventory.run("check", &["--help"]).exits(0).stdout;
    let told = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("not looked at fail it with --max-age"),
        "{help}"
    );
}

/// Wrong words for a command, and what it says to them.
type Wrong<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

const WRONG: [Wrong<'_>; 35] = [
    ("report", &["--name", "["], &["`[` is no pattern"]),
    ("certs", &["--name", ""], &["the pattern is empty"]),
    (
        "certs",
        &["--ca", "/"],
        &["--ca /: ", "hint: files with PEM"],
    ),
    (
        "man",
        &["--folder", "no/such"],
        &["no/such: ", "--folder names"],
    ),
    ("check", &["--max-age", "soon"], &["`soon`", "30d"]),
    ("report", &["--expiring", "soon"], &["`soon`", "30d"]),
    ("prune", &["--older-than", "soon"], &["`soon`", "30d"]),
    (
        "report",
        &["--scan", "x"],
        &["`x` is not the number of a scan", "certsweep scans"],
    ),
    ("diff", &["x"], &["`x`", "certsweep scans"]),
    (
        "endpoints",
        &["--network", "300.1.1.1"],
        &["`300.1.1.1` is not a network", "ADDRESS/LENGTH"],
    ),
    ("certs", &["--owner", ""], &["--owner"]),
    ("diff", &["--tag", ""], &["--tag"]),
    (
        "report",
        &["--mail-from", "ops@sweep.test"],
        &["--mail-from needs --format eml"],
    ),
    (
        "report",
        &["-o", "no/such/a.csv"],
        &["no/such/a.csv", "create the directory first"],
    ),
    ("check", &["-o", "/"], &["-o names a file"]),
    (
        "certs",
        &["--trust-store", "no/such.pem"],
        &["no/such.pem: No such file", "hint: "],
    ),
    ("check", &["--format", "xml"], &["xml", "nagios"]),
    ("check", &["--fail-on", "fatal"], &["fatal", "critical"]),
    (
        "check",
        &["--new-since", "yesterday"],
        &["--new-since", "yesterday"],
    ),
    (
        "check",
        &["--new-since", "7"],
        &["no scan 7", "certsweep scans"],
    ),
    (
        "check",
        &["--json", "--format", "text"],
        &["--json", "--format"],
    ),
    ("check", &["--finding", "ugly"], &["ugly", "expired"]),
    (
        "check",
        &["--network", "10.0.0.0/33"],
        &["--network", "10.0.0.0/33"],
    ),
    ("check", &["--expiring", "soon"], &["--expiring", "soon"]),
    ("import", &[], &["FILE"]),
    (
        "import",
        &["no/such/file"],
        &["no/such/file", "nothing was imported"],
    ),
    ("prune", &["--yes"], &["--older-than"]),
    (
        "prune",
        &["--older-than", "long"],
        &["--older-than", "long"],
    ),
    ("prune", &["--older-than", "1d"], &["--yes"]),
    ("report", &["--chain"], &["--chain", "pem or der"]),
    ("report", &["--split", "network"], &["network", "owner"]),
    (
        "report",
        &["--split", "owner"],
        &["--split owner", "-o DIRECTORY"],
    ),
    (
        "report",
        &["--format", "eml"],
        &["--format eml", "-o DIRECTORY"],
    ),
    (
        "report",
        &["--notify-once"],
        &["--notify-once", "--format eml"],
    ),
    (
        "report",
        &["--mail-from", "me", "--format", "eml"],
        &["--mail-from", "ops@example.com"],
    ),
];

#[test]
fn a_wrong_flag_exits_2_and_says_how_to_put_it_right() {
    let inventory = imported();
    let file = inventory.file("no-certificate.txt", "hello\n");
    let file = file.to_str().unwrap();
    let of_the_file: [Wrong<'_>; 2] = [
        ("check", &["--trust-store", file], &[file]),
        ("import", &[file], &[file, "nothing was imported"]),
    ];
    for (command, words, told) in WRONG.into_iter().chain(of_the_file) {
        inventory.run(command, words).exits(2).complains_of(told);
    }
}
