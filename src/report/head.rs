use std::fmt;

use crate::domain::{Fingerprint, Timestamp};

/// What a report states of itself, where its format has room: JSON lines say
/// it in each line, CSV nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The tool and its version: `certsweep 0.1.0`.
    pub tool: String,
    /// The moment it judges by.
    pub now: Timestamp,
    /// The trust stores it judges by; none where nothing is judged.
    pub trust_stores: Vec<StatedStore>,
}

/// What a report states of a trust store, so that a change of it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedStore {
    /// `system`, `mozilla`, or a file's path.
    pub name: String,
    /// How many certificates are in it.
    pub roots: usize,
    /// SHA-256 over their SHA-256s in ascending order.
    pub hash: Fingerprint,
}

impl Head {
    /// The head of a report of this very program, judged by `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        Self {
            tool: tool.to_owned(),
            now,
            trust_stores: Vec::new(),
        }
    }
}

impl fmt::Display for StatedStore {
    /// `mozilla: 145 roots, sha256 3f9a…`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, roots, hash } = self;
        write!(f, "{name}: {roots} roots, sha256 {hash}")
    }
}
