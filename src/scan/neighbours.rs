//! How many looks may go to hosts of the machine's own networks at a time.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::target::{AddressRange, ByNetwork};

/// The networks that the machine is attached to, as far as they are crowded:
/// each address that is dialled there takes an entry of its neighbour table
/// until it answers, and where the table is full, live hosts look dark, and no
/// call fails. Clones share the places.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    attached: ByNetwork<bool>,
    places: Option<Arc<Semaphore>>,
}

impl Neighbours {
    /// At most so many looks at a time go to these networks.
    #[must_use]
    pub fn new(attached: impl IntoIterator<Item = AddressRange>, most: NonZeroUsize) -> Self {
        let attached = attached.into_iter().map(|range| (range, true));
        Self {
            attached: ByNetwork::new(false, attached),
            places: Some(Arc::new(Semaphore::new(most.get()))),
        }
    }

    /// Whether a look at an address needs a place.
    pub(super) fn are_crowded_at(&self, address: IpAddr) -> bool {
        self.places.is_some() && *self.attached.at(address)
    }

    /// A place for a look at an address, to be held until it is over; `None`
    /// where it needs none.
    ///
    /// Cancel safe.
    pub(super) async fn place(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let places = self.places.as_ref()?;
        if !self.are_crowded_at(address) {
            return None;
        }
        // The semaphore is never closed.
        Arc::clone(places).acquire_owned().await.ok()
    }
}
