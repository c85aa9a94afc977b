//! From the leaf upwards, by signatures: every way to a root, or as far as it
//! goes.
//!
//! A hostile chain may be a hundred authorities of one name that certify each
//! other. Hence the bounds below: they count, and no clock is asked, so that
//! the same chain always gets the same answer.
//!
//! Anybody may certify the name and the key of an authority, and present that
//! at an endpoint of his own. So the chain is climbed with what was sent and
//! the stores first, and then once more for the ways through what other
//! endpoints present, which take nothing from the first. Of these the ways to a
//! root or a store by a single certificate of theirs are looked for before all
//! others: a thicket that somebody presents is no way, and hides none.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::found::Found;
use super::member::{Claim, Member};
use super::pool::{Anchors, Pool};
use super::trail::{End, Source, Step, Trail};
use crate::domain::Fingerprint;
use crate::x509::{Certificate, NameKey, Verification};

/// Most signatures checked. The slowest, on P-521 or with RSA of 8192 bits,
/// take about a millisecond each.
const MAX_CHECKS: usize = 60;
/// Most candidate issuers looked at, most of them without a check.
const MAX_LOOKS: usize = 1_000;
/// Most certificates above the leaf; a modern client takes seven.
const MAX_HEIGHT: usize = 10;
/// Where nothing more is said, since there was too much to look at.
pub(super) const GIVEN_UP: &str = "given up: too many certificates, or candidates for issuers";

/// The ways up from a leaf.
#[derive(Debug)]
pub(super) struct Trails {
    /// Those by what was sent and the stores.
    pub(super) own: Found,
    /// Those with a step that only other endpoints presented.
    pub(super) pooled: Found,
}

/// Every way up from the leaf of a chain, bounded; `None` where the leaf
/// can't be read as far as its key.
pub(super) fn trails(chain: &[Arc<Certificate>], anchors: &Anchors, pool: &Pool) -> Option<Trails> {
    Walk::through(chain, anchors, pool).map(|walk| walk.trails)
}

/// What was sent by subject, each certificate once, at its first position.
fn sent(chain: &[Arc<Certificate>]) -> HashMap<NameKey, Vec<(usize, Arc<Member>)>> {
    let mut by_subject: HashMap<_, Vec<(usize, Arc<Member>)>> = HashMap::new();
    for (position, certificate) in chain.iter().enumerate() {
        let Some(member) = Member::new(Arc::clone(certificate)) else {
            continue;
        };
        let namesakes = by_subject.entry(member.subject).or_default();
        let known = |(_, other): &(_, Arc<Member>)| other.fingerprint() == member.fingerprint();
        if !namesakes.iter().any(known) {
            namesakes.push((position, Arc::new(member)));
        }
    }
    by_subject
}

struct Walk<'a> {
    sent: HashMap<NameKey, Vec<(usize, Arc<Member>)>>,
    anchors: &'a Anchors,
    pool: &'a Pool,
    /// Signatures already checked: of this certificate under this key.
    known: HashMap<(Fingerprint, Fingerprint), Verification>,
    checks: usize,
    looks: usize,
    climb: Climb,
    trails: Trails,
}

/// Which ways are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Climb {
    /// Those by what was sent and the stores.
    Own,
    /// Those with one certificate that only others presented, to their end.
    Bridged,
    /// Those with any of these.
    Pooled,
}

/// Why no candidate led further up, the first of these that was met.
#[derive(Debug, PartialEq, Eq)]
enum DeadEnd {
    GivenUp,
    WrongSignature(String),
    UncheckedSignature(String),
    Itself,
    Circle,
}

impl<'a> Walk<'a> {
    fn through(chain: &[Arc<Certificate>], anchors: &'a Anchors, pool: &'a Pool) -> Option<Self> {
        let leaf = Arc::new(Member::new(Arc::clone(chain.first()?))?);
        let mut walk = Self {
            sent: sent(chain),
            anchors,
            pool,
            known: HashMap::new(),
            checks: 0,
            looks: 0,
            climb: Climb::Own,
            trails: Trails {
                own: Found::default(),
                pooled: Found::default(),
            },
        };
        for climb in [Climb::Own, Climb::Bridged, Climb::Pooled] {
            walk.climb = climb;
            walk.climb(&mut Trail {
                leaf: Arc::clone(&leaf),
                steps: Vec::new(),
                end: End::GivenUp,
            });
        }
        Some(walk)
    }

    /// Goes on from the tip of a trail, and keeps every end that it comes to.
    /// Recurses at most [`MAX_HEIGHT`] deep.
    fn climb(&mut self, trail: &mut Trail) {
        let tip = Arc::clone(trail.tip());
        let holders = self.anchors.holders(tip.fingerprint());
        if !holders.is_empty() {
            self.keep(trail, End::Anchor(holders.to_vec()));
        }
        if tip.is_self_signed() {
            if holders.is_empty() {
                self.keep(trail, End::Root);
            }
            return;
        }
        if trail.steps.len() >= MAX_HEIGHT {
            return self.keep(trail, End::GivenUp);
        }
        let mut dead_ends = Vec::new();
        let mut went_on = false;
        for (source, issuer) in self.candidates(trail) {
            match self.look(trail, source, &issuer) {
                Ok(_) if self.climb == Climb::Own && self.found().is_full() => {
                    self.found().is_cut = true;
                    return;
                }
                Ok(signature) => {
                    went_on = true;
                    trail.steps.push(Step {
                        member: issuer,
                        source,
                        signature,
                    });
                    self.climb(trail);
                    trail.steps.pop();
                }
                Err(dead_end) => dead_ends.extend(dead_end),
            }
        }
        // A trail that ended in a store is whole, whatever is above.
        if !went_on && holders.is_empty() {
            let end = match End::of(dead_ends) {
                // What others present makes nothing wrong.
                End::WrongSignature { .. } if trail.is_at_others() => End::NoIssuer,
                end => end,
            };
            self.keep(trail, end);
        }
    }

    /// Those who bear the name of the tip's issuer: whose key identifier it
    /// names first, then those of the stores, those sent, those of others, if
    /// these are looked for; of several, those that last longest. Of others'
    /// the roots come first: who does not have the key can make none.
    fn candidates(&self, trail: &Trail) -> Vec<(Source, Arc<Member>)> {
        let tip = trail.tip();
        let sent = self.sent.get(&tip.issuer).map_or(&[][..], Vec::as_slice);
        let was_sent = |member: &Member| {
            sent.iter()
                .any(|(_, other)| other.fingerprint() == member.fingerprint())
        };
        let held = self.anchors.named(tip.issuer).iter();
        let pooled = match self.climb {
            Climb::Own => &[],
            Climb::Bridged if trail.goes_by_others() => &[],
            Climb::Bridged | Climb::Pooled => self.pool.named(tip.issuer),
        };
        let is_held = |member: &Member| !self.anchors.holders(member.fingerprint()).is_empty();

        let mut candidates: Vec<_> = held
            .filter(|member| !was_sent(member))
            .map(|member| (Source::Store, Arc::clone(member)))
            .collect();
        candidates.extend(
            sent.iter()
                .map(|(at, member)| (Source::Sent(*at), Arc::clone(member))),
        );
        candidates.extend(
            pooled
                .iter()
                .filter(|member| !was_sent(member) && !is_held(member))
                .map(|member| (Source::Pool, Arc::clone(member))),
        );
        candidates.sort_by_key(|(source, member)| {
            let is_borrowed = *source == Source::Pool;
            let is_crossed = is_borrowed && !member.is_self_signed();
            let rank = (tip.claim(member), is_borrowed, is_crossed, !is_held(member));
            // By name last, so that the same are always met in the same order.
            (
                rank,
                Reverse(member.facts().not_after),
                member.fingerprint(),
            )
        });
        candidates
    }

    /// Whether the trail goes on to `issuer`; where it does not, why, if that
    /// tells anything.
    fn look(
        &mut self,
        trail: &Trail,
        source: Source,
        issuer: &Arc<Member>,
    ) -> Result<Verification, Option<DeadEnd>> {
        let tip = trail.tip();
        if tip.is_same_authority(issuer) {
            return Err(tip.itself_as_issuer());
        }
        if trail
            .members()
            .any(|member| member.is_same_authority(issuer))
        {
            return Err(Some(DeadEnd::Circle));
        }
        match self.signature(tip, issuer) {
            None => {
                self.found().is_cut = true;
                Err(Some(DeadEnd::GivenUp))
            }
            Some(Verification::Invalid) => Err(tip.wrong_signature(source, issuer)),
            // Others may present anything.
            Some(Verification::NotCheckable) if trail.is_at_others() => Err(None),
            Some(Verification::NotCheckable) if !tip.may_be_by(source, issuer) => {
                Err(unchecked_signature(source, issuer))
            }
            Some(signature) => Ok(signature),
        }
    }

    /// Whether `issuer` signed `member`; `None` where that would be a check
    /// too many.
    fn signature(&mut self, member: &Member, issuer: &Member) -> Option<Verification> {
        self.looks += 1;
        if self.looks > MAX_LOOKS {
            return None;
        }
        let pair = (member.fingerprint(), issuer.key);
        if let Some(known) = self.known.get(&pair) {
            return Some(*known);
        }
        if self.checks == MAX_CHECKS {
            return None;
        }
        self.checks += 1;
        let signature = member.signed_by(issuer);
        self.known.insert(pair, signature);
        Some(signature)
    }

    fn keep(&mut self, trail: &Trail, end: End) {
        let borrowed = trail.borrowed().count();
        let is_whole = matches!(end, End::Anchor(_) | End::Root);
        // What a climb before had, or one after has.
        let is_anothers = match self.climb {
            Climb::Own => false,
            Climb::Bridged => borrowed == 0 || !is_whole,
            Climb::Pooled => borrowed == 0 || (borrowed == 1 && is_whole),
        };
        if is_anothers {
            return;
        }
        let trail = Trail {
            end,
            ..trail.clone()
        };
        self.found().keep(trail);
    }

    /// What this climb found until now.
    fn found(&mut self) -> &mut Found {
        match self.climb {
            Climb::Own => &mut self.trails.own,
            Climb::Bridged | Climb::Pooled => &mut self.trails.pooled,
        }
    }
}

impl Member {
    /// What it tells that its own name and key stand for its issuer too. That
    /// its key did not sign it is wrong where it says so itself; else another
    /// authority of that name did.
    fn itself_as_issuer(&self) -> Option<DeadEnd> {
        match self.facts().self_signed {
            None => Some(DeadEnd::Itself),
            Some(_) if self.claim(self) == Claim::ItsKey => {
                Some(DeadEnd::WrongSignature(self.name()))
            }
            Some(_) => None,
        }
    }

    /// Whether a signature that can't be checked is taken to be `issuer`'s:
    /// not where it names another key, and never on the word of another
    /// endpoint, which may present anything.
    fn may_be_by(&self, source: Source, issuer: &Self) -> bool {
        source != Source::Pool && self.claim(issuer) != Claim::AnotherKey
    }

    /// That `issuer`'s key did not sign it is wrong where it names that key,
    /// or nothing but the name and the issuer was sent along or is trusted.
    /// What other endpoints present makes nobody's signature wrong.
    fn wrong_signature(&self, source: Source, issuer: &Self) -> Option<DeadEnd> {
        let is_wrong = source != Source::Pool && self.claim(issuer) != Claim::AnotherKey;
        is_wrong.then(|| DeadEnd::WrongSignature(issuer.name()))
    }
}

/// That nobody can tell whether `issuer` signed what names another key; on the
/// word of another endpoint it did not.
fn unchecked_signature(source: Source, issuer: &Member) -> Option<DeadEnd> {
    (source != Source::Pool).then(|| DeadEnd::UncheckedSignature(issuer.name()))
}

impl End {
    fn of(dead_ends: Vec<DeadEnd>) -> Self {
        if dead_ends.contains(&DeadEnd::GivenUp) {
            return Self::GivenUp;
        }
        match dead_ends.into_iter().next() {
            None => Self::NoIssuer,
            Some(DeadEnd::GivenUp) => Self::GivenUp,
            Some(DeadEnd::WrongSignature(issuer)) => Self::WrongSignature { issuer },
            Some(DeadEnd::UncheckedSignature(issuer)) => Self::UncheckedSignature { issuer },
            Some(DeadEnd::Itself) => Self::UnprovenRoot,
            Some(DeadEnd::Circle) => Self::Circle,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::super::found::MAX_TRAILS;
    use super::*;
    use crate::domain::Der;
    use crate::x509;

    fn authority(name: &str) -> CertificateParams {
        let mut authority = CertificateParams::default();
        authority.distinguished_name = rcgen::DistinguishedName::new();
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
    }

    /// Each certified under its name by the key of the next: no identifiers
    /// of keys, nothing but names and signatures to go by.
    fn certified(name: &str, key: &KeyPair, by: &KeyPair, issuer: &str) -> Arc<Certificate> {
        let mut params = authority(name);
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![7]);
        let issuer = authority(issuer);
        let certificate = params.signed_by(key, &Issuer::from_params(&issuer, by));
        Arc::new(x509::parse(&Der::from(&certificate.unwrap().der()[..])))
    }

    fn keys(number: usize) -> Vec<KeyPair> {
        (0..number).map(|_| KeyPair::generate().unwrap()).collect()
    }

    fn walk_through(chain: &[Arc<Certificate>]) -> (usize, usize, Vec<Trail>) {
        let (anchors, pool) = (Anchors::of(&[]), Pool::default());
        let walk = Walk::through(chain, &anchors, &pool).unwrap();
        (walk.checks, walk.looks, walk.trails.own.trails)
    }

    #[test]
    fn a_hundred_authorities_of_one_name_cost_no_more_than_the_budget() {
        let keys = keys(101);
        let mut chain: Vec<_> = keys
            .windows(2)
            .map(|pair| certified("Hydra", &pair[0], &pair[1], "Hydra"))
            .collect();
        chain[1..].reverse();
        let (checks, _, trails) = walk_through(&chain);
        assert_eq!(checks, MAX_CHECKS);
        assert!(trails.iter().all(|trail| trail.end == End::GivenUp));
    }

    #[test]
    fn authorities_that_all_certify_each_other_cost_no_more_than_the_budget() {
        let keys = keys(8);
        let mut chain = vec![certified("leaf", &keys[0], &keys[1], "Clique")];
        for (certified_key, key) in keys.iter().enumerate() {
            for (by, other) in keys.iter().enumerate() {
                if certified_key != by {
                    chain.push(certified("Clique", key, other, "Clique"));
                }
            }
        }
        let (checks, looks, trails) = walk_through(&chain);
        assert!(checks <= MAX_CHECKS && looks <= MAX_LOOKS + MAX_HEIGHT * chain.len());
        assert!(!trails.is_empty() && trails.len() <= MAX_TRAILS);
    }

    #[test]
    fn a_long_chain_is_climbed_so_far_and_no_further() {
        let keys = keys(14);
        let name = |height: usize| format!("Storey {height}");
        let chain: Vec<_> = (0..13)
            .map(|at| certified(&name(at), &keys[at], &keys[at + 1], &name(at + 1)))
            .collect();
        let (_, _, trails) = walk_through(&chain);
        let [trail] = &trails[..] else {
            panic!("{trails:?}")
        };
        assert_eq!(trail.end, End::GivenUp);
        assert_eq!(trail.steps.len(), MAX_HEIGHT);
    }
}
