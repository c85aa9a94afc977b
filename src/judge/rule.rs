use crate::domain::{Severity, Timestamp};

use super::Evidence;

/// One thing to look for.
#[derive(Debug)]
pub struct Rule {
    /// Its word, as reports, filters and the policy write it.
    pub id: &'static str,
    /// What it looks for, in one line.
    pub title: &'static str,
    /// How much a finding matters unless the policy says otherwise.
    pub severity: Severity,
    /// Who says so.
    pub citation: &'static str,
    /// What to do about a finding.
    pub advice: &'static str,
    /// The lint of zlint that looks for the same, if one does.
    pub zlint: Option<&'static str>,
    /// Looks.
    pub check: fn(&Evidence<'_>, Timestamp) -> Verdict,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule has nothing to say here. It is no pass.
    NotApplicable,
    /// It holds.
    Pass,
    /// It does not, and why.
    Fail(String),
}
