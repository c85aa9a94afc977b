use crate::domain::{Fingerprint, Severity};

use super::Case;

/// One thing to look for.
#[derive(Debug)]
pub struct Rule {
    /// Its word, as reports, filters and the policy write it.
    pub id: &'static str,
    /// What it looks for, in one line.
    pub title: &'static str,
    /// How much a finding matters unless the rule or the policy says
    /// otherwise.
    pub severity: Severity,
    /// Who says so.
    pub citation: &'static str,
    /// What to do about a finding.
    pub advice: &'static str,
    /// How it looks, and what it can't see, where that needs saying.
    pub note: Option<&'static str>,
    /// The lints of zlint that look for the same.
    pub zlint: &'static [&'static str],
    /// Looks.
    pub check: fn(&Case<'_>) -> Verdict,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule has nothing to say here. It is no pass.
    NotApplicable,
    /// It holds.
    Pass,
    /// It does not, in these ways; at least one.
    Fail(Vec<Flaw>),
}

/// One way in which a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// How much it matters; `None`: as the rule says.
    pub severity: Option<Severity>,
    /// What is wrong, with its values. It may hold the peer's texts.
    pub detail: String,
    /// The certificate of the chain that it is about; `None`: the place.
    pub certificate: Option<Fingerprint>,
}

impl Verdict {
    /// The rule does not hold at this place.
    pub(super) fn fail(detail: impl Into<String>) -> Self {
        Self::Fail(vec![Flaw {
            severity: None,
            detail: detail.into(),
            certificate: None,
        }])
    }

    /// It does not hold, and it matters so much.
    pub(super) fn fail_at(severity: Severity, detail: impl Into<String>) -> Self {
        Self::Fail(vec![Flaw {
            severity: Some(severity),
            detail: detail.into(),
            certificate: None,
        }])
    }

    /// Passes where there is nothing to say against it.
    pub(super) fn unless(objection: Option<String>) -> Self {
        objection.map_or(Self::Pass, Self::fail)
    }

    /// Says of which certificate the flaws are.
    pub(super) fn about(mut self, certificate: Fingerprint) -> Self {
        for flaw in self.flaws_mut() {
            flaw.certificate = Some(certificate);
        }
        self
    }

    /// Puts the name of what has them before the flaws.
    pub(super) fn named(mut self, name: &str) -> Self {
        for flaw in self.flaws_mut() {
            flaw.detail = format!("{name}: {}", flaw.detail);
        }
        self
    }

    /// Fails where one of these fails, with the flaws of all; passes where
    /// one has something to say.
    pub(super) fn all(verdicts: impl Iterator<Item = Self>) -> Self {
        verdicts.fold(Self::NotApplicable, |all, verdict| match (all, verdict) {
            (Self::Fail(mut flaws), Self::Fail(more)) => {
                flaws.extend(more);
                Self::Fail(flaws)
            }
            (fail @ Self::Fail(_), _) | (_, fail @ Self::Fail(_)) => fail,
            (Self::Pass, _) | (_, Self::Pass) => Self::Pass,
            (Self::NotApplicable, Self::NotApplicable) => Self::NotApplicable,
        })
    }

    fn flaws_mut(&mut self) -> &mut [Flaw] {
        match self {
            Self::NotApplicable | Self::Pass => &mut [],
            Self::Fail(flaws) => flaws,
        }
    }
}
