use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::host::Host;
use super::keyed::Keyed;
use super::lane::Lane;
use super::limits::Limits;
use super::network::Network;
use super::pass::Pass;
use super::rate::{Rate, Rates};
use super::slot::Slot;
use crate::domain::{Endpoint, Port};
use crate::target::{ByNetwork, host_reached};

/// Issues every [`Pass`].
///
/// Its memory follows the hosts and networks that are being dialled, not
/// those that ever were.
pub struct Pacer {
    limits: ByNetwork<Limits>,
    guard: Box<Guard>,
    /// `None` where every address may be dialled at any time.
    hours: Option<Box<Hours>>,
    hosts: Keyed<IpAddr, Host>,
    /// `None` where the rate of every network is unlimited.
    networks: Option<Keyed<Network, Gate>>,
    overall: Option<Gate>,
}

/// Why an address and port are excluded, if they are.
type Guard = dyn Fn(IpAddr, Port) -> Option<String> + Send + Sync;

/// Whether an address may be talked to now, and for so long from now on.
type Hours = dyn Fn(IpAddr, Duration) -> bool + Send + Sync;

/// The right to dial once, and the connection's place at its host.
#[derive(Debug)]
pub struct Admission {
    /// For the dialer.
    pub pass: Pass,
    /// To be held until the stream is dropped.
    pub slot: Slot,
}

/// Why there is no pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The endpoint is never to be touched.
    #[error("excluded: {reason}")]
    Excluded {
        /// Which exclusion it fell under.
        reason: String,
    },
    /// A connection might last beyond the time in which it may be talked to.
    #[error("out of hours")]
    OutOfHours,
}

impl Pacer {
    /// A pacer that keeps these rates, and at most `per_host` established
    /// connections to one address.
    ///
    /// The guard says why an address is excluded. It is asked first, at every
    /// admission, so that a name that resolves into an excluded network, today
    /// or at a retry, is not dialled.
    pub fn new(
        rates: Rates,
        per_host: NonZeroUsize,
        guard: impl Fn(IpAddr, Port) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let limits = Limits {
            rate_per_host: rates.per_host,
            rate_per_network: rates.per_network,
            connections_per_host: per_host,
        };
        let pacer = Self {
            limits: limits.into(),
            guard: Box::new(guard),
            hours: None,
            hosts: Keyed::new(),
            networks: None,
            overall: Gate::limiting(rates.overall),
        };
        pacer.limited(limits.into())
    }

    /// The same with limits that differ from network to network. A /24 (IPv6:
    /// /64) that several of them reach into keeps the lowest of their rates.
    #[must_use]
    pub fn limited(self, limits: ByNetwork<Limits>) -> Self {
        let is_limited = |limits: &Limits| limits.rate_per_network != Rate::Unlimited;
        let somewhere = is_limited(limits.elsewhere())
            || limits.networks().any(|(_, limits)| is_limited(limits));
        Self {
            networks: somewhere.then(Keyed::new),
            limits,
            ..self
        }
    }

    /// The same that issues no pass where `hours` denies an address the time
    /// that the connection may take. They are asked last, however long it has
    /// waited until then.
    #[must_use]
    pub fn within(self, hours: impl Fn(IpAddr, Duration) -> bool + Send + Sync + 'static) -> Self {
        Self {
            hours: Some(Box::new(hours)),
            ..self
        }
    }

    /// Waits for a host slot and all three rates, for a connection that lasts
    /// no longer than `longest`. Addresses by which a NAT64 is reached count as
    /// the host behind it.
    ///
    /// Cancel safe: dropping the future gives up its place and nothing else.
    pub async fn admit(
        &self,
        endpoint: &Endpoint,
        lane: Lane,
        longest: Duration,
    ) -> Result<Admission, Denied> {
        let address = endpoint.address.to_canonical();
        if let Some(reason) = (self.guard)(address, endpoint.port) {
            return Err(Denied::Excluded { reason });
        }
        let limits = self.limits.at(address);
        let reached = host_reached(address);
        let host = self.hosts.entry(
            reached,
            || Host::new(limits.rate_per_host, limits.connections_per_host),
            Host::is_idle,
        );
        let network = self.network(Network::of(reached), limits);
        let (network, overall) = (network.as_deref(), self.overall.as_ref());

        // Always in this order, so that no two wait for each other.
        let _host_turn = host.gate.turn(lane).await;
        host.slots.vacancy().await;
        host.gate.ready().await;
        let _network_turn = Gate::enter(network, lane).await;
        let _overall_turn = Gate::enter(overall, lane).await;

        // Without another await: all is paid, and dialled, at one instant. Who
        // is denied it pays nothing, so a queue is over soon after the hours.
        if let Some(hours) = &self.hours
            && !hours(address, longest)
        {
            return Err(Denied::OutOfHours);
        }
        let gates = [Some(&host.gate), network, overall];
        gates.into_iter().flatten().for_each(Gate::pay);
        Ok(Admission {
            pass: Pass::new(endpoint.clone()),
            slot: Arc::clone(&host).dial(),
        })
    }

    /// The gate of a network in which one host has these limits.
    fn network(&self, network: Network, of_host: &Limits) -> Option<Arc<Gate>> {
        let make = || Gate::new(self.lowest_rate(network, of_host));
        let networks = self.networks.as_ref()?;
        Some(networks.entry(network, make, Gate::is_replenished))
    }

    /// The rate of a network in which one host has these limits.
    fn lowest_rate(&self, network: Network, of_host: &Limits) -> Rate {
        let parts = self.limits.cut(network.range());
        let rates = parts.iter().map(|(_, limits)| limits.rate_per_network);
        rates.fold(of_host.rate_per_network, Rate::min)
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Pacer {
    /// How many hosts and networks it keeps state of.
    pub(super) fn remembered(&self) -> usize {
        self.hosts.len() + self.networks.as_ref().map_or(0, Keyed::len)
    }
}
