//! A check → the lines of a monitoring plugin (Monitoring Plugins Development
//! Guidelines, "Plugin Output"): a status line with performance data, then
//! the worst, and what it was judged by.

use std::fmt::Write;

use super::{Check, CheckState, sentence};
use crate::report::Head;

/// The plugin's lines. `|` begins performance data, so no other text has it.
#[must_use]
pub fn nagios(check: &Check, head: &Head) -> String {
    let counts = check.counts();
    let word = match check.state() {
        CheckState::Ok => "OK",
        CheckState::Warning => "WARNING",
        CheckState::Failed => "CRITICAL",
        CheckState::Unknown => "UNKNOWN",
    };
    let mut lines = format!(
        "CERTSWEEP {word} - {} | installations={} failing={} warning={} endpoints={} overdue={}\n",
        sentence(check),
        counts.installations,
        counts.failing,
        counts.warning,
        counts.endpoints,
        counts.overdue
    );
    for line in check.worst() {
        let text = format!(
            "{} {} {} {}: {}",
            line.severity, line.place, line.subject, line.rule, line.detail
        );
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{}", text.replace('|', "/"));
    }
    for line in head.lines() {
        let _ = writeln!(lines, "{}", line.replace('|', "/"));
    }
    lines
}
