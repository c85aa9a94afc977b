//! The demo network: `now` becomes a handful of servers on loopback, each of
//! another kind, which a scan then visits as it would any others.
//!
//! Everything is made anew at every start: keys, certificates, ports. Nothing
//! here knows how a scan works, and a scan can't tell that this isn't a real
//! network.

mod authority;
mod error;
mod host;
mod network;
mod roster;
mod server;
mod tls_setup;

#[cfg(test)]
mod client;

pub use error::DemoError;
pub use host::{DemoHost, Installed};
pub use network::Network;
