//! When a scan may send: a [`Window`] in the hours of a [`TimeZone`], and the
//! longest a run may take, become the moments at which it begins and ends.
//!
//! Two clocks, each for its own: a window is read off the clock on the wall,
//! which may jump, a duration off the monotonic one, which does not.

mod clock_watch;
mod hours;
mod keeper;
mod time_zone;
mod window;

pub use clock_watch::{ClockJump, ClockJumps};
pub use hours::Hours;
pub use keeper::{Keeper, Schedule};
pub use time_zone::{TimeZone, UnknownTimeZone};
pub use window::{InvalidWindow, Window};
