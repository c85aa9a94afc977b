use crate::domain::{Port, Tally, Timestamp, Zone};

/// What the ledger knows of one network (or name) and port: how many of its
/// targets had each latest outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// From where it was looked at.
    pub zone: Zone,
    /// The network as CIDR, or the name.
    pub network: String,
    /// The port.
    pub port: Port,
    /// The latest outcome of each target in it.
    pub outcomes: Tally,
    /// Why targets in it are excluded, without duplicates.
    pub exclusions: Vec<String>,
    /// What is to be said of others that gave no answer or were not asked,
    /// without duplicates.
    pub remarks: Vec<String>,
    /// The earliest of its targets' latest looks.
    pub oldest_look: Timestamp,
    /// The latest look.
    pub latest_look: Timestamp,
}
