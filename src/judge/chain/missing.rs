use serde::{Deserialize, Serialize};

use super::member::Member;
use super::trail::Trail;
use super::validity::Validity;
use crate::domain::Fingerprint;

/// An intermediate that was not sent where it should have been.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) fingerprint: Fingerprint,
    pub(super) validity: Validity,
    /// Whether the same authority was sent, in another certificate.
    pub(super) is_sent_otherwise: bool,
}

impl Missing {
    /// Where a trail goes by `bridge`, and by these where it takes nothing from
    /// others.
    pub(super) fn of(bridge: &Member, own: &[Trail]) -> Self {
        let mut known = own.iter().flat_map(Trail::members);
        Self {
            fingerprint: bridge.fingerprint(),
            validity: Validity::of(bridge),
            is_sent_otherwise: known.any(|member| member.is_same_authority(bridge)),
        }
    }
}

/// The first certificate that had to be borrowed from another endpoint, roots
/// apart: those need not be sent.
pub(super) fn bridge(trail: &Trail) -> Option<&Member> {
    trail.borrowed().find(|member| !member.is_self_signed())
}
