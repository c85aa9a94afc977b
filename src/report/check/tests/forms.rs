//! What each form says, and that nothing of the network's gets out of its
//! place in it.

use std::io::Cursor;

use super::*;
use crate::report::tests::rows::{endpoint, hostile, scan};

#[test]
fn the_worst_are_listed_and_no_more_than_fit() {
    let mut check = Check::new(terms());
    for day in 0..100 {
        let mut row = judged(vec![
            finding("wildcard", Severity::Notice),
            finding("expiring", Severity::Warning),
            finding("weak-key", Severity::Warning),
        ]);
        row.chain_not_after = Some(Timestamp::from_seconds(1000 - day));
        check.installation(&row);
    }
    check.installation(&judged(vec![finding("weak-key", Severity::Critical)]));
    check.installation(&judged(vec![finding("expiring", Severity::Error)]));
    let worst = check.worst();
    assert_eq!(worst.len(), WORST_LINES);
    assert_eq!((worst[0].rule, worst[0].fails), ("expiring", true));
    assert_eq!(
        (worst[1].rule, worst[1].severity),
        ("weak-key", Severity::Critical)
    );
    assert_eq!((worst[2].rule, worst[2].others), ("expiring", 2));
    assert_eq!(worst[2].ends, Some(Timestamp::from_seconds(901)));
    assert!(
        check_text(&check, &head()).contains("and 82 more"),
        "{}",
        check_text(&check, &head())
    );
}

#[test]
fn every_form_states_what_it_was_judged_by() {
    let mut check = Check::new(terms());
    check.installation(&judged(Vec::new()));
    let hash = Fingerprint::of(b"roots").to_string();
    let document = check_document(&check, &head());
    assert_eq!(document["settings"][0], "Oldest look: 8d");
    let forms = [
        check_text(&check, &head()),
        nagios(&check, &head()),
        document.to_string(),
    ];
    for form in forms {
        for word in ["2026-11-21T08:00:00Z", "certsweep 0", "3 roots", &hash] {
            assert!(form.contains(word), "no {word} in\n{form}");
        }
    }
    let page = metrics(&[], false);
    assert!(
        page.contains("certsweep_build_info{tool=\"certsweep 0"),
        "{page}"
    );
    assert!(page.contains(&format!("sha256=\"{hash}\"}} 3\n")), "{page}");
}

fn metrics(rows: &[Installation], with_scan: bool) -> String {
    let mut check = Check::new(terms());
    if with_scan {
        check.scan(scan("x"));
    }
    let mut out = Vec::new();
    let mut page = Prometheus::begin(&mut out, <[Cursor<Vec<u8>>; 2]>::default()).unwrap();
    for row in rows {
        check.installation(row);
        page.row(row).unwrap();
    }
    page.end(&check, &head()).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn metrics_stand_together_under_their_help_and_type() {
    let rows = [
        judged(vec![finding("expired", Severity::Critical)]),
        judged(Vec::new()),
    ];
    let page = metrics(&rows, true);
    let mut seen: Vec<&str> = Vec::new();
    for line in page.lines() {
        let name = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ")
            .split(['{', ' '])
            .next()
            .unwrap();
        if seen.last() != Some(&name) {
            assert!(!seen.contains(&name), "{name} stands apart in\n{page}");
            assert!(line.starts_with("# HELP "), "{line}");
            seen.push(name);
        }
    }
    for sample in [
        "certsweep_installations_with_severity{severity=\"critical\"} 1\n",
        "certsweep_installations_with_finding{finding=\"expired\",severity=\"critical\"} 1\n",
        "certsweep_check_state{state=\"failed\"} 1\n",
        "certsweep_check_timestamp_seconds 1795248000\n",
    ] {
        assert!(page.contains(sample), "no {sample} in\n{page}");
    }
    assert!(!metrics(&rows, false).contains("last_scan"));
}

#[test]
fn the_end_of_a_root_that_nobody_sends_is_told_beside_that_of_the_chain() {
    let mut row = judged(vec![finding("expiring", Severity::Critical)]);
    row.chain_not_after = Some(Timestamp::from_seconds(2000));
    // Of what is sent, and of all that trust rests on.
    let ending_at = |row: &Installation| {
        let page = metrics(std::slice::from_ref(row), false);
        ["chain_not_after", "earliest_end"].map(|what| {
            let name = format!("certsweep_{what}_timestamp_seconds{{");
            let sample = page.lines().find(|line| line.starts_with(&name));
            let value = sample.and_then(|sample| sample.rsplit_once(' '));
            value.map_or_else(String::new, |(_, value)| value.to_owned())
        })
    };
    let ends_first = |unsent: i64| {
        let mut row = row.clone();
        let mut judgement = row.judgement.as_deref().cloned().unwrap();
        judgement.unsent_not_after = Some(Timestamp::from_seconds(unsent));
        row.judgement = Some(judgement.into());
        row
    };
    assert_eq!(ending_at(&row), ["2000", "2000"]);
    assert_eq!(ending_at(&ends_first(1000)), ["2000", "1000"]);
    assert_eq!(ending_at(&ends_first(3000)), ["2000", "2000"]);
    let mut check = Check::new(terms());
    check.installation(&ends_first(1000));
    let told = &check_document(&check, &head())["worst"][0];
    assert_eq!(told["chain_not_after"], "1970-01-01T00:33:20Z");
    assert_eq!(told["earliest_end"], "1970-01-01T00:16:40Z");
}

#[test]
fn what_nobody_judged_is_not_counted_as_failing_nothing() {
    let failing = "\ncertsweep_installations_failing ";
    let severe = "\ncertsweep_installations_with_severity{severity=\"critical\"} ";
    let told = |rows: &[Installation]| {
        let page = metrics(rows, false);
        [failing, severe].map(|name| page.split_once(name).map(|(_, it)| it[..1].to_owned()))
    };
    let (zero, one) = (Some("0".to_owned()), Some("1".to_owned()));
    let expired = judged(vec![finding("expired", Severity::Critical)]);
    let mut unjudged = installation("x");
    unjudged.judgement = None;
    assert_eq!(told(&[judged(Vec::new())]), [zero.clone(), zero]);
    assert_eq!(told(&[]), [None, None]);
    assert_eq!(told(std::slice::from_ref(&unjudged)), [None, None]);
    // What is known to fail is told, though there may be more.
    assert_eq!(told(&[expired, unjudged]), [one.clone(), one]);
}

#[test]
fn no_hostile_text_leaves_its_label_or_its_line() {
    for text in hostile() {
        let mut row = installation(&text);
        row.judgement = judged(vec![Finding {
            detail: text.clone(),
            ..finding("expired", Severity::Critical)
        }])
        .judgement;
        let page = metrics(&[row.clone()], false);
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (labels, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<i64>().is_ok(), "{line:?}");
            let bare = labels.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(bare.matches('"').count() % 2, 0, "{line:?}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        let mut check = Check::new(terms());
        check.installation(&row);
        for page in [check_text(&check, &head()), nagios(&check, &head())] {
            assert!(
                !page.chars().any(|c| c.is_control() && c != '\n'),
                "{page:?}"
            );
            assert!(page.len() < 4000, "{} bytes", page.len());
        }
        assert_eq!(nagios(&check, &head()).matches('|').count(), 1);
        assert_eq!(nagios(&check, &head()).lines().count(), 5);
    }
}

#[test]
fn what_makes_a_check_fail_comes_first_and_says_so() {
    let mut check = Check::new(terms());
    check.installation(&judged(vec![finding("weak-key", Severity::Critical)]));
    check.installation(&judged(vec![finding("expired", Severity::Critical)]));
    let page = check_text(&check, &head());
    let lines: Vec<_> = page.lines().collect();
    assert!(lines[1].starts_with("  FAILS  critical  "), "{page}");
    assert!(lines[1].contains("  expired: "), "{page}");
    assert!(lines[2].starts_with("         critical  "), "{page}");
    assert!(lines[2].contains("  weak-key: "), "{page}");
    assert_eq!(page.matches("FAILS").count(), 1, "{page}");
}

#[test]
fn endpoints_that_make_a_check_fail_say_so_too() {
    let told = |terms: Terms| {
        let mut check = Check::new(terms);
        check.installation(&judged(Vec::new()));
        let mut row = endpoint("x");
        row.last_checked = Timestamp::from_seconds(0);
        check.endpoint(&(&row).into(), terms.max_age);
        check_text(&check, &head())
    };
    let line = "\n  FAILS  1 endpoint not looked at for 8d\n";
    assert!(told(everything_from(Severity::Warning)).contains(line));
    assert!(!told(terms()).contains("FAILS"));
}

#[test]
fn endpoints_with_several_limits_are_told_of_in_words_that_are_true_of_each() {
    const DAY: Duration = Duration::from_hours(24);
    let told = |limits: &[Duration]| {
        let mut check = Check::new(everything_from(Severity::Warning));
        check.installation(&judged(Vec::new()));
        for limit in limits {
            let mut row = endpoint("x");
            row.last_checked = Timestamp::from_seconds(now().seconds() - 36 * 3600);
            check.endpoint(&(&row).into(), *limit);
        }
        check_text(&check, &head())
    };
    let page = told(&[DAY, 5 * DAY]);
    let words = "1 not looked at for too long (limits from 1d to 5d), the oldest look 2026-11-19T";
    assert!(page.contains(words), "{page}");
    let line = "\n  FAILS  1 endpoint not looked at for too long (limits from 1d to 5d)\n";
    assert!(page.contains(line), "{page}");
    // One limit holds for all of them, and it is not the usual one.
    let page = told(&[DAY, DAY]);
    let words = "endpoints: 2 known, 2 not looked at for 1d, ";
    assert!(page.contains(words), "{page}");
    let page = told(&[]);
    let words = "endpoints: 0 known, 0 not looked at for 8d\n";
    assert!(page.contains(words), "{page}");
}

#[test]
fn what_is_not_listed_is_counted_and_so_is_what_of_it_fails() {
    let mut check = Check::new(terms());
    let add = |check: &mut Check, times, rule, severity| {
        for _ in 0..times {
            check.installation(&judged(vec![finding(rule, severity)]));
        }
    };
    add(&mut check, 25, "incomplete-chain", Severity::Error);
    // They are listed, and none of them warns or fails.
    let page = check_text(&check, &head());
    assert!(page.contains("\n  and 5 more\n"), "{page}");
    add(&mut check, 22, "expired", Severity::Critical);
    let page = check_text(&check, &head());
    assert!(
        page.contains("\n  and 27 more, 2 of which fail\n"),
        "{page}"
    );
}
