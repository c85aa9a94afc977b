use std::fmt;

use crate::domain::{Fingerprint, Timestamp, counted, printable};

/// What a report states of itself, where its format has room: JSON lines say
/// it in each line, CSV and certificates nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The tool and its version: `certsweep 0.1.0`.
    pub tool: String,
    /// The moment it judges by.
    pub now: Timestamp,
    /// The trust stores it judges by; none where nothing is judged.
    pub trust_stores: Vec<StatedStore>,
    /// The settings it judges by: a name and a value each; none where nothing
    /// is judged.
    pub settings: Vec<(String, String)>,
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
            settings: Vec::new(),
        }
    }

    /// What it judges by, a line each: tool and time, trust stores, settings.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let judged = format!("judged by {} at {}", self.tool, self.now);
        let stores = self.trust_stores.iter();
        let stores = stores.map(|store| format!("trust store {store}"));
        std::iter::once(judged)
            .chain(stores)
            .chain(self.stated_settings())
            .map(|line| printable(&line))
            .collect()
    }

    /// The settings, as `name: value`.
    pub(super) fn stated_settings(&self) -> impl Iterator<Item = String> {
        let settings = self.settings.iter();
        settings.map(|(name, value)| format!("{name}: {value}"))
    }
}

impl fmt::Display for StatedStore {
    /// `mozilla: 145 roots, sha256 3f9a…`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, roots, hash } = self;
        write!(f, "{name}: {}, sha256 {hash}", counted(*roots, "root"))
    }
}
