use crate::domain::Timestamp;

/// What a report states of itself, where its format has room: JSON lines say
/// it in each line, CSV nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The tool and its version: `certsweep 0.1.0`.
    pub tool: String,
    /// The moment it judges by.
    pub now: Timestamp,
}

impl Head {
    /// The head of a report of this very program, judged by `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        Self {
            tool: tool.to_owned(),
            now,
        }
    }
}
