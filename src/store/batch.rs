use std::collections::HashMap;
use std::net::IpAddr;

use super::Milestone;
use crate::domain::{
    Fingerprint, Observation, OutcomeKind, Port, ScanState, ServerName, Tally, Timestamp, Zone,
};
use crate::x509::Certificate;

/// A scan about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewScan {
    /// When it begins.
    pub started_at: Timestamp,
    /// How many targets its plan has.
    pub targets: u64,
    /// From where it looks.
    pub zone: Zone,
    /// What the operator wrote down with it.
    pub note: Option<String>,
    /// The settings it runs with, JSON.
    pub settings: String,
    /// The seed of its order.
    pub seed: u64,
    /// SHA-256 over what makes its plan: targets, ports, exclusions, shard.
    pub plan: Fingerprint,
    /// SHA-256 over what decides which targets are asked what: a scan can go
    /// on with an earlier one of the same identity.
    pub identity: Fingerprint,
    /// Who runs it: user, machine and process.
    pub operator: String,
    /// The version of this program.
    pub tool_version: String,
}

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanEnd {
    /// When.
    pub finished_at: Timestamp,
    /// How it stands now.
    pub state: ScanState,
    /// Why it ended early: a word of [`EarlyEnd`], or an error's message.
    ///
    /// [`EarlyEnd`]: crate::domain::EarlyEnd
    pub ended_by: Option<String>,
    /// How many of its targets had each outcome.
    pub outcomes: Tally,
    /// What happened around it in this run, a sentence each.
    pub incidents: Vec<String>,
    /// How many targets had no turn and are not in the ledger either.
    pub unlisted: u64,
}

/// What is stored at once, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What the probes saw, in any order.
    pub observations: Vec<Observation>,
    /// The parsed form of every certificate in the observations that may not
    /// be stored yet; it may hold stored ones too.
    pub certificates: HashMap<Fingerprint, Certificate>,
    /// The outcomes of targets that are addresses, in any order.
    pub coverage: Vec<AddressRun>,
    /// The outcomes of targets that are names, in any order.
    pub names: Vec<NameLook>,
    /// Where those led, in any order: all addresses of each that was looked at
    /// everywhere, also those that were not asked; of others none.
    pub leads: Vec<Lead>,
    /// How far the scan has come with all this.
    pub milestone: Option<Milestone>,
}

/// The same outcome for every address from `first` to `last`, at one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRun {
    /// From where it was looked at.
    pub zone: Zone,
    /// The port.
    pub port: Port,
    /// The first address of the run.
    pub first: IpAddr,
    /// The last one, of the same family and not before the first.
    pub last: IpAddr,
    /// What became of them.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// The outcome of one target that is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameLook {
    /// From where it was looked at.
    pub zone: Zone,
    /// The name.
    pub name: ServerName,
    /// The port.
    pub port: Port,
    /// What became of it: the best of its addresses'.
    pub outcome: OutcomeKind,
    /// What the outcome's word leaves out.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A target that is a name led to an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lead {
    /// From where it was looked at.
    pub zone: Zone,
    /// The name.
    pub name: ServerName,
    /// The port.
    pub port: Port,
    /// The address.
    pub address: IpAddr,
}
