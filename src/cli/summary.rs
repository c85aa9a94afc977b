//! A scan's end, told to a person and to a machine.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::verdicts::Severities;
use crate::domain::{OutcomeKind, Tally, counted, printable};
use crate::scan::{NameNotAsked, Nameless, Outages, Summary};
use crate::schedule::ClockJump;

/// Faults of ours that are told; `show` tells each address's.
const MOST_FAULTS: usize = 3;

/// Names not asked for that are told to a person; a machine gets them all.
const MOST_NAMES: usize = 10;

/// The lines a person reads; their numbers add up to the targets.
pub(super) fn text(summary: &Summary, severities: Option<Severities>, db: &Path) -> String {
    let mut text = String::new();
    let width = summary.targets.to_string().len();
    let elapsed = humantime::format_duration(Duration::from_millis(
        u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    ));
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "scan {} {}{}: {} in {elapsed}",
        summary.scan,
        summary.state,
        summary
            .ended_by
            .as_deref()
            .map(|why| format!(" ({})", printable(why)))
            .unwrap_or_default(),
        counted(summary.targets, "target")
    );
    for (kind, count) in summary.outcomes.iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "  {count:>width$}  {kind}");
        if kind == OutcomeKind::LocalError {
            for (fault, count) in summary.faults.iter().take(MOST_FAULTS) {
                let _ = writeln!(
                    text,
                    "  {:>width$}  of them {count}: {}",
                    "",
                    printable(fault)
                );
            }
        }
    }
    if summary.internal_errors > 0 {
        let _ = writeln!(
            text,
            "{} met a fault in certsweep itself: please report it",
            counted(summary.internal_errors, "target")
        );
    }
    if summary.outages.count > 0 {
        let Outages { count, paused } = summary.outages;
        let paused = humantime::format_duration(Duration::from_secs(paused.as_secs()));
        let _ = writeln!(
            text,
            "the network was down {}, for {paused}",
            counted(count, "time")
        );
    }
    text.push_str(&behind_names(summary));
    for jump in &summary.clock_jumps {
        let _ = writeln!(
            text,
            "the clock jumped {jump}: times of this scan are not in order"
        );
    }
    if let Some(severities) = severities {
        let _ = writeln!(text, "{}", severities.text());
    }
    let _ = write!(
        text,
        "{}; inventory {}",
        counted(summary.certificates, "different certificate"),
        db.display()
    );
    text
}

/// What was not seen for want of a server name.
fn behind_names(summary: &Summary) -> String {
    let mut text = String::new();
    let Nameless {
        endpoints,
        demanding,
    } = summary.nameless;
    // Writing to a String can't fail.
    if endpoints > 0 {
        let _ = writeln!(
            text,
            "{} asked without a server name only ({demanding} demand one): --sni NAME or \
             --profile thorough may show more",
            match endpoints {
                1 => "1 endpoint was".to_owned(),
                several => format!("{several} endpoints were"),
            }
        );
    }
    for not_asked in summary.names_not_asked.iter().take(MOST_NAMES) {
        let NameNotAsked { name, why } = not_asked;
        let why = printable(&why.to_string());
        let _ = writeln!(text, "--sni {name} was not asked for: {why}");
    }
    let more = summary.names_not_asked.len().saturating_sub(MOST_NAMES);
    if more > 0 {
        let _ = writeln!(text, "and {more} more names were not asked for");
    }
    let leads_nowhere = |it: &NameNotAsked| it.why.is_cured_by_everywhere();
    if summary.names_not_asked.iter().any(leads_nowhere) {
        text.push_str("hint: --sni-everywhere asks for names at every address\n");
    }
    text
}

/// The line that ends `--json`.
pub(super) fn json(summary: &Summary, severities: Option<Severities>) -> Value {
    json!({
        "type": "summary",
        "scan_id": summary.scan.number(),
        "state": summary.state.as_str(),
        "ended_by": summary.ended_by,
        "targets": summary.targets,
        "outcomes": outcomes(&summary.outcomes),
        "faults": summary.faults.iter().cloned().collect::<BTreeMap<_, _>>(),
        "internal_errors": summary.internal_errors,
        "outages": summary.outages.count,
        "outages_ms": u64::try_from(summary.outages.paused.as_millis()).unwrap_or(u64::MAX),
        "certificates": summary.certificates,
        "endpoints_without_name": summary.nameless.endpoints,
        "endpoints_demanding_name": summary.nameless.demanding,
        "names_not_asked": names_not_asked(&summary.names_not_asked),
        "clock_jumps": summary.clock_jumps.iter().map(clock_jump).collect::<Vec<_>>(),
        "installations_by_severity": severities.map(|it| it.json()),
        "elapsed_ms": u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

fn clock_jump(jump: &ClockJump) -> Value {
    json!({"from": jump.from.to_string(), "to": jump.to.to_string()})
}

fn names_not_asked(names: &[NameNotAsked]) -> Vec<Value> {
    let entry = |it: &NameNotAsked| json!({"name": it.name.as_str(), "why": it.why.to_string()});
    names.iter().map(entry).collect()
}

fn outcomes(tally: &Tally) -> Map<String, Value> {
    let entry = |(kind, count): (OutcomeKind, u64)| (kind.to_string(), count.into());
    tally.iter().map(entry).collect()
}
