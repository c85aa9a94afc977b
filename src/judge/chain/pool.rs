use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::member::Member;
use crate::domain::{Der, Fingerprint};
use crate::judge::TrustStore;
use crate::x509::{self, Certificate, Facts, NameKey};

/// The authorities that any endpoint presented, to find the intermediates
/// that others forgot.
#[derive(Debug, Default)]
pub struct Pool {
    authorities: BySubject,
}

/// The certificates of all stores, and which store holds which.
#[derive(Debug)]
pub(super) struct Anchors {
    roots: BySubject,
    holders: HashMap<Fingerprint, Vec<usize>>,
}

/// Certificates by their subject and by their SHA-256, each once.
#[derive(Debug, Default)]
struct BySubject {
    members: HashMap<NameKey, Vec<Arc<Member>>>,
    by_fingerprint: HashMap<Fingerprint, Arc<Member>>,
}

/// Most authorities of one name that a pool takes from endpoints, the first of
/// them: more than any has had keys and cross-signatures, few enough that a hostile endpoint with a fresh
/// one at every look does not fill memory.
pub(super) const MAX_NAMESAKES: usize = 16;

impl Pool {
    /// Adds a certificate that some endpoint presented, if it is an
    /// authority's; what it certifies is for signatures to say.
    pub fn add(&mut self, certificate: &Arc<Certificate>) {
        if certificate.facts.as_ref().is_ok_and(is_authority) {
            self.authorities.add(Arc::clone(certificate), MAX_NAMESAKES);
        }
    }

    /// Adds one that the operator gave by hand, however many namesakes it has.
    pub(super) fn add_at_hand(&mut self, certificate: &Arc<Certificate>) {
        if certificate.facts.as_ref().is_ok_and(is_authority) {
            self.authorities.add(Arc::clone(certificate), usize::MAX);
        }
    }

    pub(super) fn named(&self, subject: NameKey) -> &[Arc<Member>] {
        self.authorities.named(subject)
    }

    pub(super) fn get(&self, fingerprint: Fingerprint) -> Option<&Member> {
        self.authorities.get(fingerprint)
    }

    /// SHA-256 over its certificates, in whatever order they came.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let members = self.authorities.members.values().flatten();
        let mut members: Vec<_> = members.map(|member| member.fingerprint()).collect();
        members.sort_unstable();
        Fingerprint::of_all(&members)
    }
}

impl FromIterator<Arc<Certificate>> for Pool {
    fn from_iter<I: IntoIterator<Item = Arc<Certificate>>>(certificates: I) -> Self {
        let mut pool = Self::default();
        for certificate in certificates {
            pool.add(&certificate);
        }
        pool
    }
}

impl Anchors {
    /// Reads the roots of these stores.
    pub(super) fn of(stores: &[TrustStore]) -> Self {
        let mut roots = BySubject::default();
        let mut holders: HashMap<_, Vec<_>> = HashMap::new();
        for (store, root) in stores.iter().enumerate().flat_map(each_root) {
            match holders.entry(root.fingerprint()) {
                Entry::Occupied(holders) => holders.into_mut().push(store),
                Entry::Vacant(first) => {
                    first.insert(vec![store]);
                    roots.add(Arc::new(x509::parse(root)), usize::MAX);
                }
            }
        }
        Self { roots, holders }
    }

    pub(super) fn named(&self, subject: NameKey) -> &[Arc<Member>] {
        self.roots.named(subject)
    }

    pub(super) fn get(&self, fingerprint: Fingerprint) -> Option<&Member> {
        self.roots.get(fingerprint)
    }

    /// The stores that hold this very certificate, by their numbers.
    pub(super) fn holders(&self, certificate: Fingerprint) -> &[usize] {
        self.holders.get(&certificate).map_or(&[], Vec::as_slice)
    }
}

/// Whether a certificate is an authority's that may help others: one with
/// dates, since without them it makes every chain invalid.
fn is_authority(facts: &Facts) -> bool {
    let has_dates = facts.not_before.is_some() && facts.not_after.is_some();
    let is_old_root = facts.version < 3 && facts.self_signed == Some(true);
    has_dates && (facts.is_ca == Some(true) || is_old_root)
}

fn each_root((number, store): (usize, &TrustStore)) -> impl Iterator<Item = (usize, &Der)> {
    store.roots.iter().map(move |root| (number, root))
}

impl BySubject {
    fn add(&mut self, certificate: Arc<Certificate>, most: usize) {
        let Some(member) = Member::new(certificate) else {
            return;
        };
        let namesakes = self.members.entry(member.subject).or_default();
        if namesakes.len() >= most {
            return;
        }
        if let Entry::Vacant(place) = self.by_fingerprint.entry(member.fingerprint()) {
            let member = place.insert(Arc::new(member));
            namesakes.push(Arc::clone(member));
        }
    }

    fn get(&self, fingerprint: Fingerprint) -> Option<&Member> {
        self.by_fingerprint
            .get(&fingerprint)
            .map(|member| &**member)
    }

    fn named(&self, subject: NameKey) -> &[Arc<Member>] {
        self.members.get(&subject).map_or(&[], Vec::as_slice)
    }
}
