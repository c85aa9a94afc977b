//! What is wanted → all that there is at its places.
//!
//! What filters hide has its part in what they show: it may have replaced that.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::ops::ControlFlow;

use ipnetwork::IpNetwork;

use super::{Appraisal, Wanted};
use crate::domain::Fingerprint;
use crate::report::Installation;
use crate::store::{Detail, StoreError};

/// Addresses that are asked for one by one, at most: beyond that everything is
/// read, since each row is compared with each of them.
const MOST_ADDRESSES: usize = 32;

impl Appraisal<'_> {
    /// All that there is at the places of what is wanted; `None` where that is
    /// what is wanted, or where nothing of it has a place.
    pub async fn places(&self, wanted: &Wanted) -> Result<Option<Wanted>, StoreError> {
        let Some(places) = wanted.places() else {
            return Ok(None);
        };
        let mut addresses = BTreeSet::new();
        let mut visit = |row: Installation| {
            addresses.extend(row.ip);
            if addresses.len() > MOST_ADDRESSES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        self.inventory
            .installations(&wanted.inventory, Detail::Facts, &mut visit)
            .await?;
        Ok(at(places, &addresses))
    }

    /// The imports that something has renewed, be it wanted or not.
    pub async fn renewed_imports(
        &self,
        wanted: &Wanted,
    ) -> Result<HashSet<Fingerprint>, StoreError> {
        let known_at = wanted.inventory.known_at;
        self.inventory.renewed_imports(known_at).await
    }
}

/// These of the places that are at the addresses, unless they are too many;
/// `None` without any.
fn at(mut places: Wanted, addresses: &BTreeSet<IpAddr>) -> Option<Wanted> {
    if addresses.len() <= MOST_ADDRESSES {
        let networks = addresses.iter().copied().map(IpNetwork::from);
        places.inventory.networks = networks.collect();
    }
    (!addresses.is_empty()).then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Filter, SerialNumber};

    #[test]
    fn few_addresses_are_asked_for_by_themselves_and_many_as_they_were() {
        let network: IpNetwork = "10.0.0.0/8".parse().unwrap();
        let serial: SerialNumber = "af01".parse().unwrap();
        let wanted = Wanted::by(Filter {
            networks: vec![network],
            serials: vec![serial],
            ..Filter::default()
        });
        let found = |count: u8| {
            let addresses = (1..=count).map(|last| IpAddr::from([10, 0, 0, last]));
            let places = wanted.places().unwrap();
            let places = at(places, &addresses.collect())?;
            assert_eq!(places.inventory.serials, []);
            Some(places.inventory.networks)
        };
        assert_eq!(found(0), None, "no place is not every place");
        let two = ["10.0.0.1/32", "10.0.0.2/32"].map(|it| it.parse().unwrap());
        assert_eq!(found(2).unwrap(), two);
        assert_eq!(found(32).unwrap().len(), 32);
        assert_eq!(found(33).unwrap(), [network]);
        assert!(Wanted::by(Filter::default()).places().is_none());
    }
}
