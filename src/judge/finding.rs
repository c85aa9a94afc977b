use crate::domain::{Fingerprint, Severity};

/// One rule's verdict on one thing. Only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's word, one of [`super::ALL`]'s.
    pub rule: &'static str,
    /// How much it matters, after the policy.
    pub severity: Severity,
    /// What is wrong, with its values. It may hold the peer's texts.
    pub detail: String,
    /// The certificate of the chain that it is about; `None`: the place.
    pub certificate: Option<Fingerprint>,
}
