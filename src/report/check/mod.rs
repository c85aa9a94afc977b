//! Judged installations and endpoints → what monitoring asks for: does
//! anything fail, how much, and which are the worst.
//!
//! Memory does not grow with the rows: counts, and the worst lines.

mod absorbed;
mod ages;
mod document;
mod line;
mod nagios;
mod place;
mod prometheus;
mod replaced;
mod text;
mod unreplaced;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Distinct;
use super::row::{EndpointLook, Installation, ScanRow};
use crate::domain::{Severity, Timestamp, counted};
use crate::judge::Finding;

pub use ages::Ages;
pub use document::document as check_document;
pub use line::{Line, WORST_LINES};
pub use nagios::nagios;
pub use prometheus::Prometheus;
pub use replaced::Replaced;
pub use text::text as check_text;
pub use unreplaced::Unreplaced;

use absorbed::Absorbed;
use line::Worst;

/// What is looked for, and what makes a check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The severity from which on a finding fails it.
    pub fail_on: Severity,
    /// Which findings can.
    pub failing: Failing,
    /// How long ago an endpoint may have been looked at where nothing else is
    /// said of it.
    pub max_age: Duration,
    /// Whether one that was not fails the check, whatever `failing` says.
    pub overdue_fails: bool,
    /// Only installations first seen after this moment count.
    pub since: Option<Timestamp>,
    /// The moment to judge by.
    pub now: Timestamp,
}

/// Which findings make a check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// [`EXPIRY_AND_INVALIDITY`].
    ExpiryAndInvalidity,
    /// Every one, and endpoints that were not looked at for too long, which
    /// weigh as warnings.
    Everything,
}

/// The rules on what stops working.
pub const EXPIRY_AND_INVALIDITY: [&str; 4] = ["expired", "expiring", "not-yet-valid", "invalid"];

/// What an endpoint that was not looked at for too long weighs.
const OVERDUE: Severity = Severity::Warning;

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckState {
    /// Nothing that it looks for.
    Ok,
    /// Something, from warnings up, that does not make it fail.
    Warning,
    /// Something that does.
    Failed,
    /// It can't tell: nothing to look at, or not all of it was judged.
    Unknown,
}

/// A check under way.
#[derive(Clone, Debug)]
pub struct Check {
    terms: Terms,
    counts: Counts,
    worst: Worst,
    last_scan: Option<ScanRow>,
    distinct: Distinct,
    /// What counts for itself among all there is, new or not.
    standing: Distinct,
    absorbed: Absorbed,
}

/// What was counted. The unit is the installation unless it says otherwise,
/// those that count as one ([`Distinct`]) counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that were there to look at, `since` left aside.
    pub considered: u64,
    /// Those that count: current and missing that nothing replaced.
    pub installations: u64,
    /// Those that nobody judged.
    pub unjudged: u64,
    /// Those with something that makes the check fail.
    pub failing: u64,
    /// Those with something that could, were it severe enough: from warnings
    /// up.
    pub warning: u64,
    /// Those with accepted findings.
    pub accepted: u64,
    /// By the severity of the worst finding.
    pub by_severity: BTreeMap<Severity, u64>,
    /// By finding and its severity.
    pub by_finding: BTreeMap<(&'static str, Severity), u64>,
    /// Known endpoints, but for those that are retired.
    pub endpoints: u64,
    /// Endpoints that were not looked at for too long.
    pub overdue: u64,
    /// Those of them whose latest look lies in the future: nobody knows when it
    /// was.
    pub ahead: u64,
    /// The look that is longest ago among theirs, of those in the past.
    pub oldest_look: Option<Timestamp>,
    /// How long ago endpoints may have been looked at, the shortest and the
    /// longest of what holds for those that were counted.
    pub max_ages: Option<(Duration, Duration)>,
}

impl Check {
    /// A check that has seen nothing.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            counts: Counts::default(),
            worst: Worst::default(),
            last_scan: None,
            distinct: Distinct::default(),
            standing: Distinct::default(),
            absorbed: Absorbed::default(),
        }
    }

    /// Counts the next installation, in the order of the main report; `false`
    /// where it does not count.
    pub fn installation(&mut self, row: &Installation) -> bool {
        self.counts.considered += 1;
        // An endpoint is one with another whether or not that is new.
        if self.standing.takes(row) {
            self.absorbed.keep(row);
        } else {
            self.absorbed.absorb(row);
        }
        if self
            .terms
            .since
            .is_some_and(|since| row.first_seen <= since)
        {
            return false;
        }
        if !self.distinct.takes(row) {
            return false;
        }
        self.counts.installations += 1;
        let Some(judgement) = &row.judgement else {
            self.counts.unjudged += 1;
            return true;
        };
        self.counts.accepted += u64::from(!judgement.accepted.is_empty());
        if let Some(severity) = judgement.severity() {
            *self.counts.by_severity.entry(severity).or_default() += 1;
        }
        let mut found: Vec<_> = judgement.findings.iter().map(key).collect();
        found.sort_unstable();
        found.dedup();
        for finding in found {
            *self.counts.by_finding.entry(finding).or_default() += 1;
        }
        let fails = judgement.findings.iter().any(|one| self.terms.fails(one));
        self.counts.failing += u64::from(fails);
        let warns = |one: &Finding| self.terms.looks_for(one) && one.severity >= Severity::Warning;
        let warns = !fails && judgement.findings.iter().any(warns);
        self.counts.warning += u64::from(warns);
        self.worst.add(row, judgement, &self.terms);
        true
    }

    /// Takes note that the inventory has what only a condition on how things
    /// stand (expiry, findings, state) leaves out: then nothing found is good
    /// news.
    pub fn left_out(&mut self) {
        self.counts.considered += 1;
    }

    /// Counts the next endpoint, after all installations: it must have been
    /// looked at, and not longer ago than `max_age`. One that is retired counts
    /// for nothing.
    pub fn endpoint(&mut self, look: &EndpointLook, max_age: Duration) {
        if look.is_retired {
            return;
        }
        let is_ahead = look.at.is_ahead_of(self.terms.now);
        let is_overdue = is_ahead || self.terms.now.since(look.at) > max_age;
        if !self.absorbed.counts(look, is_overdue) {
            return;
        }
        self.counts.endpoints += 1;
        let (shortest, longest) = self.counts.max_ages.unwrap_or((max_age, max_age));
        self.counts.max_ages = Some((shortest.min(max_age), longest.max(max_age)));
        self.counts.overdue += u64::from(is_overdue);
        self.counts.ahead += u64::from(is_ahead);
        if is_overdue && !is_ahead {
            let oldest = self.counts.oldest_look.unwrap_or(look.at);
            self.counts.oldest_look = Some(oldest.min(look.at));
        }
    }

    /// Takes a scan; the last one stays.
    pub fn scan(&mut self, row: ScanRow) {
        self.last_scan = Some(row);
    }

    /// What was counted.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The terms it runs under.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The latest scan.
    #[must_use]
    pub const fn last_scan(&self) -> Option<&ScanRow> {
        self.last_scan.as_ref()
    }

    /// The worst installations, at most [`WORST_LINES`], worst first.
    #[must_use]
    pub fn worst(&self) -> &[Line] {
        self.worst.lines()
    }

    /// How many others have a finding from warnings up, or fail.
    #[must_use]
    pub const fn left_out_of_worst(&self) -> u64 {
        self.worst.left_out()
    }

    /// Whether it fails because endpoints were not looked at for too long.
    #[must_use]
    pub fn fails_on_overdue(&self) -> bool {
        let terms = &self.terms;
        let by_severity = terms.failing == Failing::Everything && OVERDUE >= terms.fail_on;
        self.counts.overdue > 0 && (terms.overdue_fails || by_severity)
    }

    /// How it stands. What is known to fail outweighs what is not known, and
    /// without anything to look at nothing is known.
    #[must_use]
    pub fn state(&self) -> CheckState {
        let counts = &self.counts;
        if counts.failing > 0 || self.fails_on_overdue() {
            CheckState::Failed
        } else if counts.considered == 0 || counts.unjudged > 0 {
            CheckState::Unknown
        } else if counts.warning > 0 || counts.overdue > 0 {
            CheckState::Warning
        } else {
            CheckState::Ok
        }
    }
}

impl CheckState {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Terms {
    /// Whether it could make the check fail.
    fn looks_for(&self, finding: &Finding) -> bool {
        match self.failing {
            Failing::Everything => true,
            Failing::ExpiryAndInvalidity => EXPIRY_AND_INVALIDITY.contains(&finding.rule),
        }
    }

    /// Whether it does.
    fn fails(&self, finding: &Finding) -> bool {
        self.looks_for(finding) && finding.severity >= self.fail_on
    }
}

fn key(finding: &Finding) -> (&'static str, Severity) {
    (finding.rule, finding.severity)
}

/// The check in one sentence: numbers only, and no word of the network's.
fn sentence(check: &Check) -> String {
    let counts = check.counts();
    let installations = counted(counts.installations, "installation");
    match check.state() {
        CheckState::Unknown if counts.considered == 0 => {
            "nothing to check: no installation is in the inventory, or none that the filters ask \
             for"
            .to_owned()
        }
        CheckState::Unknown => format!("not judged: {} of {installations}", counts.unjudged),
        CheckState::Ok => format!("none of {installations} fails"),
        CheckState::Warning | CheckState::Failed => format!(
            "{} of {installations} {}, {} {}, {} of {} not looked at for too long{}",
            counts.failing,
            verb(counts.failing, "fail"),
            counts.warning,
            verb(counts.warning, "warn"),
            counts.overdue,
            counted(counts.endpoints, "endpoint"),
            ahead(counts)
        ),
    }
}

/// What makes looks in the future count as none, where there are any.
fn ahead(counts: &Counts) -> String {
    match counts.ahead {
        0 => String::new(),
        ahead => format!(" (the latest look at {ahead} of them lies in the future)"),
    }
}

/// `1 fails`, `2 fail`.
fn verb(count: u64, verb: &str) -> String {
    let ending = if count == 1 { "s" } else { "" };
    format!("{verb}{ending}")
}

#[cfg(test)]
mod tests;
