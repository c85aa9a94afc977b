use std::net::IpAddr;

use crate::domain::{OutcomeKind, Port, ScanId, Severity, Timestamp, Zone};

/// One endpoint that spoke, or was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// From where it was seen.
    pub zone: Zone,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: Port,
    /// The dialect it is asked in.
    pub dialect: String,
    /// The latest outcome.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out.
    pub detail: String,
    /// What it said, where that was not TLS: lossy UTF-8 of bounded bytes.
    pub banner: Option<String>,
    /// The connections of the latest look, one line each.
    pub attempts: Vec<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// Certificates currently installed there.
    pub certificates: u64,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last looked at.
    pub last_checked: Timestamp,
    /// The scan that looked last.
    pub scan: ScanId,
    /// Every version it is known to accept.
    pub protocols: Vec<String>,
    /// Every version it refused when offered no other, and has not come by
    /// since.
    pub protocols_refused: Vec<String>,
    /// The hybrid post-quantum group it agrees to, `refused` where it agrees
    /// to none; `None` where that was not asked.
    pub hybrid_group: Option<String>,
    /// Whether all certificates that it had are gone: `scan --known` leaves it
    /// out, and nobody waits for a look at it.
    pub is_retired: bool,
    /// The worst severity that any of its installations was judged to have;
    /// `None` without findings, and until they are judged.
    pub severity: Option<Severity>,
}

/// When a known endpoint was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointLook {
    /// From where it is seen.
    pub zone: Zone,
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: Port,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// When its latest look was.
    pub at: Timestamp,
    /// Whether all certificates that it had are gone.
    pub is_retired: bool,
}

/// One question at an endpoint: what a certificate there is the answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRow {
    /// The server name sent, if any.
    pub sni: Option<String>,
    /// The key type of its answers.
    pub key_type: String,
    /// What became of it when it was last asked.
    pub outcome: OutcomeKind,
    /// When that was.
    pub asked_at: Timestamp,
    /// When it was last answered.
    pub answered_at: Timestamp,
    /// Whether there is another certificate at every look.
    pub is_ephemeral: bool,
}

impl From<&EndpointRow> for EndpointLook {
    fn from(row: &EndpointRow) -> Self {
        Self {
            zone: row.zone.clone(),
            ip: row.ip,
            port: row.port,
            pointer: row.pointer.clone(),
            at: row.last_checked,
            is_retired: row.is_retired,
        }
    }
}
