//! When the next connection may start: issues every [`Pass`].

mod pass;
mod rate;

pub use pass::Pass;
pub use rate::{InvalidRate, Rate, Rates};
