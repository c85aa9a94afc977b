//! Sockets: dials with a pass, closes by reset.

mod dialer;

pub use dialer::{DialError, Dialer};
