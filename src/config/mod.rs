//! Flags over the configuration file over defaults → settings.
//!
//! Nothing before this module reads a file, a flag or the environment.

mod exclusion;
mod file;
mod from_text;
mod network;
mod options;
mod profile;
mod policy;
mod report;
mod selection;
mod settings;
mod source;
mod terms;
mod time_span;
mod timeout;
mod trust_stores;

pub use exclusion::WrittenExclusion;
pub use file::{Config, ConfigError, Job};
pub(crate) use from_text::advised;
pub use network::NetworkOptions;
pub(crate) use network::network;
pub use options::Options;
pub use profile::{Profile, UnknownProfile};
pub use report::{InvalidReport, JobReport};
pub use settings::{KnownEndpoints, Settings};
pub use terms::Terms;
pub use time_span::{InvalidTimeSpan, TimeSpan};
pub use timeout::{InvalidTimeout, Timeout};
pub use trust_stores::{SystemRoots, TrustStoreError, TrustStores, trust_stores};
