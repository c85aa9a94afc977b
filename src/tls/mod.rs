//! A protocol set → a ClientHello → what the server's answer tells.
//!
//! Pure: bytes in, bytes out; neither socket nor clock. Up to TLS 1.2 the
//! server sends its certificate in clear, so a hand-made hello and a bounded
//! reader are enough ([`Conversation`] runs `classic`, and `sslv2` for what
//! came before SSL 3.0). TLS 1.3 encrypts it: there rustls makes the hello and
//! agrees on the key (`capture`), and the flight is read from the key on
//! (`sealed`). [`Ladder`] holds the rungs; the evidence decides which comes
//! next ([`Ladder::next`]).

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
mod evidence;
#[cfg(test)]
pub(crate) mod tests;

pub use conversation::{Client, Conversation, Step, UnableToOpen};
pub use ending::{Cause, End, Ending};
pub use ladder::{InvalidLadder, Ladder};
pub use rung::{Alpn, Groups, Rung, Suites};
#[cfg(fuzzing)]
pub use sealed_flight::opened_flight;
