use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::settings::{FurtherNames, Reach};
use super::summary::{NameNotAsked, WhyNotAsked};
use crate::domain::{ScanId, ScanState, ServerName};
use crate::resolve::{LookupError, Resolver};
use crate::target::Plan;

/// The names that the operator listed, and the addresses they lead to: looked
/// up once, before the first target.
#[derive(Debug, Default)]
pub(super) struct Directory {
    reach: Reach,
    entries: Vec<Entry>,
    /// Whether a target led to any address, where names are asked everywhere.
    met: AtomicBool,
    /// Positions of entries.
    by_address: HashMap<IpAddr, Vec<usize>>,
}

#[derive(Debug)]
struct Entry {
    name: ServerName,
    /// Why nobody is asked for it, if that is clear from the start.
    why_not: Option<WhyNotAsked>,
    /// Whether a target led to an address where it is asked for.
    met: AtomicBool,
}

/// Names that are looked up at the same time: a resolver takes that many.
const LOOKED_UP_AT_ONCE: usize = 32;

impl Directory {
    /// Looks every name up that is not excluded; after `stop`, no more.
    pub(super) async fn look_up<R: Resolver>(
        further: &FurtherNames,
        plan: &Plan,
        resolver: &R,
        stop: &CancellationToken,
    ) -> Self {
        let mut listed = HashSet::new();
        let names = further.names.iter().filter(|name| listed.insert(*name));
        let answers: Vec<_> = stream::iter(names)
            .map(|name| async move {
                let answer = match plan.exclusions().covers_name_wholly(name) {
                    Some(exclusion) => Err(WhyNotAsked::Excluded(exclusion.why())),
                    None => addresses(name, resolver, stop).await,
                };
                (name.clone(), answer)
            })
            .buffered(LOOKED_UP_AT_ONCE)
            .collect()
            .await;
        let mut directory = Self {
            reach: further.reach,
            ..Self::default()
        };
        for (name, answer) in answers {
            directory.enter(name, answer);
        }
        directory
    }

    fn enter(&mut self, name: ServerName, answer: Result<Vec<IpAddr>, WhyNotAsked>) {
        let position = self.entries.len();
        let why_not = match answer {
            Ok(addresses) => {
                for address in addresses {
                    let there = self.by_address.entry(address.to_canonical()).or_default();
                    there.push(position);
                }
                None
            }
            // Where names are asked everywhere, the DNS has no say.
            Err(WhyNotAsked::Unresolved(_) | WhyNotAsked::Resolver(_))
                if self.reach == Reach::Everywhere =>
            {
                None
            }
            Err(why_not) => Some(why_not),
        };
        self.entries.push(Entry {
            name,
            why_not,
            met: AtomicBool::new(false),
        });
    }

    /// Notes that a target leads to this address.
    pub(super) fn meet(&self, address: IpAddr) {
        match self.reach {
            Reach::Everywhere => self.met.store(true, Ordering::Relaxed),
            Reach::WhereTheyResolve => {
                for entry in self.resolving_to(address) {
                    entry.met.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// The names to ask for at an address.
    pub(super) fn names_at(&self, address: IpAddr) -> Vec<ServerName> {
        let name = |entry: &Entry| entry.name.clone();
        match self.reach {
            Reach::Everywhere => {
                let wanted = self.entries.iter().filter(|entry| entry.why_not.is_none());
                wanted.map(name).collect()
            }
            Reach::WhereTheyResolve => self.resolving_to(address).map(name).collect(),
        }
    }

    /// Whether a listed name resolves to an address.
    pub(super) fn leads(&self, name: &ServerName, address: IpAddr) -> bool {
        self.resolving_to(address).any(|entry| entry.name == *name)
    }

    /// The names that nobody was asked for by a scan that ended so. Of names
    /// that an earlier run of the scan may have asked for, nothing is told.
    pub(super) fn not_asked(&self, state: ScanState, resumes: Option<ScanId>) -> Vec<NameNotAsked> {
        let unmet = match state {
            ScanState::Complete => WhyNotAsked::NoTarget,
            _ => WhyNotAsked::Ended,
        };
        let not_asked = self.entries.iter().filter_map(|entry| {
            let met = self.met.load(Ordering::Relaxed) || entry.met.load(Ordering::Relaxed);
            let unmet = (!met && resumes.is_none()).then(|| unmet.clone());
            Some(NameNotAsked {
                name: entry.name.clone(),
                why: entry.why_not.clone().or(unmet)?,
            })
        });
        not_asked.collect()
    }

    fn resolving_to(&self, address: IpAddr) -> impl Iterator<Item = &Entry> {
        let positions = self.by_address.get(&address.to_canonical());
        let positions = positions.into_iter().flatten();
        positions.filter_map(|position| self.entries.get(*position))
    }
}

async fn addresses<R: Resolver>(
    name: &ServerName,
    resolver: &R,
    stop: &CancellationToken,
) -> Result<Vec<IpAddr>, WhyNotAsked> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(WhyNotAsked::Ended),
        answer = resolver.addresses(name) => answer.map_err(|error| match error {
            LookupError::Unresolved(why) => WhyNotAsked::Unresolved(why),
            LookupError::Resolver(what) => WhyNotAsked::Resolver(what),
        }),
    }
}
