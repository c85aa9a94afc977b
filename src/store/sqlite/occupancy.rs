//! Which addresses have endpoints, network by network: what is silent and was
//! never known needs no look-up, and most addresses are.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use sqlx::SqliteConnection;

use super::super::{AddressRun, StoreError};
use super::address::AddressKey;
use super::coverage::Page;
use super::row;
use super::statement::ManyRows;
use crate::domain::Endpoint;

const FIND: ManyRows = ManyRows {
    operation: "looking up networks",
    before: "with wanted (place, zone, first_address, port, last_address) as (",
    columns: 5,
    after: ") select json_group_array(json_array(w.place, hex(substr(e.address, -1)))) \
            from wanted w cross join endpoints e \
            on e.address between w.first_address and w.last_address \
            and e.port = w.port and e.zone = w.zone",
};

/// Most networks remembered between batches: some 10 MB.
const MOST_PAGES: usize = 1 << 16;

/// What the writer, who alone makes endpoints, knows of where they are.
///
/// Invariant: an endpoint in a remembered network is among its hosts. What
/// was settled by a transaction that failed may be too.
#[derive(Debug, Default)]
pub(super) struct Occupancy(HashMap<Page, Hosts>);

/// The last octets of the endpoints' addresses, sorted; one octet as often as
/// there are endpoints. In a /64 different addresses may share one.
#[derive(Clone, Debug, Default)]
struct Hosts(Vec<u8>);

impl Occupancy {
    /// Learns what it does not know of the networks of `endpoints`.
    pub(super) async fn learn<'a>(
        &mut self,
        connection: &mut SqliteConnection,
        endpoints: impl Iterator<Item = &'a Endpoint>,
    ) -> Result<(), StoreError> {
        let pages: BTreeSet<_> = endpoints.map(page_of).collect();
        if self.0.len() + pages.len() > MOST_PAGES {
            self.0.clear();
        }
        let unknown = pages.into_iter().filter(|page| !self.0.contains_key(page));
        let unknown: Vec<_> = (0_i64..).zip(unknown).collect();
        let mut hosts: HashMap<i64, Hosts> = HashMap::new();
        FIND.fetch_elements(
            connection,
            &unknown,
            |values, (place, page)| {
                values.push_bind(*place);
                page.bind(values);
                values.push_bind(page.network.network_end().to_blob());
            },
            |(place, octet): (i64, String)| {
                let octet = u8::from_str_radix(&octet, 16).map_err(row::impossible)?;
                hosts.entry(place).or_default().add(octet);
                Ok(())
            },
        )
        .await?;
        let learned = unknown.into_iter();
        self.0.extend(learned.map(|(place, page)| {
            let hosts = hosts.remove(&place).unwrap_or_default();
            (page, hosts)
        }));
        Ok(())
    }

    /// Notes an endpoint that is new.
    pub(super) fn settle(&mut self, endpoint: &Endpoint) {
        if let Some(hosts) = self.0.get_mut(&page_of(endpoint)) {
            hosts.add(AddressKey::from(endpoint.address).last_octet());
        }
    }

    /// Whether there is certainly no endpoint at this address and port.
    pub(super) fn is_vacant(&self, endpoint: &Endpoint) -> bool {
        self.count(endpoint) == Some(0)
    }

    /// Whether there may be other endpoints at this one's address and port.
    pub(super) fn is_shared(&self, endpoint: &Endpoint) -> bool {
        self.count(endpoint) != Some(1)
    }

    /// Whether there is certainly no endpoint at any address of a run.
    pub(super) fn is_vacant_run(&self, run: &AddressRun) -> bool {
        let last = AddressKey::from(run.last);
        let mut rest = Some(AddressKey::from(run.first));
        while let Some(first) = rest.filter(|first| *first <= last) {
            let part_last = last.min(first.network_end());
            let page = Page::of(&run.zone, first, run.port);
            let hosts = self.0.get(&page);
            if hosts.is_none_or(|hosts| hosts.count(octets(first, part_last)) > 0) {
                return false;
            }
            rest = part_last.next();
        }
        true
    }

    /// How many endpoints an address and port has, or a few more; `None` where
    /// that is not known.
    fn count(&self, endpoint: &Endpoint) -> Option<usize> {
        let hosts = self.0.get(&page_of(endpoint))?;
        let address = AddressKey::from(endpoint.address);
        Some(hosts.count(octets(address, address)))
    }
}

fn page_of(endpoint: &Endpoint) -> Page {
    Page::of(&endpoint.zone, endpoint.address.into(), endpoint.port)
}

/// The last octets of the addresses from one to another of its network.
fn octets(first: AddressKey, last: AddressKey) -> RangeInclusive<u8> {
    let (from, to) = (first.last_octet(), last.last_octet());
    match first.count_to(last) {
        Some(1..=256) if from <= to => from..=to,
        _ => 0..=u8::MAX,
    }
}

impl Hosts {
    fn add(&mut self, octet: u8) {
        let place = self.0.partition_point(|host| *host < octet);
        self.0.insert(place, octet);
    }

    fn count(&self, octets: RangeInclusive<u8>) -> usize {
        let before = self.0.partition_point(|host| host < octets.start());
        let until = self.0.partition_point(|host| host <= octets.end());
        until - before
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::{Dialect, OutcomeKind, Port, Timestamp, Zone};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn endpoint(address: &str) -> Endpoint {
        Endpoint::tcp(Zone::default(), ip(address), Port::HTTPS, Dialect::Tls)
    }

    fn run(first: &str, last: &str) -> AddressRun {
        AddressRun {
            zone: Zone::default(),
            port: Port::HTTPS,
            first: ip(first),
            last: ip(last),
            outcome: OutcomeKind::Filtered,
            detail: String::new(),
            at: Timestamp::from_seconds(0),
        }
    }

    /// Knows the networks of `known`, and that there are no other endpoints.
    fn occupancy(known: &[&str], settled: &[&str]) -> Occupancy {
        let pages = known.iter().map(|address| page_of(&endpoint(address)));
        let mut occupancy = Occupancy(pages.map(|page| (page, Hosts::default())).collect());
        for address in settled {
            occupancy.settle(&endpoint(address));
        }
        occupancy
    }

    #[test]
    fn an_address_is_vacant_until_an_endpoint_settles_there() {
        let occupancy = occupancy(&["10.0.0.0"], &["10.0.0.7", "10.0.0.9", "10.0.0.7"]);
        assert!(occupancy.is_vacant(&endpoint("10.0.0.8")));
        assert!(!occupancy.is_vacant(&endpoint("10.0.0.9")));
        assert!(!occupancy.is_shared(&endpoint("10.0.0.9")));
        assert!(occupancy.is_shared(&endpoint("10.0.0.7")));
    }

    #[test]
    fn an_unknown_network_is_neither_vacant_nor_unshared() {
        let occupancy = occupancy(&["10.0.0.0"], &["10.0.1.7"]);
        assert!(!occupancy.is_vacant(&endpoint("10.0.1.8")));
        assert!(occupancy.is_shared(&endpoint("10.0.1.8")));
        assert!(!occupancy.is_vacant_run(&run("10.0.0.0", "10.0.1.0")));
    }

    #[test]
    fn a_run_is_vacant_where_all_its_networks_are() {
        let known = ["10.0.0.0", "10.0.1.0"];
        let occupancy = occupancy(&known, &["10.0.0.7", "10.0.1.200"]);
        assert!(occupancy.is_vacant_run(&run("10.0.0.8", "10.0.1.199")));
        assert!(!occupancy.is_vacant_run(&run("10.0.0.7", "10.0.0.7")));
        assert!(!occupancy.is_vacant_run(&run("10.0.0.8", "10.0.1.200")));
    }

    #[test]
    fn in_a_large_network_a_run_is_vacant_only_where_no_octet_can_tell_otherwise() {
        let occupancy = occupancy(&["2001:db8::"], &["2001:db8::107"]);
        assert!(occupancy.is_vacant(&endpoint("2001:db8::8")));
        assert!(!occupancy.is_vacant(&endpoint("2001:db8::7")));
        assert!(occupancy.is_vacant_run(&run("2001:db8::8", "2001:db8::ff")));
        assert!(!occupancy.is_vacant_run(&run("2001:db8::8", "2001:db8::108")));
        assert!(!occupancy.is_vacant_run(&run("2001:db8::f8", "2001:db8::106")));
    }
}
