//! A scan's end, told to a person and to a machine.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::verdicts::Severities;
use crate::domain::{OutcomeKind, ScanState, Tally, counted, printable};
use crate::scan::{NameNotAsked, Nameless, SlowedNetwork, Summary};
use crate::schedule::ClockJump;

/// Faults of ours that are told; `show` tells each address's.
const MOST_FAULTS: usize = 3;

/// Names not asked for that are told to a person; a machine gets them all.
const MOST_NAMES: usize = 10;

/// The exit status that the end comes to.
pub(super) fn exit(summary: &Summary) -> Exit {
    match summary.state {
        // Something was not looked at as it should have been.
        ScanState::Complete if summary.internal_errors > 0 => Exit::Failed,
        ScanState::Complete => Exit::Done,
        ScanState::Stopped | ScanState::Interrupted => Exit::Early,
        ScanState::Running | ScanState::Failed => Exit::Failed,
    }
}

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
    for incident in summary.trouble.incidents() {
        let _ = writeln!(text, "{incident}");
    }
    text.push_str(&behind_names(summary));
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
    let trouble = &summary.trouble;
    json!({
        "type": "summary",
        "scan_id": summary.scan.number(),
        "state": summary.state.as_str(),
        "ended_by": summary.ended_by,
        "targets": summary.targets,
        "outcomes": outcomes(&summary.outcomes),
        "faults": summary.faults.iter().cloned().collect::<BTreeMap<_, _>>(),
        "internal_errors": summary.internal_errors,
        "outages": trouble.outages.count,
        "outages_ms": u64::try_from(trouble.outages.paused.as_millis()).unwrap_or(u64::MAX),
        "dns_outages": trouble.name_outages.count,
        "slowed_networks": trouble.slowed.iter().map(slowed).collect::<Vec<_>>(),
        "certificates": summary.certificates,
        "endpoints_without_name": summary.nameless.endpoints,
        "endpoints_demanding_name": summary.nameless.demanding,
        "names_not_asked": names_not_asked(&summary.names_not_asked),
        "clock_jumps": trouble.clock_jumps.iter().map(clock_jump).collect::<Vec<_>>(),
        "ahead_of_clock": trouble.ahead.map(|it| it.scan.number()),
        "installations_by_severity": severities.map(|it| it.json()),
        "elapsed_ms": u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

fn slowed(network: &SlowedNetwork) -> Value {
    json!({"network": network.network, "silent": network.silent})
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ScanId;
    use crate::scan::{SlowedNetwork, Trouble};

    fn complete() -> Summary {
        Summary {
            scan: ScanId::new(7),
            state: ScanState::Complete,
            ended_by: None,
            targets: 3,
            outcomes: Tally::default(),
            faults: Vec::new(),
            internal_errors: 0,
            trouble: Trouble::default(),
            certificates: 0,
            nameless: Nameless::default(),
            names_not_asked: Vec::new(),
            elapsed: Duration::from_secs(1),
        }
    }

    fn told(summary: &Summary) -> String {
        text(summary, None, Path::new("i.db"))
    }

    #[test]
    fn a_panic_in_a_target_is_told_at_the_end_and_fails_the_run() {
        assert_eq!(exit(&complete()), Exit::Done);
        let summary = Summary {
            internal_errors: 2,
            ..complete()
        };
        assert_eq!(exit(&summary), Exit::Failed);
        let words = "2 targets met a fault in certsweep itself: please report it";
        assert!(told(&summary).contains(words), "{}", told(&summary));
        assert_eq!(json(&summary, None)["internal_errors"], 2);
    }

    #[test]
    fn an_end_that_came_early_has_a_status_of_its_own() {
        for state in [ScanState::Stopped, ScanState::Interrupted] {
            let summary = Summary {
                state,
                ..complete()
            };
            assert_eq!(exit(&summary), Exit::Early);
        }
    }

    #[test]
    fn what_happened_around_it_is_told() {
        let network = "10.0.1.0/24".to_owned();
        let slowed = vec![SlowedNetwork { network, silent: 9 }];
        let summary = Summary {
            trouble: Trouble {
                slowed,
                ..Trouble::default()
            },
            ..complete()
        };
        let words = "10.0.1.0/24 stopped answering";
        assert!(told(&summary).contains(words), "{}", told(&summary));
        assert_eq!(json(&summary, None)["slowed_networks"][0]["silent"], 9);
    }
}
