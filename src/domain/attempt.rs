use std::fmt;

use super::{OutcomeKind, ProtocolSet};

/// One connection made for a question, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What its ClientHello offered.
    pub offered: ProtocolSet,
    /// What sets its hello apart from the usual one.
    pub resort: Option<Resort>,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// What the word leaves out: phase, alert, limit. Empty when nothing.
    pub detail: String,
}

/// A hello for servers that refused the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resort {
    /// With the cipher suites of servers that have no certificate.
    Anonymous,
    /// Without the application protocols that the usual one offered.
    WithoutAlpn,
}

impl fmt::Display for Attempt {
    /// `tls1.3: tls-refused (alert protocol_version(70) at hello)`, with
    /// `, without alpn` before the colon where it was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offered)?;
        match self.resort {
            Some(Resort::Anonymous) => f.write_str(", anonymous suites")?,
            Some(Resort::WithoutAlpn) => f.write_str(", without alpn")?,
            None => {}
        }
        write!(f, ": {}", self.outcome)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
