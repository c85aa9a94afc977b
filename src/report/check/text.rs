//! A check → a page for a person.

use std::fmt::Write;

use super::{Check, Failing, sentence};
use crate::domain::{Severity, in_days};
use crate::report::Head;

/// The page. Every text of the network's in it is safe for a terminal.
#[must_use]
pub fn text(check: &Check, head: &Head) -> String {
    let (counts, terms) = (check.counts(), check.terms());
    let mut page = format!("{}: {}\n", check.state().as_str(), sentence(check));
    // Writing to a String can't fail.
    for line in check.worst() {
        let more = match line.others {
            0 => String::new(),
            others => format!(" (+{others})"),
        };
        let _ = writeln!(
            page,
            "  {:<8}  {}  {}  {}: {}{more}",
            line.severity, line.place, line.subject, line.rule, line.detail
        );
    }
    let listed = check.worst().len() as u64;
    if counts.failing + counts.warning > listed {
        let _ = writeln!(
            page,
            "  and {} more",
            counts.failing + counts.warning - listed
        );
    }
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
        let _ = writeln!(page, "with accepted findings: {}", counts.accepted);
    }
    let _ = write!(
        page,
        "endpoints: {} known, {} not looked at for {}",
        counts.endpoints,
        counts.overdue,
        in_days(terms.max_age)
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
