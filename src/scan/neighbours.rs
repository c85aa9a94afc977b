//! How many hosts of the machine's own networks are asked at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{self, Notify};
use tokio::time::{Instant, sleep_until};

use crate::target::{AddressRange, ByNetwork};

/// The networks that the machine is attached to, as far as they are crowded.
/// Clones share the places.
///
/// Each address that is dialled there takes an entry of the system's neighbour
/// table. Where that is full, live hosts look dark, and no call fails.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    tables: ByNetwork<Option<Arc<Table>>>,
}

/// A neighbour table of the system, as far as a scan may fill it.
pub struct NeighbourTable {
    /// The networks whose addresses it holds.
    pub networks: Vec<AddressRange>,
    /// How many hosts may have an entry by the scan's doing.
    pub places: NonZeroUsize,
    /// How long the entry of a host that is there stays at most when nobody
    /// talks to it, and can't be another's.
    pub keeps: Duration,
    /// Which hosts are there, of those that have an entry now; `None` where
    /// that can't be told.
    pub present: Box<dyn Fn() -> Option<HashSet<IpAddr>> + Send + Sync>,
}

/// For so long the system goes on asking for the hardware address of a host
/// that is not there (arp(7): `mcast_solicit` times `retrans_time_ms`).
pub const SOUGHT: Duration = Duration::from_secs(3);

/// How often at most the system's table is read.
const REVIEW: Duration = Duration::from_millis(100);

/// A place in a table. Some time after it is dropped it is another's.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Table>,
    address: IpAddr,
}

struct Table {
    rules: NeighbourTable,
    entries: Mutex<Entries>,
    /// Whose turn it is to take a place.
    turn: sync::Mutex<()>,
    /// Wakes who has it.
    dropped: Notify,
}

/// The hosts that have an entry by the scan's doing. Pure: time comes in as an
/// argument.
#[derive(Debug, Default)]
struct Entries {
    hosts: HashMap<IpAddr, Entry>,
    /// Those that nobody talks to, and when they may be gone.
    idle: BTreeSet<(Instant, IpAddr)>,
    reviewed: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Places that are held for it.
    held: usize,
    /// When the last of them was dropped.
    left: Instant,
    /// When it may be gone, where none is held.
    due: Instant,
}

impl Neighbours {
    /// Networks share the places of their table.
    #[must_use]
    pub fn new(tables: impl IntoIterator<Item = NeighbourTable>) -> Self {
        let networks = tables.into_iter().flat_map(|rules| {
            let networks = rules.networks.clone();
            let table = Arc::new(Table::new(rules));
            let networks = networks.into_iter();
            networks.map(move |range| (range, Some(Arc::clone(&table))))
        });
        Self {
            tables: ByNetwork::new(None, networks),
        }
    }

    /// A place for whoever talks to an address, to be held until that is over;
    /// `None` where it needs none.
    ///
    /// Cancel safe.
    pub(super) async fn place(&self, address: IpAddr) -> Option<Place> {
        let table = self.tables.at(address).as_ref()?;
        table.admit(address).await;
        Some(Place {
            table: Arc::clone(table),
            address,
        })
    }
}

impl Table {
    fn new(rules: NeighbourTable) -> Self {
        Self {
            rules,
            entries: Mutex::default(),
            turn: sync::Mutex::default(),
            dropped: Notify::new(),
        }
    }

    async fn admit(&self, address: IpAddr) {
        if self.entries().join(address) {
            return;
        }
        let _turn = self.turn.lock().await;
        while !self.take(address) {
            let next = self.entries().next_review();
            tokio::select! {
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    self.review();
                }
                () = self.dropped.notified() => {}
            }
        }
    }

    /// Forgets the hosts that have no entry any more.
    fn review(&self) {
        // Read without the lock: a large table takes its time.
        let present = (self.rules.present)();
        let mut entries = self.entries();
        entries.review(Instant::now(), present.as_ref(), self.rules.keeps);
    }

    /// Takes an entry, if there is one.
    fn take(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut entries = self.entries();
        if entries.join(address) {
            return true;
        }
        let has_room = entries.hosts.len() < self.rules.places.get();
        if has_room {
            entries.begin(address, now);
        }
        has_room
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.entries().leave(self.address, Instant::now());
        self.table.dropped.notify_one();
    }
}

impl Entries {
    fn begin(&mut self, address: IpAddr, now: Instant) {
        let entry = Entry {
            held: 1,
            left: now,
            due: now,
        };
        self.hosts.insert(address, entry);
    }

    /// Whether a host has an entry, which one more shares from now on.
    fn join(&mut self, address: IpAddr) -> bool {
        let Some(entry) = self.hosts.get_mut(&address) else {
            return false;
        };
        self.idle.remove(&(entry.due, address));
        entry.held += 1;
        true
    }

    fn leave(&mut self, address: IpAddr, now: Instant) {
        let Some(entry) = self.hosts.get_mut(&address) else {
            return;
        };
        entry.held -= 1;
        if entry.held == 0 {
            entry.left = now;
            entry.due = now + SOUGHT;
            self.idle.insert((entry.due, address));
        }
    }

    /// Forgets the hosts that have no entry any more, or one that may be
    /// another's.
    fn review(&mut self, now: Instant, present: Option<&HashSet<IpAddr>>, keeps: Duration) {
        self.reviewed = Some(now);
        while let Some(&(due, address)) = self.idle.first()
            && due <= now
        {
            self.idle.pop_first();
            let Some(entry) = self.hosts.get_mut(&address) else {
                continue;
            };
            let is_there = present.is_none_or(|it| it.contains(&address));
            let end = entry.left + keeps;
            if is_there && now < end {
                entry.due = end;
                self.idle.insert((end, address));
            } else {
                self.hosts.remove(&address);
            }
        }
    }

    /// When a host may be forgotten next.
    fn next_review(&self) -> Option<Instant> {
        let (due, _) = self.idle.first()?;
        let rested = self.reviewed.map(|at| at + REVIEW);
        Some(rested.map_or(*due, |rested| rested.max(*due)))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("rules", &self.rules)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NeighbourTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeighbourTable")
            .field("networks", &self.networks)
            .field("places", &self.places)
            .field("keeps", &self.keeps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// A table of two places, in which the hosts below 100 are there, if that
    /// can be told.
    fn two_places(is_told: bool) -> Neighbours {
        let network = AddressRange::new(address(0), address(255)).unwrap();
        let there = (0..100).map(address).collect::<HashSet<_>>();
        Neighbours::new([NeighbourTable {
            networks: vec![network],
            places: NonZeroUsize::new(2).unwrap(),
            keeps: 50 * SECOND,
            present: Box::new(move || is_told.then(|| there.clone())),
        }])
    }

    /// How long a third host waits when places were held for these two, and
    /// dropped.
    async fn wait_after(neighbours: Neighbours, hosts: [u8; 2]) -> Duration {
        for host in hosts {
            neighbours.place(address(host)).await.unwrap();
        }
        let began = Instant::now();
        neighbours.place(address(7)).await.unwrap();
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_kept_as_long_as_the_entry_of_its_host() {
        assert_eq!(wait_after(two_places(true), [1, 2]).await, 50 * SECOND);
        assert_eq!(wait_after(two_places(true), [1, 102]).await, SOUGHT);
        assert_eq!(wait_after(two_places(false), [1, 102]).await, 50 * SECOND);
        assert_eq!(wait_after(two_places(true), [1, 1]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_talks_to_a_host_that_has_an_entry_needs_no_other() {
        let neighbours = two_places(true);
        let began = Instant::now();
        let first = neighbours.place(address(1)).await;
        drop(neighbours.place(address(2)).await);
        for _ in 0..10 {
            tokio::time::sleep(40 * SECOND).await;
            // Each time it is kept from then on.
            drop(neighbours.place(address(2)).await);
        }
        assert_eq!(began.elapsed(), 400 * SECOND);
        drop(neighbours.place(address(3)).await);
        assert_eq!(began.elapsed(), 450 * SECOND);
        drop(first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_talked_to_keeps_its_place() {
        let neighbours = two_places(true);
        let held = (
            neighbours.place(address(1)).await,
            neighbours.place(address(2)).await,
        );
        let third = neighbours.place(address(3));
        let waited = tokio::time::timeout(1000 * SECOND, third).await;
        assert!(waited.is_err());
        let began = Instant::now();
        drop(held);
        drop(neighbours.place(address(3)).await);
        assert_eq!(began.elapsed(), 50 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn other_networks_need_no_place() {
        let neighbours = two_places(true);
        assert!(neighbours.place([10, 0, 1, 1].into()).await.is_none());
    }
}
