use super::from_text::with_hint;
use crate::target::{Exclusion, Origin};

/// An exclusion of a flag or of the configuration file, and the text it was
/// read from: the record of a scan keeps what the operator wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenExclusion {
    text: String,
    exclusion: Exclusion,
}

impl WrittenExclusion {
    /// Reads the text that stands at `origin`; the error says what would be
    /// accepted.
    pub(super) fn read(text: &str, origin: Origin) -> Result<Self, String> {
        let exclusion = Exclusion::parse(text, origin);
        let exclusion = exclusion.map_err(|error| with_hint(&error, error.hint()))?;
        Ok(Self {
            text: text.to_owned(),
            exclusion,
        })
    }

    /// Reads what follows `-x`.
    pub(super) fn of_flag(text: &str) -> Result<Self, String> {
        Self::read(text, Origin::of("-x"))
    }

    /// What the operator wrote.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    #[must_use]
    pub const fn exclusion(&self) -> &Exclusion {
        &self.exclusion
    }
}
