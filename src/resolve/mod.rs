//! Names → addresses, and addresses → names.

mod resolver;

pub use resolver::{LookupError, Resolver};
