//! A protocol set → a ClientHello → what the server's answer tells.
//!
//! Pure: bytes in, bytes out; neither socket nor clock. Up to TLS 1.2 the
//! server sends its certificate in clear, so a hand-made hello and a bounded
//! reader are enough ([`Conversation`] runs `classic`, and `sslv2` for what
//! came before SSL 3.0); TLS 1.3 encrypts it, so rustls runs that rung with a
//! verifier that records and trusts nothing (`capture`). [`Ladder`] holds the
//! rungs; the evidence decides which comes next ([`Ladder::next`]).

pub(crate) mod codec;
mod ending;
mod suite;
mod rung;
mod offer;
mod sslv2;
mod hello;
mod record;
mod certificate_request;
mod flight;
mod classic;
mod groups;
mod capture;
mod opening;
mod conversation;
mod ladder;
mod evidence;
#[cfg(test)]
pub(crate) mod tests;

pub use conversation::{Client, Conversation, Step, UnableToOpen};
pub use ending::{Cause, End, Ending};
pub use ladder::{InvalidLadder, Ladder};
pub use rung::{Alpn, Groups, Rung, Suites};
