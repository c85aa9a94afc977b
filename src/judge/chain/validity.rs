use serde::{Deserialize, Serialize};

use super::member::Member;
use crate::domain::Timestamp;

/// When one certificate is valid; `None` where it can't be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Validity {
    pub(super) name: String,
    pub(super) not_before: Option<Timestamp>,
    pub(super) not_after: Option<Timestamp>,
}

impl Validity {
    pub(super) fn of(member: &Member) -> Self {
        Self {
            name: member.name(),
            not_before: member.facts().not_before,
            not_after: member.facts().not_after,
        }
    }

    pub(super) fn unreadable(&self) -> Option<String> {
        let is_readable = self.not_before.is_some() && self.not_after.is_some();
        (!is_readable).then(|| format!("the validity of `{}` can't be read", self.name))
    }

    /// RFC 5280 section 4.1.2.5: both ends belong to it.
    pub(super) fn over(&self, now: Timestamp) -> Option<String> {
        let name = &self.name;
        match (self.not_before, self.not_after) {
            (_, Some(end)) if now.is_past(end) => Some(format!("`{name}` expired {end}")),
            (Some(begin), _) if now < begin => {
                Some(format!("`{name}` is not valid before {begin}"))
            }
            _ => None,
        }
    }

    /// That it ends before the other does.
    pub(super) fn ends_before(&self, other: &Self) -> Option<String> {
        let end = self.not_after.filter(|end| Some(*end) < other.not_after)?;
        Some(format!("it ends {end}, before `{}`", other.name))
    }
}
