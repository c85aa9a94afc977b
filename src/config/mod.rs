//! Flags over the configuration file over defaults → settings.
//!
//! Nothing before this module reads a file, a flag or the environment.

mod file;
mod from_text;
mod options;
mod settings;
mod timeout;

pub use file::{Config, ConfigError, Job};
pub(crate) use from_text::advised;
pub use options::Options;
pub use settings::Settings;
pub use timeout::{InvalidTimeout, Timeout};
