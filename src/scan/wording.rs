use crate::domain::{Dialect, KeyType, Observation, ServerName};

/// What makes one question at an address and port another than the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wording {
    pub(super) dialect: Dialect,
    pub(super) server_name: Option<ServerName>,
    /// The only one that the answer may have.
    pub(super) key_type: Option<KeyType>,
}

impl Wording {
    pub(super) fn of(seen: &Observation) -> Self {
        Self {
            dialect: seen.endpoint.dialect,
            server_name: seen.server_name.clone(),
            key_type: seen.asked_for,
        }
    }
}
