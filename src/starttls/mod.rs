//! The words before TLS: server bytes → what to say, until the ClientHello may
//! be sent.
//!
//! Pure: bytes in, bytes out; neither socket nor clock. One protocol a file,
//! each a [`Protocol`] in the table of [`of`]; ports, help and the
//! recognition of greetings derive from it.

mod carriage;
mod dialogue;
mod protocol;

pub use carriage::{BrokenCarriage, Carriage};
pub use dialogue::{Circumstances, Dialogue, Turn, Verdict};
pub use protocol::{Protocol, all, by_port, of, recognised};
