//! When the next connection may start: an [`Endpoint`](crate::domain::Endpoint)
//! becomes a [`Pass`], once nothing excludes it, every rate is paid, and its
//! hours last.
//!
//! Invariant: in no second, wherever it starts and bursts included, are more
//! passes issued than the overall rate, one address's or one network's allows.
//!
//! A pass pays all three rates at the instant it is issued. Paying one and
//! then waiting for the next would let the dials of a host bunch up behind
//! their own payments, so a dial holds the *turn* of its host until the host
//! is ready, then the turn of its network, then the overall turn, and pays
//! when all three are ready. Turns are handed over first come first served,
//! follow-ups (fallback rungs, retries) before first dials.

mod clock;
mod gate;
mod host;
mod keyed;
mod lane;
mod limiter;
mod limits;
mod network;
mod pacer;
mod pass;
mod rate;
mod slot;
mod slots;
mod turn;

pub use lane::Lane;
pub use limits::Limits;
pub(crate) use network::Network;
pub use pacer::{Admission, Denied, Pacer};
pub use pass::Pass;
pub use rate::{InvalidRate, Rate, Rates};
pub use slot::Slot;
pub use slots::Established;

#[cfg(test)]
mod tests;
