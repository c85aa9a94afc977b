use super::ServerName;

/// A target's own name that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// The server declined it as unknown: it was asked without one instead.
    Declined(ServerName),
    /// It was asked without one beside it, for what was shown so before.
    Beside(ServerName),
}

impl LeftOut {
    /// The name, if the server does not know it.
    #[must_use]
    pub fn declined(&self) -> Option<&ServerName> {
        match self {
            Self::Declined(name) => Some(name),
            Self::Beside(_) => None,
        }
    }

    /// The name, if it was asked without one beside it.
    #[must_use]
    pub fn beside(&self) -> Option<&ServerName> {
        match self {
            Self::Declined(_) => None,
            Self::Beside(name) => Some(name),
        }
    }
}
