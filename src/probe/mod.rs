//! A probe → an observation: one question to one endpoint, rung by rung; and
//! what else one may ask there: a survey, a complete handshake.
//!
//! The shell around `starttls` and `tls`: it waits for admission, dials, moves
//! bytes and keeps the time. What the bytes mean is decided there, what an
//! ending means in `classify`, which outcome stands for all attempts in
//! `best`, in which dialects a port is asked in `dialects`. `climb` goes up a
//! ladder; `knock` is its first connection, made before anybody knows whether
//! somebody is there. `line` is a connection with the words before TLS behind
//! it; `client` the sans-IO side of a complete handshake, which rustls makes.

mod authenticator;
mod best;
mod classify;
mod client;
mod climb;
mod credentials;
pub mod dialects;
mod handshake;
mod knock;
mod line;
mod prober;
mod random;
mod survey;
mod timeouts;

pub use credentials::{ClientIdentity, IdentityError, InvalidAnchor, TrustAnchors};
pub use handshake::{ClientCertificate, Handshake, Handshaken, Rejection, Sign, TlsFault, Verdict};
pub use knock::Knock;
pub use prober::{Probe, Prober};
pub use timeouts::Timeouts;

#[cfg(test)]
mod tests;
