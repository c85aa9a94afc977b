//! Hours of networks → whether an address may be asked now.

use std::fmt;
use std::net::IpAddr;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::Timestamp;
use crate::schedule::Hours;
use crate::target::ByNetwork;

/// The hours in which the addresses of networks may be asked.
#[derive(Clone)]
pub struct VisitingHours {
    networks: ByNetwork<Option<Visits>>,
    clock: Arc<Clock>,
    /// How long the scan may wait for a network: to this moment.
    wait_until: Option<Timestamp>,
}

/// The clock on the wall.
type Clock = dyn Fn() -> Timestamp + Send + Sync;

/// When one network may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visits {
    /// Its hours.
    pub hours: Hours,
    /// How long before their end it is asked nothing more: the longest that a
    /// question may take.
    pub drain: Duration,
}

impl VisitingHours {
    /// Where `networks` has none, an address may be asked at any time.
    #[must_use]
    pub fn new(
        networks: ByNetwork<Option<Visits>>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            networks,
            clock: Arc::new(clock),
            wait_until: None,
        }
    }

    /// The same, of a scan that may go on to this moment: at its end it waits
    /// for networks that open before. Without one it waits for none.
    #[must_use]
    pub fn waiting_until(self, moment: Option<Timestamp>) -> Self {
        Self {
            wait_until: moment,
            ..self
        }
    }

    /// Whether an address may be talked to now, and for so long from now on.
    #[must_use]
    pub fn allow(&self, address: IpAddr, longest: Duration) -> bool {
        self.at(address)
            .is_none_or(|it| it.hours.is_open_for((self.clock)(), longest))
    }

    /// Whether an address may not be asked now.
    pub(super) fn are_over_at(&self, address: IpAddr) -> bool {
        let visits = self.at(address);
        visits.is_some_and(|it| !it.hours.is_open_for((self.clock)(), it.drain))
    }

    /// How long the scan waits for the first of addresses that may not be
    /// asked now; `None` if it does not.
    pub(super) fn wait_for(&self, addresses: impl Iterator<Item = IpAddr>) -> Option<Duration> {
        let until = self.wait_until?;
        // Addresses are many, and the hours of few networks.
        let mut awaited: Vec<&Visits> = Vec::new();
        for visits in addresses.filter_map(|address| self.networks.at(address).as_ref()) {
            if !awaited.iter().any(|known| ptr::eq(*known, visits)) {
                awaited.push(visits);
            }
        }
        let now = (self.clock)();
        let opens = awaited
            .iter()
            .filter_map(|it| it.hours.opens(now, it.drain));
        let first = opens.min().filter(|opens| *opens < until)?;
        Some(first.since(now))
    }

    /// Whether any network has hours.
    #[must_use]
    pub fn are_anywhere(&self) -> bool {
        self.networks.networks().any(|(_, visits)| visits.is_some())
    }

    fn at(&self, address: IpAddr) -> Option<&Visits> {
        // Most scans have no such network, and this is asked at every step.
        if self.networks.networks().len() == 0 {
            return None;
        }
        self.networks.at(address).as_ref()
    }
}

impl Default for VisitingHours {
    /// Every address at any time.
    fn default() -> Self {
        Self::new(ByNetwork::default(), crate::domain::clock::now)
    }
}

impl fmt::Debug for VisitingHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitingHours")
            .field("networks", &self.networks)
            .field("wait_until", &self.wait_until)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ipnetwork::IpNetwork;

    use super::*;

    const NIGHT: &str = "22:00-06:00";

    fn hours(now: &str, until: Option<&str>) -> VisitingHours {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let visits = Visits {
            hours: Hours::new(NIGHT.parse().unwrap(), "UTC".parse().unwrap()),
            drain: Duration::from_secs(22),
        };
        let network = "10.9.0.0/16".parse::<IpNetwork>().unwrap().into();
        let now = at(now);
        VisitingHours::new(ByNetwork::new(None, [(network, Some(visits))]), move || now)
            .waiting_until(until.map(at))
    }

    const INSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 1, 1));
    const OUTSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 8, 1, 1));

    #[test]
    fn a_network_is_asked_in_its_hours_and_others_always() {
        for (now, are_over) in [
            ("2026-11-20T21:59:59Z", true),
            ("2026-11-20T22:00:00Z", false),
            ("2026-11-21T05:59:37Z", false),
            // A question might last to the end of them.
            ("2026-11-21T05:59:39Z", true),
            ("2026-11-21T12:00:00Z", true),
        ] {
            let hours = hours(now, None);
            assert_eq!(hours.are_over_at(INSIDE), are_over, "{now}");
            assert!(!hours.are_over_at(OUTSIDE), "{now}");
        }
        let hours = hours("2026-11-21T05:59:58Z", None);
        assert!(hours.allow(INSIDE, Duration::from_secs(1)));
        assert!(!hours.allow(INSIDE, Duration::from_secs(2)));
        assert!(hours.allow(OUTSIDE, Duration::from_hours(1)));
        assert!(!VisitingHours::default().are_over_at(INSIDE));
    }

    #[test]
    fn a_scan_waits_for_what_opens_before_its_own_end() {
        let noon = "2026-11-21T12:00:00Z";
        let ten_hours = Some(Duration::from_hours(10));
        let late = hours(noon, Some("2026-11-21T23:00:00Z"));
        assert_eq!(late.wait_for([INSIDE, OUTSIDE].into_iter()), ten_hours);
        let early = hours(noon, Some("2026-11-21T22:00:00Z"));
        assert_eq!(early.wait_for([INSIDE].into_iter()), None);
        assert_eq!(hours(noon, None).wait_for([INSIDE].into_iter()), None);
    }
}
