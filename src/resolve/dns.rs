use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, TokioResolver};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use super::failure::{failure, least_certain, without_pointer, without_records};
use super::patience::Patience;
use super::search::candidates;
use super::{AddressFamily, LookupError, MAX_ADDRESSES, NameServer, Resolver};
use crate::domain::{Pointer, ServerName, Unresolved};

/// Whom to ask, and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// This server alone, without the system's hosts file and search list;
    /// when `None`, the system's configuration with both.
    pub name_server: Option<NameServer>,
    /// Which addresses are looked at.
    pub family: AddressFamily,
}

/// Asks the DNS through hickory, which caches every answer for its time to
/// live and makes one query of those that run at the same time.
#[derive(Debug)]
pub struct DnsResolver {
    resolver: TokioResolver,
    hosts: Hosts,
    search: Vec<Name>,
    family: AddressFamily,
    names_at_a_time: Semaphore,
    pointers_at_a_time: Semaphore,
    patience: Patience,
}

/// A whole look-up, every record type and search domain included.
const ADDRESSES_TIMEOUT: Duration = Duration::from_secs(5);
/// Less than for addresses: nothing but a column of the report waits for it.
const POINTER_TIMEOUT: Duration = Duration::from_secs(2);
/// Two tries fit into a look-up; each repeats its datagram after 333 ms.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
const RETRIES: usize = 1;
/// A look-up may hold half a dozen sockets, and a small resolver is soon
/// overrun; the others wait, and their time starts when they are asked.
const AT_A_TIME: usize = 32;
/// RFC 1035 section 2.3.4 allows 255 octets; a longer text holds escapes that
/// no host name needs.
const MAX_POINTER: usize = 255;

impl DnsResolver {
    /// A resolver with these settings. Names that are known without the DNS
    /// resolve even where the system has no name server.
    ///
    /// Its look-ups run under tokio. It reads the system's configuration and
    /// hosts file now, and not again.
    pub fn new(settings: Settings) -> Result<Self, LookupError> {
        let family = settings.family;
        if let Some(name_server) = settings.name_server {
            let config = ResolverConfig::from_name_servers(vec![connections(name_server)]);
            return Self::assemble(config, ResolverOpts::default(), Hosts::default(), family);
        }
        let (config, options) = read_system_conf().unwrap_or_else(|error| {
            warn!(%error, "the system has no name server, so only its hosts file is asked");
            Default::default()
        });
        let hosts = Hosts::from_system().unwrap_or_else(|error| {
            warn!(%error, "the hosts file can't be read");
            Hosts::default()
        });
        Self::assemble(config, options, hosts, family)
    }

    /// Whether a name server answers, whatever it says: it is asked one
    /// question, for the servers of the root, which every resolver knows and
    /// which tells it nothing of us.
    pub async fn reach(&self) -> Result<(), LookupError> {
        let root = self.resolver.lookup(Name::root(), RecordType::NS);
        match timeout(ADDRESSES_TIMEOUT, root).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => match failure(&error) {
                LookupError::Unresolved(_) => Ok(()),
                silent @ LookupError::Resolver(_) => Err(silent),
            },
            Err(_) => Err(LookupError::Resolver("no answer in time".to_owned())),
        }
    }

    fn assemble(
        config: ResolverConfig,
        mut options: ResolverOpts,
        hosts: Hosts,
        family: AddressFamily,
    ) -> Result<Self, LookupError> {
        options.timeout = TRY_TIMEOUT;
        options.attempts = RETRIES;
        // Hosts and search list are ours, since hickory would complete names
        // with dots, and ask for AAAA where the file has an A.
        options.use_hosts_file = ResolveHosts::Never;
        let (domain, mut search, name_servers) = config.into_parts();
        if search.is_empty() {
            search.extend(domain);
        }
        let mut builder = TokioResolver::builder_with_config(
            ResolverConfig::from_name_servers(name_servers),
            TokioRuntimeProvider::default(),
        );
        *builder.options_mut() = options;
        Ok(Self {
            resolver: builder.build().map_err(|error| failure(&error))?,
            hosts,
            search,
            family,
            names_at_a_time: Semaphore::new(AT_A_TIME),
            pointers_at_a_time: Semaphore::new(AT_A_TIME),
            patience: Patience::default(),
        })
    }

    /// The addresses that the hosts file has. A name it knows is not asked
    /// for elsewhere.
    fn known_to_hosts(&self, name: &Name) -> Option<Vec<IpAddr>> {
        let known: Vec<_> = self
            .record_types()
            .filter_map(|kind| {
                self.hosts
                    .lookup_static_host(&Query::query(name.clone(), kind))
            })
            .flat_map(|lookup| addresses_in(&lookup))
            .collect();
        self.usable(known)
    }

    fn record_types(&self) -> impl Iterator<Item = RecordType> {
        let ipv4 = self.family.includes_ipv4().then_some(RecordType::A);
        let ipv6 = self.family.includes_ipv6().then_some(RecordType::AAAA);
        ipv4.into_iter().chain(ipv6)
    }

    /// Asks for each candidate in turn, until one has an address.
    async fn search(&self, candidates: Vec<Name>) -> Result<Vec<IpAddr>, LookupError> {
        let mut failed = LookupError::Unresolved(Unresolved::NoSuchName);
        for name in candidates {
            match self.ask(&name).await {
                Ok(addresses) => return Ok(addresses),
                Err(error) => failed = least_certain(failed, error),
            }
        }
        Err(failed)
    }

    /// Asks for both kinds of address of one name at once. If one query fails
    /// the addresses that the other found are used.
    async fn ask(&self, name: &Name) -> Result<Vec<IpAddr>, LookupError> {
        let queries = self.record_types().map(|kind| self.query(name, kind));
        let mut found = Vec::new();
        let mut failed = LookupError::Unresolved(Unresolved::NoSuchName);
        for answer in futures_util::future::join_all(queries).await {
            match answer {
                Ok(addresses) => found.extend(addresses),
                Err(error) => failed = least_certain(failed, error),
            }
        }
        self.usable(found).ok_or(failed)
    }

    async fn query(&self, name: &Name, kind: RecordType) -> Result<Vec<IpAddr>, LookupError> {
        let lookup = self
            .resolver
            .lookup(name.clone(), kind)
            .await
            .map_err(|error| failure(&error))?;
        let addresses = addresses_in(&lookup);
        if addresses.is_empty() {
            let code = lookup.message().response_code;
            return Err(LookupError::Unresolved(without_records(code)));
        }
        Ok(addresses)
    }

    /// What the DNS has under an address; `None` where it does not answer, or
    /// has shown that it doesn't.
    async fn reverse(&self, address: IpAddr) -> Option<Result<Lookup, NetError>> {
        let _place = self.pointers_at_a_time.acquire().await;
        if !self.patience.is_left() {
            return None;
        }
        let lookup = self.resolver.reverse_lookup(address.to_canonical());
        let Ok(answer) = timeout(POINTER_TIMEOUT, lookup).await else {
            self.patience.silence();
            return None;
        };
        self.patience.answered();
        Some(answer)
    }

    /// Canonical, of the chosen family, each once, not too many; `None` if
    /// none is left.
    fn usable(&self, addresses: Vec<IpAddr>) -> Option<Vec<IpAddr>> {
        let mut seen = HashSet::new();
        let usable: Vec<_> = addresses
            .into_iter()
            .map(|address| address.to_canonical())
            .filter(|address| self.family.includes(*address) && seen.insert(*address))
            .take(MAX_ADDRESSES)
            .collect();
        (!usable.is_empty()).then_some(usable)
    }
}

impl Resolver for DnsResolver {
    async fn addresses(&self, name: &ServerName) -> Result<Vec<IpAddr>, LookupError> {
        let candidates = candidates(name, &self.search)
            .map_err(|error| LookupError::Resolver(error.to_string()))?;
        // The name as it stands is the last candidate.
        if let Some(addresses) = candidates.last().and_then(|name| self.known_to_hosts(name)) {
            return Ok(addresses);
        }
        // The semaphore is never closed, so this holds a place.
        let _place = self.names_at_a_time.acquire().await;
        timeout(ADDRESSES_TIMEOUT, self.search(candidates))
            .await
            .unwrap_or_else(|_| Err(LookupError::Resolver("no answer in time".to_owned())))
    }

    async fn pointer(&self, address: IpAddr) -> Pointer {
        match self.reverse(address).await {
            Some(Ok(lookup)) => pointer_in(&lookup),
            Some(Err(error)) => without_pointer(&error),
            None => Pointer::Untold,
        }
    }
}

/// UDP, and TCP for what is too long, at its port.
fn connections(name_server: NameServer) -> NameServerConfig {
    let address = name_server.socket_address();
    let mut config = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut config.connections {
        connection.port = address.port();
    }
    config
}

fn addresses_in(lookup: &Lookup) -> Vec<IpAddr> {
    let records = lookup.answers().iter();
    records.filter_map(|record| record.data.ip_addr()).collect()
}

/// The name that an answer has, if one can be used.
fn pointer_in(lookup: &Lookup) -> Pointer {
    let mut names = lookup.answers().iter().filter_map(|record| {
        let RData::PTR(pointer) = &record.data else {
            return None;
        };
        Some(pointer.0.to_ascii())
    });
    let Some(pointer) = names.next() else {
        return Pointer::Untold;
    };
    let name = pointer.strip_suffix('.').unwrap_or(&pointer);
    if name.is_empty() || name.len() > MAX_POINTER {
        return Pointer::Absent;
    }
    Pointer::Name(name.to_owned())
}

#[cfg(test)]
mod tests;
