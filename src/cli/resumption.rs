//! `--resume`: which scan of the inventory a sweep goes on with.

use std::str::FromStr;

use serde_json::Value;

use super::failure::Failure;
use super::inventory;
use crate::config::Settings;
use crate::domain::{Fingerprint, ScanId, ScanState};
use crate::store::{PastScan, SqliteSink};
use crate::target::Plan;

/// Which scan to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    /// The last one of the same targets and settings, if it is unfinished;
    /// else a new one begins.
    Last,
    /// This one.
    Scan(ScanId),
}

/// A text that is no number of a scan.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not the number of a scan")]
pub(super) struct InvalidScanNumber(String);

impl Resume {
    /// What clap puts in for a flag without a value.
    pub(super) const LAST: &'static str = "last";
}

impl FromStr for Resume {
    type Err = InvalidScanNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::LAST {
            return Ok(Self::Last);
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        number
            .map(|number| Self::Scan(ScanId::new(number)))
            .ok_or_else(|| InvalidScanNumber(text.to_owned()))
    }
}

/// SHA-256 over what decides which targets are asked what. Exclusions are not
/// in it: those that are listed now hold, and nothing else of the scan changes.
pub(super) fn identity(plan: &Plan, settings: &Settings) -> Fingerprint {
    let mut names: Vec<_> = settings.further_names.names.iter().collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<_> = names.into_iter().map(ToString::to_string).collect();
    let parts = [
        plan.targets_fingerprint(),
        Value::from(Settings::decisive(settings.describe())).to_string(),
        names.join("\n"),
    ];
    Fingerprint::of(parts.join("\n").as_bytes())
}

/// Under what the settings of a scan keep the fingerprint of its targets, the
/// known ones included.
pub(super) const TARGETS: &str = "targets_sha256";

/// Whether a plan has the targets of a scan: what was known when it began may
/// have been pruned since.
pub(super) fn has_targets_of(past: &PastScan, plan: &Plan) -> bool {
    let settings: Value = serde_json::from_str(&past.settings).unwrap_or_default();
    settings.get(TARGETS).and_then(Value::as_str) == Some(&plan.targets_fingerprint())
}

/// The scan to go on with; none where a new one is to begin.
///
/// `seed` is the one that the operator asked for: it has to be the scan's.
pub(super) async fn choose(
    sink: &mut SqliteSink,
    resume: Resume,
    plan: &Plan,
    settings: &Settings,
    seed: Option<u64>,
) -> Result<Option<PastScan>, Failure> {
    let identity = identity(plan, settings);
    let chosen = match resume {
        Resume::Last => sink
            .latest_scan(identity)
            .await?
            .filter(|latest| latest.state != ScanState::Complete && leaves_any(latest, plan)),
        Resume::Scan(id) => {
            let past = sink.past_scan(id).await?;
            let past = past.ok_or_else(|| inventory::no_such_scan(id))?;
            check(&past, identity, settings)?;
            if !leaves_any(&past, plan) {
                return Err(refusal(format_args!(
                    "scan {id} has left nothing but what was out of the hours of its network"
                )));
            }
            Some(past)
        }
    };
    match (&chosen, seed) {
        (Some(past), Some(seed)) if seed != past.seed => {
            let PastScan { id, seed: own, .. } = past;
            let message = format_args!("scan {id} has the seed {own}, not {seed}");
            Err(Failure::usage(message).hint(Some("leave --seed out to go on with it")))
        }
        _ => Ok(chosen),
    }
}

/// Whether anything is left that a scan can go on with: in blocks that are done
/// that is nothing, though hours of networks may have left some of them. What
/// was killed before its last word only lacks that.
fn leaves_any(past: &PastScan, plan: &Plan) -> bool {
    past.blocks_done < plan.block_count() || past.not_attempted == 0
}

/// Whether the operator's scan can be gone on with.
fn check(past: &PastScan, identity: Fingerprint, settings: &Settings) -> Result<(), Failure> {
    let PastScan {
        id,
        state,
        successor,
        ..
    } = past;
    if *state == ScanState::Complete {
        return Err(refusal(format_args!("scan {id} is complete")));
    }
    match past.identity {
        Some(own) if own == identity => {}
        Some(_) => {
            let different = differences(&past.settings, settings);
            return Err(refusal(format_args!("scan {id} had {different}")));
        }
        None => return Err(refusal(format_args!("scan {id} kept no journal"))),
    }
    match successor {
        Some(successor) => Err(refusal(format_args!(
            "scan {successor} has taken the place of scan {id}"
        ))),
        None => Ok(()),
    }
}

fn refusal(message: impl std::fmt::Display) -> Failure {
    Failure::usage(format_args!("can't resume: {message}")).hint(Some(
        "`certsweep scans` lists them; --resume without a number takes the last unfinished one \
         of these targets and settings, or begins one",
    ))
}

/// `profile = "fast", zone = "lab"`: the settings of a scan that are others
/// now; where all are the same, its targets were others.
fn differences(past: &str, settings: &Settings) -> String {
    let past = Settings::decisive(serde_json::from_str(past).unwrap_or_default());
    let now = Settings::decisive(settings.describe());
    let different = past.iter().filter_map(|(key, value)| {
        let same = now.get(key) == Some(value);
        (!same).then(|| format!("{key} = {value}"))
    });
    let different: Vec<_> = different.collect();
    if different.is_empty() {
        "other targets, ports or server names".to_owned()
    } else {
        different.join(", ")
    }
}
