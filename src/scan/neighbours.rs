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
    places: ByNetwork<Option<Arc<Semaphore>>>,
}

impl Neighbours {
    /// Networks that share a table, and how many looks at a time go to them at
    /// most.
    #[must_use]
    pub fn new<R: IntoIterator<Item = AddressRange>>(
        tables: impl IntoIterator<Item = (R, NonZeroUsize)>,
    ) -> Self {
        let networks = tables.into_iter().flat_map(|(attached, most)| {
            let places = Arc::new(Semaphore::new(most.get()));
            let attached = attached.into_iter();
            attached.map(move |range| (range, Some(Arc::clone(&places))))
        });
        Self {
            places: ByNetwork::new(None, networks),
        }
    }

    /// A place for a look at an address, to be held until it is over; `None`
    /// where it needs none.
    ///
    /// Cancel safe.
    pub(super) async fn place(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let places = self.places.at(address).as_ref()?;
        // The semaphore is never closed.
        Arc::clone(places).acquire_owned().await.ok()
    }
}
