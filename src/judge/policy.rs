use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::domain::{Severity, Timestamp};

use super::selector::Traits;
use super::{Lead, Limits, Pattern, PointerNames, Selector};

/// What the operator wants of the rules, and who answers for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which rules hold, and how much their findings matter, by their ids.
    pub rules: BTreeMap<&'static str, RuleSetting>,
    /// Where the rules draw their lines.
    pub limits: Limits,
    /// What is otherwise for some installations. The first that matches and
    /// says something of a rule or a limit decides it.
    pub overrides: Vec<Override>,
    /// Who owns what; the first that matches.
    pub owners: Vec<Owner>,
    /// Findings that somebody answers for; the first that matches and still
    /// holds.
    pub acceptances: Vec<Acceptance>,
}

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleSetting {
    /// It isn't looked at.
    Off,
    /// It is, and its findings matter as much as it says.
    On,
    /// It is, and all its findings matter so much.
    Severity(Severity),
}

/// What is otherwise for some installations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// For which.
    pub selector: Selector,
    /// Of the rules, by their ids.
    pub rules: BTreeMap<&'static str, RuleSetting>,
    /// Of the limits.
    pub limits: LimitChanges,
}

/// Limits that are otherwise; `None`: as before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of `Limits` of that name")]
pub struct LimitChanges {
    pub expiring_warning: Option<Lead>,
    pub expiring_error: Option<Lead>,
    pub expiring_critical: Option<Lead>,
    pub max_age: Option<Duration>,
    pub rsa_bits: Option<u32>,
    pub dh_bits: Option<u32>,
    pub ports_per_host: Option<u32>,
    pub pointer_names: Option<PointerNames>,
    pub approved_issuers: Option<Vec<Pattern>>,
}

/// Who owns some installations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which.
    pub selector: Selector,
    /// Who.
    pub owner: String,
    /// What else to call them.
    pub tags: Vec<String>,
}

/// A finding that somebody answers for, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// For which installations.
    pub selector: Selector,
    /// The id of the rule.
    pub finding: &'static str,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it lapses: from this moment on, the finding counts again.
    pub until: Timestamp,
    /// Where it is written: file and line.
    pub origin: String,
}

impl Policy {
    /// What is said of a rule for such an installation.
    pub(super) fn setting(&self, rule: &str, traits: &Traits<'_>) -> RuleSetting {
        let mut overrides = self.overrides.iter();
        let special =
            overrides.find_map(|it| (it.rules.get(rule)).filter(|_| it.selector.matches(traits)));
        let setting = special.or_else(|| self.rules.get(rule));
        setting.copied().unwrap_or(RuleSetting::On)
    }

    /// The limits for such an installation.
    pub(super) fn limits(&self, traits: &Traits<'_>) -> Cow<'_, Limits> {
        let mut limits = Cow::Borrowed(&self.limits);
        for it in self.overrides.iter().rev() {
            if it.limits != LimitChanges::default() && it.selector.matches(traits) {
                it.limits.apply(limits.to_mut());
            }
        }
        limits
    }

    /// How old the last look at an endpoint may be, as far as its address and
    /// PTR name decide.
    #[must_use]
    pub fn max_age(&self, address: IpAddr, pointer: Option<&str>) -> Duration {
        self.limits(&Traits::of_endpoint(address, pointer)).max_age
    }

    /// Has one limit on that age hold for everything.
    pub fn set_max_age(&mut self, max_age: Duration) {
        self.limits.max_age = max_age;
        for special in &mut self.overrides {
            special.limits.max_age = None;
        }
    }

    /// Who owns such an installation.
    pub(super) fn owner(&self, traits: &Traits<'_>) -> Option<&Owner> {
        self.owners.iter().find(|it| it.selector.matches(traits))
    }
}

impl LimitChanges {
    /// Changes what is said.
    pub fn apply(&self, limits: &mut Limits) {
        fn change<T: Clone>(limit: &mut T, to: Option<&T>) {
            if let Some(to) = to {
                *limit = to.clone();
            }
        }
        change(&mut limits.expiring_warning, self.expiring_warning.as_ref());
        change(&mut limits.expiring_error, self.expiring_error.as_ref());
        let critical = self.expiring_critical.as_ref();
        change(&mut limits.expiring_critical, critical);
        change(&mut limits.max_age, self.max_age.as_ref());
        change(&mut limits.rsa_bits, self.rsa_bits.as_ref());
        change(&mut limits.dh_bits, self.dh_bits.as_ref());
        change(&mut limits.ports_per_host, self.ports_per_host.as_ref());
        change(&mut limits.pointer_names, self.pointer_names.as_ref());
        change(&mut limits.approved_issuers, self.approved_issuers.as_ref());
    }
}
