//! Chains + stores + the authorities of other endpoints → what is true of
//! each chain, and what it is worth at a given time.
//!
//! The walk tells who signed whom, by signatures alone; a path is one way up
//! from the leaf with all that is said of it whatever the time; a modern
//! client is asked about those that end in a store. The time comes last, and
//! costs nothing.

mod found;
mod member;
mod missing;
mod modern_client;
mod path;
mod pool;
mod prohibition;
mod standing;
mod trail;
mod validity;
mod walk;

pub use pool::Pool;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Assessment, TrustStore, Unsent};
use crate::domain::{Der, Fingerprint, Timestamp, Trust, weight_of};
use crate::x509::{Certificate, NameKey};
use member::Member;
use path::{ClientChecks, Origin, Path};
use pool::Anchors;
use standing::{Rank, Standing};
use walk::Trails;

/// Most signatures that a modern client checks for one chain; with the walk's
/// own there are at most a hundred, and so no chain takes a second.
const MAX_CLIENT_CHECKS: usize = 40;

/// Counts up wherever the walk, a path or a modern client comes to say
/// something else of the same chain, or writes it in another way.
const LINKS_VERSION: &str = "5";

/// Judges chains by stores, with the help of what other endpoints presented.
#[derive(Debug)]
pub struct Assessor {
    stores: Vec<TrustStore>,
    anchors: Anchors,
    pool: Pool,
    mozilla: HashSet<Fingerprint>,
}

/// What is true of one chain at any time: who signed whom, and where that
/// leads. It holds for every assessor of the same [`Assessor::basis`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Links {
    /// Or why the leaf can't be read.
    paths: Result<Vec<Path>, String>,
    /// Whether there may be more paths than were looked for.
    is_cut: bool,
    length: usize,
    duplicates: Vec<usize>,
    leaf_is_an_issuer: bool,
}

impl Assessor {
    /// An assessor by these stores.
    #[must_use]
    pub fn new(stores: Vec<TrustStore>, pool: Pool) -> Self {
        let mozilla = TrustStore::mozilla();
        Self {
            anchors: Anchors::of(&stores),
            mozilla: mozilla.roots.iter().map(Der::fingerprint).collect(),
            stores,
            pool,
        }
    }

    /// Adds an authority to build chains with, as if another endpoint had
    /// presented it, however many others of its name did.
    pub fn add(&mut self, authority: &Arc<Certificate>) {
        self.pool.add_at_hand(authority);
    }

    /// The stores.
    #[must_use]
    pub fn stores(&self) -> &[TrustStore] {
        &self.stores
    }

    /// What all [`Links`] rest on beside the chain itself: the roots, the
    /// authorities of other endpoints, and what this version makes of them.
    #[must_use]
    pub fn basis(&self) -> Fingerprint {
        let version = [env!("CARGO_PKG_VERSION"), "/", LINKS_VERSION].concat();
        let mut parts = vec![Fingerprint::of(version.as_bytes())];
        for store in &self.stores {
            let roots: Vec<_> = store.roots.iter().map(Der::fingerprint).collect();
            parts.push(Fingerprint::of_all(&roots));
        }
        parts.push(self.pool.fingerprint());
        Fingerprint::of_all(&parts)
    }

    /// What is true of a chain, leaf first as sent by a server.
    ///
    /// It is what costs: at most 100 checks of signatures, whatever the chain.
    #[must_use]
    pub fn links(&self, chain: &[Arc<Certificate>]) -> Links {
        self.links_from(chain, Origin::Server)
    }

    /// The same of a certificate from a file: a chain of one, that no server
    /// could have sent more of.
    #[must_use]
    pub fn links_of_file(&self, certificate: &Arc<Certificate>) -> Links {
        self.links_from(std::slice::from_ref(certificate), Origin::File)
    }

    fn links_from(&self, chain: &[Arc<Certificate>], origin: Origin) -> Links {
        let found = self.paths(chain, origin);
        Links {
            is_cut: found.as_ref().is_ok_and(|(_, is_cut)| *is_cut),
            paths: found.map(|(paths, _)| paths),
            length: chain.len(),
            duplicates: duplicates(chain),
            leaf_is_an_issuer: leaf_is_an_issuer(chain),
        }
    }

    /// Every path that was found, and whether there may be more.
    fn paths(
        &self,
        chain: &[Arc<Certificate>],
        origin: Origin,
    ) -> Result<(Vec<Path>, bool), String> {
        let leaf = chain.first().ok_or("no certificate")?;
        leaf.facts.as_ref().map_err(ToString::to_string)?;
        let Trails { own, pooled } =
            walk::trails(chain, &self.anchors, &self.pool).ok_or("it ends before its key")?;
        let mut checks = ClientChecks(MAX_CLIENT_CHECKS);
        let paths = own.trails.iter().chain(&pooled.trails);
        let paths = paths.map(|trail| Path::of(trail, &own.trails, origin, &mut checks));
        let is_cut = match origin {
            // A server had to send what it needs, whatever others present.
            Origin::Server => own.is_cut,
            Origin::File => own.is_cut || pooled.is_cut,
        };
        Ok((paths.collect(), is_cut))
    }

    /// What a chain is worth at `now`, names left out. Cheap.
    #[must_use]
    pub fn verdict(&self, links: &Links, now: Timestamp) -> Assessment {
        let paths = match &links.paths {
            Ok(paths) => paths.as_slice(),
            Err(_) => &[],
        };
        let standings: Vec<_> = paths
            .iter()
            .map(|path| (path, path.standing(now, &self.names(path))))
            .collect();
        // Of ways that are as good, what a modern client refuses on one, or what
        // ends there, harms nobody while another does.
        let best = standings.iter().min_by_key(|(path, standing)| {
            let is_refused = path.refusal.is_some();
            let end = Reverse(path.end_above());
            (standing.rank, standing.trust, is_refused, end)
        });
        let Some((path, standing)) = best else {
            return links.unreadable();
        };
        // Where the search was cut, nobody knows where the others would have led.
        let is_open = links.is_cut && standing.rank != Rank::Trusted;
        let (trust, reason) = if is_open {
            path.left_open(now, standing.rank)
        } else {
            (standing.trust, standing.reason.clone())
        };
        Assessment {
            trust,
            reason,
            trusted_by: self.trusting(&standings),
            root: path.root(),
            publicly_trusted: paths.iter().any(|path| self.is_public(path)),
            path: path.sent.clone(),
            unsent: self.unsent(path.relied_on()),
            missing_intermediate: path.fix(now),
            out_of_order: links.leaf_is_an_issuer || !path.sent.is_sorted(),
            extra: if is_open {
                Vec::new()
            } else {
                links.extra(path)
            },
            duplicates: links.duplicates.clone(),
            refusal: path.refusal.clone(),
        }
    }

    /// Judges a chain at `now`: [`Self::links`], then [`Self::verdict`].
    #[must_use]
    pub fn assess(&self, chain: &[Arc<Certificate>], now: Timestamp) -> Assessment {
        self.verdict(&self.links(chain), now)
    }

    /// What these certificates of a path are, from a store or the pool.
    fn unsent(&self, fingerprints: &[Fingerprint]) -> Vec<Unsent> {
        let found = |it: &Fingerprint| self.anchors.get(*it).or_else(|| self.pool.get(*it));
        let members = fingerprints.iter().filter_map(found);
        members.map(Member::unsent).collect()
    }

    /// The names of the stores by which any path is trusted.
    fn trusting(&self, standings: &[(&Path, Standing)]) -> Vec<String> {
        let trusted = standings
            .iter()
            .filter(|(_, standing)| standing.trust == Trust::Trusted);
        let trusting: HashSet<_> = trusted.flat_map(|(path, _)| &path.stores).collect();
        let stores = self.stores.iter().enumerate();
        let stores = stores.filter(|(number, _)| trusting.contains(number));
        stores.map(|(_, store)| store.name.clone()).collect()
    }

    /// The names of the stores that a path ends in.
    fn names(&self, path: &Path) -> String {
        let stores = path
            .stores
            .iter()
            .filter_map(|store| self.stores.get(*store));
        let names: Vec<_> = stores.map(|store| store.name.as_str()).collect();
        names.join(", ")
    }

    fn is_public(&self, path: &Path) -> bool {
        path.is_proven() && self.mozilla.contains(&path.last)
    }
}

impl Links {
    /// The certificates that were not sent and stand above the leaf all the
    /// same, on any way to a root: from a store, or from another endpoint.
    pub fn unsent(&self) -> impl Iterator<Item = Fingerprint> {
        let paths = self.paths.iter().flatten();
        paths.flat_map(|path| path.unsent.iter().copied())
    }

    /// About how many bytes of memory they take.
    #[must_use]
    pub fn weight(&self) -> usize {
        let paths = self.paths.iter().flatten().map(Path::weight);
        size_of::<Self>()
            + paths.sum::<usize>()
            + size_of_val(self.duplicates.as_slice())
            + weight_of(self.paths.as_ref().err())
    }

    /// The positions that neither the path nor a duplicate accounts for.
    fn extra(&self, path: &Path) -> Vec<usize> {
        let accounted =
            |position: &usize| path.sent.contains(position) || self.duplicates.contains(position);
        (0..self.length)
            .filter(|position| !accounted(position))
            .collect()
    }

    /// A chain whose leaf can't be read.
    fn unreadable(&self) -> Assessment {
        let fault = self.paths.as_ref().err();
        Assessment {
            trust: Trust::Invalid,
            reason: fault.cloned().unwrap_or_default(),
            trusted_by: Vec::new(),
            root: None,
            publicly_trusted: false,
            path: Vec::new(),
            unsent: Vec::new(),
            missing_intermediate: None,
            out_of_order: false,
            extra: Vec::new(),
            duplicates: self.duplicates.clone(),
            refusal: None,
        }
    }
}

/// The positions of certificates that stand further up already.
fn duplicates(chain: &[Arc<Certificate>]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut again = |certificate: &Certificate| !seen.insert(certificate.fingerprint);
    let positions = chain.iter().enumerate();
    let duplicates = positions.filter(|(_, certificate)| again(certificate));
    duplicates.map(|(position, _)| position).collect()
}

/// Whether the first certificate is named as the issuer of another that was
/// sent: then the leaf stands elsewhere.
fn leaf_is_an_issuer(chain: &[Arc<Certificate>]) -> bool {
    let facts = chain
        .iter()
        .filter_map(|certificate| certificate.facts.as_ref().ok());
    let mut names = facts.map(|facts| [&facts.subject, &facts.issuer].map(NameKey::of));
    let Some([first, _]) = names.next() else {
        return false;
    };
    names.any(|[subject, issuer]| issuer == first && subject != first)
}

#[cfg(test)]
mod tests;
