//! A scan's end, told to a person and to a machine.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::domain::{OutcomeKind, Tally, printable};
use crate::scan::Summary;

/// Faults of ours that are told; `show` tells each address's.
const MOST_FAULTS: usize = 3;

/// The lines a person reads; their numbers add up to the targets.
pub(super) fn text(summary: &Summary, db: &Path) -> String {
    let mut text = String::new();
    let width = summary.targets.to_string().len();
    let elapsed = humantime::format_duration(std::time::Duration::from_millis(
        u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    ));
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "scan {} {}: {} targets in {elapsed}",
        summary.scan, summary.state, summary.targets
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
    let _ = write!(
        text,
        "{} different certificates; inventory {}",
        summary.certificates,
        db.display()
    );
    text
}

/// The line that ends `--json`.
pub(super) fn json(summary: &Summary) -> Value {
    json!({
        "type": "summary",
        "scan_id": summary.scan.number(),
        "state": summary.state.as_str(),
        "targets": summary.targets,
        "outcomes": outcomes(&summary.outcomes),
        "faults": summary.faults.iter().cloned().collect::<BTreeMap<_, _>>(),
        "certificates": summary.certificates,
        "elapsed_ms": u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

fn outcomes(tally: &Tally) -> Map<String, Value> {
    let entry = |(kind, count): (OutcomeKind, u64)| (kind.to_string(), count.into());
    tally.iter().map(entry).collect()
}
