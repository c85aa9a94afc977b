//! A protocol set → a ClientHello → what the server's answer tells.
//!
//! Pure: bytes in, bytes out; neither socket nor clock. Up to TLS 1.2 the
//! server sends its certificate in clear, so a hand-made hello and a bounded
//! reader are enough ([`Conversation`] runs `classic`). TLS 1.3 encrypts it:
//! there rustls makes the hello and agrees on the key (`capture`), and the
//! flight is read from the key on (`sealed`). [`Ladder`] decides which rung
//! comes next.

mod codec;
mod ending;
mod suite;
mod offer;
mod hello;
mod record;
mod flight;
mod classic;
mod groups;
mod key_of_one;
mod provider;
mod seal;
mod sealed_flight;
mod sealed;
mod agreement;
mod capture;
mod opening;
mod conversation;
mod ladder;
#[cfg(test)]
pub(crate) mod tests;

pub use conversation::{Client, Conversation, Step, UnableToOpen};
pub use ending::{Cause, End, Ending};
pub use ladder::{Alpn, Groups, InvalidLadder, Ladder, Rung, Suites};
