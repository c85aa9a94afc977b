mod sample;

use std::sync::Arc;

use super::*;
use crate::domain::Severity;
use sample::{about, coverage, installation, judged, page};

/// What stands between `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

/// The elements of a page, in their order, by name.
fn elements(page: &str) -> Vec<&str> {
    let names = page.split('<').skip(1);
    names
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
        .map(|rest| {
            rest.split(|end: char| !end.is_ascii_alphanumeric())
                .next()
                .unwrap()
        })
        .collect()
}

/// The table's rows, as the browser reads them.
fn rows(page: &str) -> Vec<Vec<serde_json::Value>> {
    let json = between(page, r#"id="rows">"#, "</script>");
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_headline_counts_its_rows_and_names_their_command() {
    let mut twice = installation("a");
    twice.host = "b".to_owned();
    let mut over = installation("over");
    Arc::make_mut(&mut over.certificate).not_after = Some("2026-11-21T07:59:59Z".parse().unwrap());
    let mut soon = installation("soon");
    Arc::make_mut(&mut soon.certificate).not_after = Some("2026-12-21T08:00:00Z".parse().unwrap());
    soon.state = crate::report::InstallationState::Missing;
    let page = page(&[installation("a"), twice, over, soon]);
    let headlines = between(&page, r#"<ul class="headlines">"#, "</ul>");
    let told: Vec<_> = headlines
        .split("<li")
        .skip(1)
        .map(|item| (between(item, "<strong>", "<"), between(item, "<code>", "<")))
        .collect();
    assert_eq!(
        told,
        [
            ("4", "certsweep report"),
            ("3", "certsweep certs"),
            ("1", "certsweep report --expired"),
            ("1", "certsweep report --expiring 30d"),
            ("1", "certsweep report --state missing"),
        ]
    );
}

#[test]
fn a_rule_counts_once_an_installation_at_its_worst_with_its_advice() {
    let findings = [
        ("expiring", Severity::Warning),
        ("expiring", Severity::Critical),
        ("weak-key", Severity::Error),
    ];
    let other = judged(
        "b",
        &[("expiring", Severity::Warning)],
        &["weak-key", "no-san"],
    );
    let page = page(&[judged("a", &findings, &["expiring"]), other]);
    let section = between(&page, r#"id="findings""#, "</section>");
    let articles: Vec<&str> = section.split("<article>").skip(1).collect();
    assert_eq!(articles.len(), 3);
    for part in ["<strong>1</strong>", "--accepted no-san"] {
        assert!(articles[2].contains(part), "no {part} in {}", articles[2]);
    }
    for part in ["<strong>2</strong>", "renew it", "1 critical, 1 warning"] {
        assert!(articles[0].contains(part), "no {part} in {}", articles[0]);
    }
    for part in [
        "<strong>1</strong>",
        "1 more accepted",
        "--finding weak-key",
    ] {
        assert!(articles[1].contains(part), "no {part} in {}", articles[1]);
    }
}

#[test]
fn the_worst_rows_come_first_with_their_place_among_all() {
    let rows = rows(&page(&[
        installation("a"),
        judged("b", &[("expiring", Severity::Critical)], &[]),
    ]));
    assert_eq!(rows[0][0], 5);
    assert_eq!(rows[0][1][0], "expiring");
    assert_eq!((&rows[0][2], &rows[1][2]), (&"b".into(), &"a".into()));
    assert_eq!((&rows[0][13], &rows[1][13]), (&1.into(), &0.into()));
}

#[test]
fn hostile_names_make_no_element_and_no_attribute() {
    let texts = sample::hostile();
    let plain: Vec<_> = (0..texts.len()).map(|nth| format!("plain-{nth}")).collect();
    let page_of = |texts: &[String]| {
        let rows = texts.iter().map(|text| installation(text));
        page(&rows.collect::<Vec<_>>())
    };
    let (hostile, plain) = (page_of(&texts), page_of(&plain));
    assert_eq!(elements(&hostile), elements(&plain));
    assert!(!hostile.contains(|it| it != '\n' && crate::domain::is_hazardous(it)));
    assert!(hostile.len() < 400_000, "{} bytes", hostile.len());
}

#[test]
fn the_policy_allows_what_is_inline_by_its_hash_alone() {
    use base64::Engine as _;
    let page = page(&[]);
    let policy = between(&page, r#"Content-Security-Policy" content=""#, "\"");
    assert!(
        policy.starts_with("default-src &#39;none&#39;;"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"));
    for (kind, text) in [
        ("style-src", between(&page, "<style>", "</style>")),
        ("script-src", between(&page, "\n<script>", "</script>")),
    ] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        let source = format!("{kind} &#39;sha256-{hash}&#39;");
        assert!(policy.contains(&source), "no {source} in {policy}");
    }
}

#[test]
fn a_page_names_nothing_outside_itself() {
    let page = page(&[installation("https://evil.example/x")]);
    for word in [
        " src=",
        " href=\"h",
        "url(",
        "@import",
        "innerHTML",
        "style=",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_outcomes_add_up_to_the_targets() {
    let mut out = Vec::new();
    let mut html = Html::begin(&mut out, about());
    html.coverage(&coverage());
    html.coverage(&coverage());
    html.end().unwrap();
    let page = String::from_utf8(out).unwrap();
    let section = between(&page, r#"id="coverage""#, "</section>");
    assert!(section.contains("each of the 10 targets"));
    let counts = section.split(r#"<tr><th scope="row">"#).skip(1);
    let counts = counts.map(|line| between(line, r#"<td class="number">"#, "<").parse::<u64>());
    assert_eq!(counts.map(Result::unwrap).sum::<u64>(), 10);
}

#[test]
fn changes_are_bounded_and_the_rest_is_counted() {
    let mut out = Vec::new();
    let mut html = Html::begin(&mut out, about());
    html.compare(&sample::scan(1), &sample::scan(2));
    for _ in 0..1_300 {
        html.change(&sample::event("<b>new</b>"));
    }
    html.end().unwrap();
    let page = String::from_utf8(out).unwrap();
    let section = between(&page, r#"id="changes""#, "</section>");
    assert_eq!(section.matches("<td>renewed</td>").count(), 200);
    for part in [
        "<strong>1,300</strong> changes",
        "1,100 more",
        "&#60;b&#62;new",
        "10.0.0.1:443 smtp (mail.example)",
        "<code>certsweep diff 1 2</code>",
    ] {
        assert!(section.contains(part), "no {part} in {section}");
    }
}

#[test]
fn without_an_earlier_scan_there_are_no_changes_to_tell() {
    let page = page(&[]);
    let section = between(&page, r#"id="changes""#, "</section>");
    assert!(section.contains("no earlier scan"), "{section}");
}
