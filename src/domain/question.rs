use super::{Endpoint, KeyType, ServerName};

/// What a certificate is the answer to.
///
/// Only an answer of the same key type says anything about it: a server that
/// shows its ECDSA certificate today has not lost its RSA one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Where it was asked.
    pub endpoint: Endpoint,
    /// The name sent, if one was.
    pub server_name: Option<ServerName>,
    /// The key type of the answer.
    pub key_type: KeyType,
}
