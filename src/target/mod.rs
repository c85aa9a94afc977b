//! What the operator wrote -> [`Plan`] -> [`Target`](crate::domain::Target)s.
//!
//! Pure: texts come in as arguments, and the day of the year too. A
//! [`TargetSpec`] is one thing written, [`Ports`] where it is asked,
//! [`Exclusions`] what is never touched; the [`Plan`] freezes the three and
//! gives every target a number, walked [`Block`] by [`Block`].

mod address_range;
mod block;
mod builder;
mod by_network;
mod embedding;
mod exclusion;
mod exclusions;
mod fingerprint;
mod fragile;
mod hosts;
mod list;
mod permutation;
mod pieces;
mod plan;
mod ports;
mod segment;
mod shard;
mod spec;
mod special;
mod summary;
mod sweep;

#[cfg(test)]
mod properties;

pub use address_range::{AddressRange, RangeError};
pub use block::Block;
pub use builder::{PlanBuilder, PlanError};
pub use by_network::ByNetwork;
pub use embedding::host_reached;
pub use exclusion::{Exclusion, ExclusionError, Scope};
pub use exclusions::Exclusions;
pub use hosts::Hosts;
pub use list::{ListError, Origin, parse_exclusions, parse_list, parse_names};
pub use permutation::Permutation;
pub use plan::Plan;
pub use ports::{Ports, PortsError};
pub use shard::{InvalidShard, Shard};
pub use spec::{SpecError, TargetSpec};
pub use summary::{PlanSummary, Share, Within};
