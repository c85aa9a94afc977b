//! A check → a page for a person.

use std::fmt::Write;

use super::{Check, Failing, ahead, sentence, verb};
use crate::domain::{Severity, counted, in_days};
use crate::report::Head;

/// The page. Every text of the network's in it is safe for a terminal.
#[must_use]
pub fn text(check: &Check, head: &Head) -> String {
    let (counts, terms) = (check.counts(), check.terms());
    let mut page = format!("{}: {}\n", check.state().as_str(), sentence(check));
    page += &worst(check);
    // Writing to a String can't fail.
    let what = match terms.failing {
        Failing::ExpiryAndInvalidity => "expiry and invalidity",
        Failing::Everything => "any finding",
    };
    let _ = writeln!(page, "fails on: {what} from {} up", terms.fail_on);
    let by_severity: Vec<_> = Severity::ALL
        .into_iter()
        .rev()
        .filter_map(|severity| Some(format!("{} {severity}", counts.by_severity.get(&severity)?)))
        .collect();
    if !by_severity.is_empty() {
        let _ = writeln!(page, "worst of an installation: {}", by_severity.join(", "));
    }
    for ((rule, severity), count) in &counts.by_finding {
        let _ = writeln!(page, "  {count:>8}  {severity:<8}  {rule}");
    }
    if counts.accepted > 0 {
        let accepted = counts.accepted;
        let _ = writeln!(page, "with accepted findings (--accepted any): {accepted}");
    }
    let _ = write!(
        page,
        "endpoints: {} known, {} not looked at for {}",
        counts.endpoints,
        counts.overdue,
        too_long(check)
    );
    if let Some(oldest) = counts.oldest_look {
        let _ = write!(page, ", the oldest look {oldest}");
    }
    match check.last_scan() {
        Some(scan) => {
            let _ = writeln!(
                page,
                "\nlast scan: {} {}, begun {}",
                scan.id,
                scan.state.as_str(),
                scan.started_at
            );
        }
        None => page.push_str("\nlast scan: none\n"),
    }
    for line in head.lines() {
        page += &line;
        page.push('\n');
    }
    page
}

/// What a line begins with that makes the check fail.
const FAILS: &str = "FAILS";

/// What is worst, a line each: what makes the check fail is first, and says so.
fn worst(check: &Check) -> String {
    let mut lines = String::new();
    // Writing to a String can't fail.
    if check.fails_on_overdue() {
        let endpoints = counted(check.counts().overdue, "endpoint");
        let age = too_long(check);
        let ahead = ahead(check.counts());
        let _ = writeln!(
            lines,
            "  {FAILS}  {endpoints} not looked at for {age}{ahead}"
        );
    }
    for line in check.worst() {
        let fails = if line.fails { FAILS } else { "" };
        let more = match line.others {
            0 => String::new(),
            others => format!(" (+{others})"),
        };
        let _ = writeln!(
            lines,
            "  {fails:5}  {:<8}  {}  {}  {}: {}{more}",
            line.severity, line.place, line.subject, line.rule, line.detail
        );
    }
    lines + &more(check)
}

/// For how long nobody may have looked: one time where it is the same for all
/// endpoints.
fn too_long(check: &Check) -> String {
    let usual = check.terms().max_age;
    let (shortest, longest) = check.counts().max_ages.unwrap_or((usual, usual));
    let longest_in_days = in_days(longest);
    if shortest == longest {
        return longest_in_days;
    }
    format!(
        "too long (limits from {} to {longest_in_days})",
        in_days(shortest)
    )
}

/// How many there are besides those that are listed.
fn more(check: &Check) -> String {
    let listed = check.worst().iter().filter(|line| line.fails).count() as u64;
    let failing = check.counts().failing.saturating_sub(listed);
    match check.left_out_of_worst() {
        0 => String::new(),
        others if failing == 0 => format!("  and {others} more\n"),
        others => {
            let verb = verb(failing, "fail");
            format!("  and {others} more, {failing} of which {verb}\n")
        }
    }
}
