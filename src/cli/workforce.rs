//! The machine and the settings → how many probes are in flight, and on what.

use std::num::NonZeroUsize;
use std::thread;

use tracing::warn;

use super::failure::Failure;
use crate::config::Settings;
use crate::net::{self, EventLoops};
use crate::pace::Rate;

/// Descriptors kept for the inventory, the DNS and the terminal.
pub(super) const DESCRIPTORS_RESERVED: usize = 64;

/// Probes in flight, however many descriptors there are: each costs memory,
/// and no machine gains by more.
const MOST_WORKERS: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

/// The event loops of a scan: one a processor.
pub(super) fn event_loops() -> Result<EventLoops, Failure> {
    let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    EventLoops::begin(processors).map_err(Failure::failed)
}

/// As many probes in flight as asked for and as the descriptors of these event
/// loops allow; where nothing is asked for, no more than the rate can keep
/// busy.
pub(super) fn workers(settings: &Settings, event_loops: &EventLoops) -> NonZeroUsize {
    let descriptors = usize::try_from(net::descriptors()).unwrap_or(usize::MAX);
    let of_table = NonZeroUsize::new(descriptors.saturating_sub(DESCRIPTORS_RESERVED));
    let of_table = of_table.unwrap_or(NonZeroUsize::MIN);
    let most = of_table.saturating_mul(event_loops.tables());
    match settings.concurrency {
        Some(wanted) if wanted > most => {
            warn!(%wanted, %most, "fewer connections in flight: descriptor limit");
            most
        }
        Some(wanted) => wanted,
        None => most.min(useful(settings)),
    }
}

/// The probes that can be under way at once: each of those that begin in the
/// time that one may take.
pub(super) fn useful(settings: &Settings) -> NonZeroUsize {
    let Rate::PerSecond(rate) = settings.rates.overall else {
        return MOST_WORKERS;
    };
    let seconds = settings.timeouts.target.as_secs().max(1);
    let begun = u64::from(rate.get()).saturating_mul(seconds);
    let begun = usize::try_from(begun).unwrap_or(usize::MAX);
    NonZeroUsize::new(begun).map_or(MOST_WORKERS, |begun| begun.min(MOST_WORKERS))
}
