pub(crate) mod rows;
mod terminal;

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value as Json;

use super::*;
use crate::domain::{
    Der, Fingerprint, OutcomeKind, Port, ScanId, ScanState, Tally, Timestamp, is_hazardous,
};
use crate::judge::Accepted;
use rows::{coverage, endpoint, hostile, installation, now, scan};

/// The header of the main report, as scripts rely on it.
const HEADER: &str = "zone,host,ip,port,sni,starttls,ptr,tls_version,protocols,cipher_suite,\
    key_exchange,client_auth,alpn,subject_cn,subject_dn,issuer_cn,issuer_dn,serial,not_before,\
    not_after,days_left,validity_days,severity,san,key_type,key_bits,signature_algorithm,\
    key_usage,eku,self_signed,is_ca,trust,trusted_by,root_dn,findings,accepted,owner,tags,sha256,\
    sha1,spki_sha256,chain_sha256,chain_not_after,installations,state,previous_sha256,first_seen,\
    last_seen,last_checked,source,scan_id,client_auth_issuers,hybrid_group,trust_reason,details";

#[test]
fn the_documentation_tells_every_column_in_its_order() {
    let documented = include_str!("../../../docs/columns.md").lines();
    let named = documented.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let named: Vec<_> = named.map(|(name, _)| name).collect();
    assert_eq!(named, HEADER.split(',').collect::<Vec<_>>());
}

fn report<Row: Debug>(format: Format, table: &'static Table<Row>, rows: &[Row]) -> String {
    let mut out = Vec::new();
    let mut report = Report::begin(&mut out, format, table, Head::at(now())).unwrap();
    for row in rows {
        report.row(row).unwrap();
    }
    report.end().unwrap();
    String::from_utf8(out).unwrap()
}

/// The cells of a CSV report's only row, by column.
fn cells(text: &str) -> Vec<(String, String)> {
    let mut reader = ::csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let pairs = header.iter().zip(&row);
    pairs
        .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
        .collect()
}

fn cell(cells: &[(String, String)], column: &str) -> String {
    cells
        .iter()
        .find(|(name, _)| name == column)
        .unwrap()
        .1
        .clone()
}

#[test]
fn the_main_report_has_the_columns_scripts_rely_on() {
    let text = report(Format::Csv, &INSTALLATIONS, &[]);
    assert_eq!(text, format!("{HEADER}\n"));
    assert_eq!(INSTALLATIONS.columns.len(), 55);
}

#[test]
fn a_row_says_what_the_installation_holds() {
    let text = report(Format::Csv, &INSTALLATIONS, &[installation("x")]);
    let cells = cells(&text);
    let expected = [
        ("zone", "plant-1"),
        ("ip", "2001:db8::1"),
        ("port", "443"),
        ("serial", "00:ff:0a"),
        ("not_after", "2026-12-31T23:59:59Z"),
        ("days_left", "40"),
        ("validity_days", "364"),
        ("severity", ""),
        ("san", "x|plain|x"),
        ("key_bits", "2048"),
        ("self_signed", "false"),
        ("is_ca", "true"),
        ("trust", "unchecked"),
        ("sha1", "abababababababababababababababababababab"),
        ("installations", "3"),
        ("state", "current"),
        ("previous_sha256", ""),
        ("source", "scan"),
        ("scan_id", "7"),
        ("client_auth_issuers", "x|x"),
        ("hybrid_group", "x"),
    ];
    for (column, value) in expected {
        assert_eq!(cell(&cells, column), value, "{column}");
    }
    let chain = format!("{}|{}", Fingerprint::of(b"a"), Fingerprint::of(b"b"));
    assert_eq!(cell(&cells, "chain_sha256"), chain);
}

#[test]
fn a_row_says_why_it_is_trusted_or_not_and_what_each_finding_found() {
    let mut row = rows::judged(&["expiring", "weak-key", "weak-key"]);
    let judgement = Arc::make_mut(row.judgement.as_mut().unwrap());
    judgement.trust_reason = "no root, and none was sent".to_owned();
    let found = ["6 days left", "RSA of 1024 bits", "RSA of 512 bits"];
    for (finding, detail) in judgement.findings.iter_mut().zip(found) {
        finding.detail = detail.to_owned();
    }
    let csv = report(Format::Csv, &INSTALLATIONS, std::slice::from_ref(&row));
    let told = cells(&csv);
    assert_eq!(cell(&told, "findings"), "expiring|weak-key");
    assert_eq!(cell(&told, "trust_reason"), "no root, and none was sent");
    let details = "expiring: 6 days left|weak-key: RSA of 1024 bits|weak-key: RSA of 512 bits";
    assert_eq!(cell(&told, "details"), details);
    let lines = report(Format::JsonLines, &INSTALLATIONS, &[row, installation("x")]);
    let lines = lines.lines().map(serde_json::from_str);
    let lines: Vec<Json> = lines.collect::<Result<_, _>>().unwrap();
    assert_eq!(lines[0]["details"][0], "expiring: 6 days left");
    for column in ["trust_reason", "details"] {
        assert_eq!(lines[1][column], Json::Null, "nobody judged: {column}");
    }
}

#[test]
fn what_somebody_accepted_is_no_detail() {
    let mut row = rows::judged(&["expiring"]);
    let judgement = Arc::make_mut(row.judgement.as_mut().unwrap());
    let findings = std::mem::take(&mut judgement.findings).into_iter();
    let accepted = findings.map(|finding| Accepted {
        finding,
        owner: "ops".to_owned(),
        reason: "it is replaced on Monday".to_owned(),
        until: now(),
    });
    judgement.accepted = accepted.collect();
    let csv = report(Format::Csv, &INSTALLATIONS, &[row]);
    let told = cells(&csv);
    assert_eq!(cell(&told, "accepted"), "expiring");
    assert_eq!(cell(&told, "details"), "");
}

#[test]
fn days_left_are_rounded_down() {
    let mut row = installation("x");
    for (end, days) in [
        ("2026-11-22T08:00:00Z", "1"),
        ("2026-11-22T07:59:59Z", "0"),
        ("2026-11-21T08:00:00Z", "0"),
        ("2026-11-21T07:59:59Z", "-1"),
        ("2026-11-20T07:59:59Z", "-2"),
    ] {
        Arc::make_mut(&mut row.certificate).not_after = Some(end.parse().unwrap());
        let text = report(Format::Csv, &INSTALLATIONS, std::slice::from_ref(&row));
        assert_eq!(cell(&cells(&text), "days_left"), days, "{end}");
    }
}

#[test]
fn no_cell_of_any_csv_starts_a_formula_and_every_row_reads_back() {
    fn check<Row: Debug>(table: &'static Table<Row>, row: &Row, text: &str) {
        for format in [Format::Csv, Format::Excel] {
            let csv = report(format, table, std::slice::from_ref(row));
            let steers = |c: char| c.is_control() && !"\t\r\n".contains(c);
            assert!(!csv.contains(steers), "{text:?}");
            let cells = cells(&csv);
            assert_eq!(cells.len(), table.columns.len(), "{text:?}");
            for (name, cell) in cells {
                if name == "days_left" {
                    continue;
                }
                let bare = cell.trim_start_matches(|c: char| {
                    c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}'
                });
                let formula = bare.starts_with(['=', '+', '-', '@', '＝']);
                assert!(!formula, "{name}: {cell:?}");
                assert!(!cell.starts_with(['\t', '\r', '\n']), "{name}: {cell:?}");
            }
        }
    }
    for text in &hostile() {
        check(&INSTALLATIONS, &installation(text), text);
        check(&ENDPOINTS, &endpoint(text), text);
        check(&COVERAGE, &coverage(text), text);
        check(&SCANS, &scan(text), text);
    }
}

#[test]
fn a_text_reads_back_from_csv_but_for_what_would_run() {
    for (text, expected) in [
        ("a, \"b\"\r\nc", "a, \"b\"\r\nc"),
        ("Größe 日本", "Größe 日本"),
        ("=1+1", "'=1+1"),
        (" @x", "' @x"),
        ("a=b", "a=b"),
        ("\x1b[2J\0", "\\u{1b}[2J\\u{0}"),
    ] {
        let csv = report(Format::Csv, &INSTALLATIONS, &[installation(text)]);
        assert_eq!(cell(&cells(&csv), "subject_cn"), expected, "{text:?}");
    }
}

#[test]
fn no_cell_is_quoted_for_being_empty() {
    // Its severity is a stretch of one cell.
    let mut judged = rows::judged(&[]);
    judged.certificate = installation("x").certificate;
    for row in [installation("x"), judged] {
        let csv = report(Format::Csv, &INSTALLATIONS, &[row]);
        assert!(csv.contains(",,") && !csv.contains('"'), "{csv}");
    }
}

/// No row has cells of another that was written before it.
fn each_is_written_as_if_alone(rows: &[Installation]) {
    for format in [Format::Csv, Format::Excel, Format::JsonLines] {
        let alone = rows.iter().map(|row| {
            let text = report(format, &INSTALLATIONS, std::slice::from_ref(row));
            text.lines().last().unwrap().to_owned()
        });
        let alone: Vec<_> = alone.collect();
        let together = report(format, &INSTALLATIONS, rows);
        let header = together.lines().count() - rows.len();
        let together: Vec<_> = together.lines().skip(header).collect();
        assert_eq!(together, alone, "{format:?}");
    }
}

#[test]
fn what_rows_share_is_written_alike_each_time() {
    let row = rows::judged(&["expired"]);
    let other = Installation {
        host: "another, \"host\"".to_owned(),
        ..row.clone()
    };
    each_is_written_as_if_alone(&[row.clone(), other, row]);
}

#[test]
fn what_rows_do_not_share_is_written_for_each_of_them() {
    let row = rows::judged(&["expired"]);
    let other = Installation {
        session: rows::session("another"),
        chain: [Fingerprint::of(b"another")].into(),
        ..row.clone()
    };
    let unchained = Installation {
        chain: Arc::default(),
        ..row.clone()
    };
    each_is_written_as_if_alone(&[row.clone(), other.clone(), row, unchained, other]);
}

#[test]
fn a_negative_number_is_no_formula() {
    let mut row = installation("x");
    Arc::make_mut(&mut row.certificate).not_after = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let csv = report(Format::Csv, &INSTALLATIONS, &[row]);
    assert_eq!(cell(&cells(&csv), "days_left"), "-325");
}

#[test]
fn a_lists_items_can_be_told_apart_again() {
    let mut row = installation("x");
    Arc::make_mut(&mut row.certificate).alternative_names =
        ["a|b", "c\\", "|", ""].map(str::to_owned).to_vec();
    let csv = report(Format::Csv, &INSTALLATIONS, &[row]);
    assert_eq!(cell(&cells(&csv), "san"), r"a\|b|c\\|\||");
}

/// The items of a list's cell: `|` is between them, a `\` before what stands
/// for itself.
fn items(cell: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut characters = cell.chars();
    while let Some(character) = characters.next() {
        match character {
            '|' => items.push(String::new()),
            '\\' => items.last_mut().unwrap().extend(characters.next()),
            other => items.last_mut().unwrap().push(other),
        }
    }
    items
}

#[test]
fn a_lists_items_read_back_as_a_single_text_is_shown() {
    let named = |texts: &[String]| {
        let mut row = installation("x");
        let certificate = Arc::make_mut(&mut row.certificate);
        certificate.alternative_names = texts.to_vec();
        certificate.subject_cn = texts.first().cloned();
        cells(&report(Format::Csv, &INSTALLATIONS, &[row]))
    };
    let mut texts: Vec<_> = hostile().into_iter().filter(|it| !it.is_empty()).collect();
    texts.push("a\x1b[31m|\\\0".to_owned());
    for text in &texts {
        let cells = named(std::slice::from_ref(text));
        assert_eq!(items(&cell(&cells, "san")), [cell(&cells, "subject_cn")]);
    }
    let shown = |text: &String| {
        let cells = named(&["x".to_owned(), text.clone()]);
        items(&cell(&cells, "san"))
    };
    assert_eq!(shown(&texts[texts.len() - 1]), ["x", r"a\u{1b}[31m|\\u{0}"]);
}

#[test]
fn excel_gets_a_mark_its_line_ends_and_cells_it_can_hold() {
    let row = installation(&"é".repeat(40_000));
    let csv = report(Format::Excel, &INSTALLATIONS, &[row]);
    assert!(csv.starts_with("\u{feff}zone,"));
    assert!(csv.ends_with("\r\n"));
    let host = cell(&cells(&csv), "host");
    assert_eq!(host, format!("{}…(+8000)", "é".repeat(32_000)));
    // What Excel counts are UTF-16 units.
    let csv = report(Format::Excel, &SCANS, &[scan(&"😀".repeat(20_000))]);
    let note = cell(&cells(&csv), "note");
    assert_eq!(note, format!("{}…(+4000)", "😀".repeat(16_000)));
}

#[test]
fn every_json_line_holds_every_field_exactly() {
    fn check<Row: Debug>(table: &'static Table<Row>, row: &Row) -> Json {
        let text = report(Format::JsonLines, table, std::slice::from_ref(row));
        let steering = text.trim_end_matches('\n').find(is_hazardous);
        assert_eq!(steering, None, "{text:?}");
        let line: Json = serde_json::from_str(&text).unwrap();
        for column in table.columns {
            assert!(line.get(column.name).is_some(), "{}", column.name);
        }
        assert_eq!(line["schema"], 1);
        assert_eq!(line["type"], table.kind);
        assert_eq!(line["now"], "2026-11-21T08:00:00Z");
        line
    }
    for text in &hostile() {
        let line = check(&INSTALLATIONS, &installation(text));
        assert_eq!(line["subject_cn"], **text);
        assert_eq!(line["san"][2], **text);
        let line = check(&ENDPOINTS, &endpoint(text));
        assert_eq!(line["banner"], **text);
        assert_eq!(check(&COVERAGE, &coverage(text))["network"], **text);
        assert_eq!(check(&SCANS, &scan(text))["note"], **text);
    }
}

#[test]
fn json_keeps_numbers_booleans_lists_and_nothing_apart() {
    let text = report(Format::JsonLines, &INSTALLATIONS, &[installation("x")]);
    let line: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(line["port"], 443);
    assert_eq!(line["days_left"], 40);
    assert_eq!(line["self_signed"], false);
    assert_eq!(line["chain_sha256"].as_array().unwrap().len(), 2);
    assert_eq!(line["previous_sha256"], Json::Null);
    assert_eq!(line["findings"], Json::Null);
    assert_eq!(line.get("pem"), None);
}

#[test]
fn the_bytes_are_in_json_where_the_row_has_them() {
    let mut row = installation("x");
    Arc::make_mut(&mut row.certificate).der = Some(Der::from(&b"any bytes"[..]));
    let text = report(Format::JsonLines, &INSTALLATIONS, &[row]);
    let line: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(
        line["pem"],
        "-----BEGIN CERTIFICATE-----\nYW55IGJ5dGVz\n-----END CERTIFICATE-----\n"
    );
}

#[test]
fn a_scans_outcomes_are_a_map_that_adds_up_to_its_targets() {
    let text = report(Format::JsonLines, &SCANS, &[scan("x")]);
    let line: Json = serde_json::from_str(&text).unwrap();
    let outcomes = line["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.len(), 14);
    let sum: u64 = outcomes.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(line["targets"], sum);
    assert_eq!(outcomes["no-certificate"], 0);
    assert_eq!(line["finished_at"], Json::Null);
    assert_eq!(line["settings"]["rate"], 1000);
}

#[test]
fn coverage_counts_every_outcome_and_what_was_tried() {
    let csv = report(Format::Csv, &COVERAGE, &[coverage("10.0.0.0/24")]);
    let cells = cells(&csv);
    assert_eq!(cell(&cells, "declared"), "5");
    assert_eq!(cell(&cells, "attempted"), "2");
    assert_eq!(cell(&cells, "certificate"), "2");
    assert_eq!(cell(&cells, "excluded"), "3");
    for kind in OutcomeKind::ALL {
        let count = coverage("").outcomes.count(kind);
        let column = kind.as_str().replace('-', "_");
        assert_eq!(cell(&cells, &column), count.to_string(), "{column}");
    }
}

/// A pipe whose reader has gone.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_closed_pipe_is_told_as_one_in_every_format() {
    for format in [Format::Csv, Format::Excel, Format::JsonLines] {
        let write = || {
            let mut report = Report::begin(Closed, format, &INSTALLATIONS, Head::at(now()))?;
            // More than any buffer holds.
            (0..1000).try_for_each(|_| report.row(&installation("x")))?;
            report.end()
        };
        let error = write().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format:?}");
    }
}

#[test]
fn a_document_holds_nothing_that_steers_a_terminal_and_reads_back_the_same() {
    let hostile = serde_json::json!({"name": "a\u{202e}b\u{9b}31m\n"});
    let mut line = Vec::new();
    document(&mut line, &hostile).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert_eq!(line, "{\"name\":\"a\\u202eb\\u009b31m\\n\"}\n");
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read, hostile);
}
