//! Names become addresses, and addresses names.

mod dns;
mod failure;
mod family;
mod name_server;
mod patience;
mod resident;
mod resolver;
mod search;

pub use dns::{DnsResolver, Settings};
pub use family::{AddressFamily, UnknownFamily};
pub use name_server::{InvalidNameServer, NameServer};
pub use resident::Resident;
pub use resolver::{LookupError, MAX_ADDRESSES, Resolver};
