//! The HTML report in a real browser: hostile names do nothing there, and the
//! table works.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certsweep::domain::{
    Fingerprint, OutcomeKind, Port, ScanId, ScanState, Tally, Timestamp, Trust,
};
use certsweep::judge::{self, Judgement};
use certsweep::report::html::{About, Html, Scope};
use certsweep::report::{
    CertificateRow, Coverage, EventKind, EventRow, Head, Installation, InstallationState, ScanRow,
    SessionRow, Source, StatedStore,
};
use tempfile::TempDir;

use crate::browser::visit;
use crate::figures::figures;
use crate::hostile_texts::hostile;
use crate::program::Inventory;
use crate::servers::{Authority, Key, SServer, SelfSigned};

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// An installation with `text` wherever it has a text, and another certificate
/// for another `nth`.
fn installation(text: &str, nth: u32) -> Installation {
    let some = || Some(text.to_owned());
    let list = || vec![text.to_owned()];
    let days = i64::from(nth % 400) - 10;
    let certificate = CertificateRow {
        sha256: Fingerprint::of(&nth.to_be_bytes()),
        sha1: [0xab; 20],
        spki_sha256: None,
        subject_cn: some(),
        subject_dn: some(),
        issuer_cn: some(),
        issuer_dn: some(),
        serial: None,
        not_before: None,
        not_after: Some(Timestamp::from_seconds(now().seconds() + days * 86_400)),
        alternative_names: list(),
        key_type: some(),
        key_bits: None,
        signature_algorithm: some(),
        key_usage: list(),
        extended_key_usage: list(),
        self_signed: Some(false),
        is_ca: Some(false),
        parse_fault: None,
        der: None,
    };
    Installation {
        zone: Some("default".parse().unwrap()),
        host: text.to_owned(),
        ip: Some((0x0a00_0000 + nth).to_be_bytes().into()),
        port: Some(Port::HTTPS),
        sni: some(),
        declined_names: Vec::new(),
        starttls: some(),
        pointer: some(),
        session: Arc::new(SessionRow {
            tls_version: some(),
            protocols: list(),
            protocols_refused: list(),
            cipher_suite: some(),
            key_exchange: some(),
            client_auth: some(),
            alpn: some(),
            client_auth_issuers: list(),
            hybrid_group: some(),
        }),
        certificate: certificate.into(),
        chain: Arc::default(),
        chain_not_after: None,
        installations: 1,
        state: InstallationState::Current,
        previous: None,
        first_seen: now(),
        last_seen: Some(now()),
        last_checked: Some(now()),
        source: Source::Scan,
        scan: Some(ScanId::new(7)),
        judgement: Some(Arc::new(Judgement {
            trust: Trust::Trusted,
            trust_reason: text.to_owned(),
            trusted_by: list(),
            root: some(),
            unsent_not_after: None,
            findings: Vec::new(),
            accepted: Vec::new(),
            owner: some(),
            tags: list(),
            is_one_of_many: false,
            max_age: Duration::ZERO,
        })),
    }
}

fn coverage(text: &str) -> Coverage {
    let mut outcomes = Tally::default();
    outcomes.add(OutcomeKind::Certificate);
    Coverage {
        zone: "default".parse().unwrap(),
        network: text.to_owned(),
        port: Port::HTTPS,
        outcomes,
        exclusions: vec![text.to_owned()],
        remarks: vec![text.to_owned()],
        oldest_look: now(),
        latest_look: now(),
    }
}

fn scan(number: i64) -> ScanRow {
    ScanRow {
        id: ScanId::new(number),
        started_at: now(),
        finished_at: Some(now()),
        state: ScanState::Complete,
        targets: 1,
        outcomes: Tally::default(),
        note: None,
        settings: "{}".to_owned(),
        ended_by: None,
        operator: None,
        run: number,
        incidents: Vec::new(),
        unlisted: 0,
    }
}

/// A change with `text` wherever it has a text.
fn event(text: &str) -> EventRow {
    let some = || Some(text.to_owned());
    EventRow {
        id: text.to_owned(),
        kind: EventKind::Renewed,
        at: now(),
        scan: ScanId::new(2),
        zone: "default".parse().unwrap(),
        host: text.to_owned(),
        ip: "10.0.0.1".parse().unwrap(),
        port: Port::HTTPS,
        sni: some(),
        starttls: some(),
        sha256: Fingerprint::of(b"new"),
        subject: some(),
        issuer_dn: some(),
        not_after: Some(now()),
        previous: Some(Fingerprint::of(b"old")),
        previous_subject: some(),
        moved_from: None,
    }
}

/// A page of installations with these texts, which are in everything else of
/// it that is not ours, too.
fn write_page(path: &Path, texts: &[String]) {
    // Commands are shown whole, and nobody writes 64 KiB on a command line.
    let filters = texts.iter().filter(|text| text.len() < 1_000);
    let about = About {
        head: Head {
            trust_stores: texts.iter().map(|text| store(text)).collect(),
            ..Head::at(now())
        },
        scope: Scope::of(filters.map(|text| ("--issuer", text.clone())).collect()),
        settings: texts
            .iter()
            .map(|text| (text.clone(), text.clone()))
            .collect(),
        rules: &judge::ALL,
    };
    let mut page = Html::begin(File::create(path).unwrap(), about);
    for (text, nth) in texts.iter().zip(0..) {
        page.row(&installation(text, nth)).unwrap();
        page.coverage(&coverage(text));
    }
    page.compare(&scan(1), &scan(2));
    for text in texts {
        page.change(&event(text));
    }
    page.end().unwrap();
}

fn store(text: &str) -> StatedStore {
    StatedStore {
        name: text.to_owned(),
        roots: 1,
        hash: Fingerprint::of(b""),
    }
}

fn plain_about() -> About {
    About {
        head: Head::at(now()),
        scope: Scope::default(),
        settings: Vec::new(),
        rules: &judge::ALL,
    }
}

/// A page of so many plain installations.
fn write_plain(path: &Path, count: u32) {
    let mut page = Html::begin(File::create(path).unwrap(), plain_about());
    for nth in 0..count {
        let name = format!("host-{nth}.example.com");
        page.row(&installation(&name, nth)).unwrap();
    }
    page.end().unwrap();
}

/// The names of all elements, in their order, once every part is open.
const ELEMENTS: &str = "document.querySelectorAll('details').forEach((it) => it.open = true), \
    [...document.querySelectorAll('*')].map((it) => it.localName).join(' ')";

/// The names of all attributes that are not there for every text.
const ATTRIBUTES: &str = "[...new Set([...document.querySelectorAll('*')]\
    .flatMap((it) => it.getAttributeNames()))].sort().join(' ')";

#[test]
fn hostile_names_make_the_page_that_plain_ones_make_and_do_nothing() {
    let folder = TempDir::new().unwrap();
    let page_of = |name: &str, texts: &[String]| {
        let path = folder.path().join(name);
        write_page(&path, texts);
        let visit = visit(&path, &[ELEMENTS, ATTRIBUTES, "typeof window.owned"]);
        assert_eq!(visit.requests, [] as [String; 0]);
        assert_eq!(visit.complaints, [] as [String; 0]);
        visit.results
    };
    let hostile = hostile();
    // As long as those that are cut, where those are.
    let plain: Vec<String> = (0..hostile.len())
        .map(|nth| format!("plain-{nth}-{}", "x".repeat(40)))
        .collect();
    let (hostile, plain) = (page_of("hostile", &hostile), page_of("plain", &plain));
    assert_eq!(hostile, plain);
    assert_eq!(hostile[2], "undefined");
}

#[test]
fn the_browser_of_these_tests_hears_what_a_page_does() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.html");
    let page = "<script>alert('owned')</script><img src='http://192.0.2.1/owned.png'>";
    fs::write(&path, page).unwrap();
    let visit = visit(&path, &["1 + 1"]);
    assert_eq!(visit.results, [2]);
    assert_eq!(visit.requests, ["http://192.0.2.1/owned.png"]);
    assert!(
        visit.complaints.iter().any(|it| it == "dialog: owned"),
        "{visit:?}"
    );
}

/// What the table shows: its first row's host, and where it stands.
const SHOWN: &str = "table.tBodies[0].rows[0].cells[2].textContent + ' | ' \
    + document.getElementById('status').textContent";

/// Resolves when the table has changed.
const CHANGED: &str = "new Promise((done) => new MutationObserver(() => done(true))\
    .observe(document.getElementById('status'), { childList: true }))";

#[test]
fn the_table_sorts_filters_and_turns_pages() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.html");
    write_plain(&path, 1_250);
    let days = "document.querySelector('th:nth-child(7) button').click()";
    let address = "document.querySelector('th:nth-child(4) button').click()";
    let sorted = "[...document.querySelectorAll('th[aria-sort]')]\
        .map((it) => it.ariaSort).indexOf('descending')";
    let type_words = format!(
        "words.value = 'HOST-12 example', words.dispatchEvent(new Event('input')), {CHANGED}"
    );
    let clear = format!("document.querySelector('[type=reset]').click(), {CHANGED}");
    let visit = visit(
        &path,
        &[
            SHOWN,
            days,
            SHOWN,
            days,
            SHOWN,
            sorted,
            address,
            "next.click()",
            SHOWN,
            "last.click()",
            SHOWN,
            "last.disabled && next.disabled && !first.disabled",
            &type_words,
            SHOWN,
            "next.click()",
            SHOWN,
            &clear,
            SHOWN,
        ],
    );
    assert_eq!(visit.complaints, [] as [String; 0]);
    let shown: Vec<&str> = visit.results.iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(
        shown,
        [
            "host-0.example.com | Rows 1 to 100 of 1,250",
            "host-0.example.com | Rows 1 to 100 of 1,250",
            "host-399.example.com | Rows 1 to 100 of 1,250",
            "host-100.example.com | Rows 101 to 200 of 1,250",
            "host-1200.example.com | Rows 1,201 to 1,250 of 1,250",
            "host-12.example.com | Rows 1 to 61 of 61, filtered from 1,250",
            "host-12.example.com | Rows 1 to 61 of 61, filtered from 1,250",
            "host-0.example.com | Rows 1 to 100 of 1,250",
        ]
    );
    assert_eq!(visit.results[5], 6);
    assert_eq!(visit.results[11], true);
}

#[test]
fn the_tables_filters_count_what_the_page_counts() {
    let authority = Authority::new();
    let past = authority.expired("past.example", Key::Ecdsa);
    let old = SelfSigned::new("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let goes = SServer::start(&authority.identity("goes.example", Key::Rsa), &["-tls1_2"]);
    let servers = [
        SServer::start(&past, &["-tls1_2"]),
        SServer::showing(&old.certificate, &old.key, &["-tls1_2"]),
    ];
    let inventory = Inventory::new();
    let mut targets: Vec<_> = servers.iter().map(|it| it.address.to_string()).collect();
    targets.push(goes.address.to_string());
    inventory.sweep(&targets);
    drop(goes);
    inventory.sweep(&targets);
    let path = inventory.path().with_file_name("page.html");
    let arguments = ["--format", "html", "-o", path.to_str().unwrap()];
    inventory.run("report", &arguments).exits(0);
    let choose = "((id, value) => { const it = document.getElementById(id); \
        it.value = value; it.dispatchEvent(new Event('change')); \
        const rows = [...table.tBodies[0].rows].length; \
        it.value = it.options[0].value; it.dispatchEvent(new Event('change')); \
        return rows; })";
    let findings = format!(
        "[...finding.options].slice(1).map((it) => [it.value, {choose}('finding', it.value)])"
    );
    let severities =
        format!("[...severity.options].map((it) => [it.value, {choose}('severity', it.value)])");
    let missing = format!("{choose}('state', 'missing')");
    let counted = "[...document.querySelectorAll('#findings .legend li')]\
        .map((it) => Number(it.firstElementChild.nextSibling.textContent))";
    let visit = visit(
        &path,
        &[
            &findings,
            &figures(".rules article"),
            &severities,
            counted,
            &missing,
        ],
    );
    assert_eq!(visit.complaints, [] as [String; 0]);
    let results = visit.results;
    let chosen: Vec<(String, u64)> = serde_json::from_value(results[0].clone()).unwrap();
    let told: Vec<(String, String)> = serde_json::from_value(results[1].clone()).unwrap();
    assert!(chosen.len() > 4 && chosen.len() == told.len(), "{chosen:?}");
    for ((rule, rows), (count, command)) in chosen.iter().zip(&told) {
        assert!(command.contains(&format!("--finding {rule}")), "{command}");
        assert_eq!(rows.to_string(), *count, "{rule}");
    }
    // Worst first, as the legend has them: each is chosen with all that are
    // worse.
    let severities: Vec<(String, u64)> = serde_json::from_value(results[2].clone()).unwrap();
    let counted: Vec<u64> = serde_json::from_value(results[3].clone()).unwrap();
    let mut rows = 0;
    for ((_, chosen), count) in severities.iter().rev().zip(&counted) {
        rows += count;
        assert_eq!(*chosen, rows, "{severities:?} {counted:?}");
    }
    assert_eq!((rows, &results[4]), (3, &1.into()));
}

#[test]
fn the_table_is_worked_by_the_keyboard_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.html");
    write_plain(&path, 250);
    let focused = "document.activeElement.id || document.activeElement.textContent.trim()";
    let sorted = "document.querySelector('#table th:nth-child(3)').ariaSort";
    // Skip to the table, past its four controls and the button that clears
    // them, into its region, and to the third column; then to the pages.
    let mut steps = vec!["press Tab", focused, "press Enter", "press Tab", focused];
    steps.extend(["press Tab"; 8]);
    steps.extend([focused, "press Enter", sorted, "press Enter", sorted]);
    steps.extend(["press Tab"; 11]);
    steps.extend([focused, "press Enter", SHOWN]);
    let visit = visit(&path, &steps);
    let told: Vec<_> = visit.results.iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(
        told,
        [
            "Skip to the table of installations",
            "words",
            "Host",
            "ascending",
            "descending",
            "next",
            "host-149.example.com | Rows 101 to 200 of 250",
        ]
    );
}

#[test]
fn the_keyboard_reaches_everything_and_controls_have_names() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.html");
    write_plain(&path, 3);
    let unnamed = "[...document.querySelectorAll('button, input, select')]\
        .filter((it) => it.tabIndex < 0 || !(it.textContent.trim() || it.labels?.length)).length";
    let headless = "[...document.querySelectorAll('table')]\
        .filter((it) => !it.querySelector('th[scope=col]')).length";
    let undrawn = "[...document.querySelectorAll('svg:not([aria-hidden])')]\
        .filter((it) => !it.querySelector('title') || !it.querySelector('desc')).length";
    let visit = visit(&path, &[unnamed, headless, undrawn]);
    assert_eq!(visit.results, [0, 0, 0]);
}

/// Where the table stands, and the hosts of all rows that it shows.
const HOSTS: &str = "[document.getElementById('status').textContent, \
    ...[...table.tBodies[0].rows].map((row) => row.cells[2].textContent)]";

/// As [`HOSTS`], of the hosts with these numbers.
fn hosts(status: &str, numbers: impl IntoIterator<Item = u32>) -> serde_json::Value {
    let hosts = numbers.into_iter().map(numbered);
    [status.to_owned()].into_iter().chain(hosts).collect()
}

/// The host with this number, in one case or the other.
fn numbered(number: u32) -> String {
    match number % 2 {
        0 => format!("host-{number}.example.com"),
        _ => format!("HOST-{number}.example.com"),
    }
}

#[test]
fn fifty_thousand_rows_are_sorted_filtered_and_paged() {
    const COUNT: u32 = 50_000;
    // It has no factor in common with the count: each number comes once.
    let number = |nth: u32| nth * 7_919 % COUNT;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("page.html");
    let mut page = Html::begin(File::create(&path).unwrap(), plain_about());
    for nth in 0..COUNT {
        let row = installation(&numbered(number(nth)), nth);
        page.row(&row).unwrap();
    }
    page.end().unwrap();
    let sort = |column: u32| {
        format!(
            "(() => {{ const begun = performance.now(); \
            document.querySelector('th:nth-child({column}) button').click(); \
            return Math.round(performance.now() - begun); }})()"
        )
    };
    let (host, days) = (sort(3), sort(7));
    let type_words =
        format!("words.value = 'host-4999', words.dispatchEvent(new Event('input')), {CHANGED}");
    let [next, last] = ["next.click()", "last.click()"];
    let steps = [
        "0",
        &host,
        last,
        &host,
        last,
        &days,
        next,
        last,
        &days,
        next,
        &type_words,
    ];
    let steps: Vec<_> = steps.iter().flat_map(|step| [*step, HOSTS]).collect();
    let visit = visit(&path, &steps);
    assert_eq!(visit.complaints, [] as [String; 0]);

    let first = "Rows 1 to 100 of 50,000";
    let second = "Rows 101 to 200 of 50,000";
    let last = "Rows 49,901 to 50,000 of 50,000";
    // Every 400th has as many days left, and those stand as they came.
    let mut by_days: Vec<u32> = (0..COUNT).collect();
    by_days.sort_by_key(|nth| nth % 400);
    let mut backwards = by_days.clone();
    backwards.sort_by_key(|nth| std::cmp::Reverse(nth % 400));
    let page_of = |order: &[u32], from: usize| -> Vec<_> {
        let rows = order[from..from + 100].iter();
        rows.map(|nth| number(*nth)).collect()
    };
    let has_words = |number: &u32| number.to_string().starts_with("4999");
    let filtered = backwards.iter().map(|nth| number(*nth)).filter(has_words);
    let expected = [
        hosts(first, (0..100).map(number)),
        hosts(first, 0..100),
        hosts(last, 49_900..50_000),
        hosts(first, (49_900..50_000).rev()),
        hosts(last, (0..100).rev()),
        hosts(first, page_of(&by_days, 0)),
        hosts(second, page_of(&by_days, 100)),
        hosts(last, page_of(&by_days, 49_900)),
        hosts(first, page_of(&backwards, 0)),
        hosts(second, page_of(&backwards, 100)),
        hosts("Rows 1 to 11 of 11, filtered from 50,000", filtered),
    ];
    let shown: Vec<_> = visit.results.iter().skip(1).step_by(2).collect();
    assert_eq!(shown.len(), expected.len());
    for (shown, (expected, step)) in shown
        .into_iter()
        .zip(expected.iter().zip(steps.iter().step_by(2)))
    {
        assert_eq!(shown, expected, "after {step}");
    }
    let bytes = fs::metadata(&path).unwrap().len();
    let (load, sort) = (visit.milliseconds, &visit.results[2]);
    eprintln!("50,000 rows, {bytes} bytes: loaded in {load} ms, sorted by host in {sort} ms");
}

#[test]
fn a_page_is_of_installations_only() {
    let inventory = Inventory::new();
    let run = inventory.run("report", &["--format", "html", "--of", "coverage"]);
    run.exits(2)
        .complains_of(&["--format html", "--of installations"]);
}
