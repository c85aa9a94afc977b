use serde::{Deserialize, Serialize};

use super::missing::{self, Missing};
use super::modern_client::{self, Kind, Refusal};
use super::prohibition::forbidden;
use super::standing::{Rank, Standing};
use super::trail::{End, Source, Step, Trail};
use super::validity::Validity;
use super::walk::GIVEN_UP;
use crate::domain::{Fingerprint, Timestamp, Trust, weight_of};
use crate::judge::Root;
use crate::x509::{Name, Verification};

/// A trail with all that is to be said of it at any time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Path {
    /// The positions in the chain sent.
    pub(super) sent: Vec<usize>,
    /// What stands above the leaf and was not sent, from a store or another
    /// endpoint.
    pub(super) unsent: Vec<Fingerprint>,
    /// The first intermediate that only another endpoint presented; of a file
    /// none is missing.
    missing: Option<Missing>,
    /// The subject of the root, where it ends in one that is not of others'
    /// choice.
    root: Option<Name>,
    /// The certificate that it ends in.
    pub(super) last: Fingerprint,
    /// The stores that hold the end, by their numbers.
    pub(super) stores: Vec<usize>,
    /// What a modern client has against it; only of trusted ends.
    pub(super) refusal: Option<String>,
    end: End,
    /// Whether every signature was checked.
    is_checked: bool,
    /// Leaf first.
    validities: Vec<Validity>,
    flaw: Option<Flaw>,
    /// Whether its end names itself its issuer.
    is_self_issued: bool,
    names: Names,
}

/// What is wrong with a path whatever the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Flaw {
    /// RFC 5280 forbids it.
    Forbidden(String),
    /// Something of it can't be checked.
    Unchecked(String),
}

/// The names that reasons speak of.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Names {
    last: String,
    issuer: String,
}

/// Where a chain comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A server, which has to send every intermediate.
    Server,
    /// A file: an intermediate that any endpoint presented, or another file
    /// holds, will do.
    File,
}

/// Checks of signatures that a modern client may spend on one chain.
#[derive(Debug)]
pub(super) struct ClientChecks(pub(super) usize);

/// Before every end that can be read.
const NEVER_BEGUN: Timestamp = Timestamp::from_micros(i64::MIN);

impl Path {
    /// What is to be said of a trail. A modern client is asked about it if
    /// it ends in a trusted certificate, with nothing missing.
    /// `own` are the trails of what was sent and the stores.
    pub(super) fn of(
        trail: &Trail,
        own: &[Trail],
        origin: Origin,
        checks: &mut ClientChecks,
    ) -> Self {
        let tip = trail.tip();
        let bridge = missing::bridge(trail);
        let is_root = match trail.end {
            // Anybody may certify an authority by a root of his own.
            End::Root | End::UnprovenRoot => bridge.is_none(),
            End::Anchor(_) => bridge.is_none() || unchecked(trail).is_none(),
            _ => false,
        };
        let bridge = bridge.filter(|_| origin == Origin::Server);
        let mut path = Self {
            sent: positions(trail),
            unsent: unsent(trail),
            missing: bridge.map(|bridge| Missing::of(bridge, own)),
            root: is_root.then(|| tip.facts().subject.clone()),
            last: tip.fingerprint(),
            stores: match &trail.end {
                End::Anchor(stores) => stores.clone(),
                _ => Vec::new(),
            },
            refusal: None,
            end: trail.end.clone(),
            is_checked: unchecked(trail).is_none(),
            validities: trail.members().map(|member| Validity::of(member)).collect(),
            flaw: None,
            is_self_issued: tip.is_self_issued(),
            names: Names {
                last: tip.name(),
                issuer: tip.issuer_name(),
            },
        };
        if !path.stores.is_empty() && path.missing.is_none() {
            path.examine(trail, checks);
        }
        path
    }

    fn examine(&mut self, trail: &Trail, checks: &mut ClientChecks) {
        self.flaw = forbidden(trail)
            .map(Flaw::Forbidden)
            .or_else(|| unchecked(trail).map(Flaw::Unchecked));
        if self.flaw.is_some() {
            return;
        }
        let Some(moment) = self.moment() else {
            return;
        };
        let Some(left) = checks.0.checked_sub(trail.steps.len().max(1)) else {
            let unchecked = "too many ways up to ask a modern client about each".to_owned();
            self.flaw = Some(Flaw::Unchecked(unchecked));
            return;
        };
        checks.0 = left;
        let Some(Refusal { reason, kind }) = modern_client::refusal(trail, moment) else {
            return;
        };
        if kind == Kind::Forbidden {
            self.flaw = Some(Flaw::Forbidden(reason));
            return;
        }
        if kind == Kind::NamesUnchecked {
            let unchecked = format!("the limits on names were not checked ({reason})");
            self.flaw = Some(Flaw::Unchecked(unchecked));
        }
        self.refusal = Some(reason);
    }

    /// A moment at which all of it is valid, in a client's reach: not before
    /// 1970.
    fn moment(&self) -> Option<Timestamp> {
        let begins = |validity: &Validity| validity.not_before;
        let ends = |validity: &Validity| validity.not_after;
        let begin: Option<Vec<_>> = self.validities.iter().map(begins).collect();
        let end: Option<Vec<_>> = self.validities.iter().map(ends).collect();
        let begin = begin?.into_iter().max()?.max(Timestamp::from_seconds(0));
        (begin <= end?.into_iter().min()?).then_some(begin)
    }

    /// Where it stands at `now`; `holders` names its stores.
    pub(super) fn standing(&self, now: Timestamp, holders: &str) -> Standing {
        // Beyond what another endpoint presents, nothing makes it worse here.
        let own = match self.missing {
            Some(_) => 1,
            None => self.validities.len(),
        };
        let mut validities = self.validities.iter().take(own);
        if let Some(reason) = validities.find_map(Validity::unreadable) {
            return Standing::new(Rank::Broken, Trust::Invalid, reason);
        }
        if let Some(missing) = &self.missing {
            return self.bridged(missing, now);
        }
        match &self.end {
            End::Anchor(_) => self.anchored(now, holders),
            End::Root if self.is_alone() => {
                let reason = "its own key signed it, and no store holds it".to_owned();
                Standing::new(Rank::Root, Trust::SelfSigned, reason)
            }
            End::Root | End::UnprovenRoot => {
                Standing::new(Rank::Root, Trust::UntrustedRoot, self.untrusted())
            }
            End::WrongSignature { issuer } => {
                let last = &self.names.last;
                let reason = format!("the signature of `{last}` is not by the key of `{issuer}`");
                Standing::new(Rank::Broken, Trust::Invalid, reason)
            }
            End::UncheckedSignature { issuer } => {
                let last = &self.names.last;
                let reason = format!(
                    "the key of `{issuer}` is not the one that `{last}` names, and whether it \
                     signed `{last}` can't be checked"
                );
                Standing::new(Rank::Broken, Trust::Unchecked, reason)
            }
            End::NoIssuer if self.is_self_issued => {
                let last = &self.names.last;
                let reason = format!(
                    "`{last}` is its own issuer by name, but not by its key; no other of that \
                     name is sent or in a store"
                );
                Standing::new(Rank::Nowhere, Trust::IncompleteChain, reason)
            }
            End::NoIssuer => {
                let Names { last, issuer } = &self.names;
                let reason =
                    format!("the issuer of `{last}`, `{issuer}`, is neither sent nor in a store");
                Standing::new(Rank::Nowhere, Trust::IncompleteChain, reason)
            }
            End::Circle => {
                let reason = "its issuers certify each other, and no root".to_owned();
                Standing::new(Rank::Nowhere, Trust::IncompleteChain, reason)
            }
            End::GivenUp => Standing::new(Rank::Broken, Trust::Unchecked, GIVEN_UP.to_owned()),
        }
    }

    /// Where a path stands that ends in a store.
    fn anchored(&self, now: Timestamp, holders: &str) -> Standing {
        if let Some(Flaw::Forbidden(reason)) = &self.flaw {
            return Standing::new(Rank::Forbidden, Trust::Invalid, reason.clone());
        }
        let mut validities = self.validities.iter();
        if let Some(reason) = validities.find_map(|validity| validity.over(now)) {
            return Standing::new(Rank::Expired, Trust::Expired, reason);
        }
        match &self.flaw {
            Some(Flaw::Unchecked(reason)) => {
                Standing::new(Rank::Unchecked, Trust::Unchecked, reason.clone())
            }
            _ => Standing::new(Rank::Trusted, Trust::Trusted, self.trusted(holders)),
        }
    }

    /// Where a path stands that lacks an intermediate, whatever its end.
    fn bridged(&self, missing: &Missing, now: Timestamp) -> Standing {
        let name = &missing.validity.name;
        let reason = format!("the intermediate `{name}` is not sent; the inventory has it");
        let over = missing.validity.over(now);
        let limit = over.or_else(|| missing.validity.ends_before(self.validities.first()?));
        let reason = match limit {
            Some(limit) => format!("{reason}, but {limit}"),
            None => reason,
        };
        let rank = match self.end {
            End::Anchor(_) if missing.is_sent_otherwise => Rank::Bypass,
            End::Anchor(_) => Rank::Bridged,
            _ if missing.is_sent_otherwise => Rank::Detour,
            _ => Rank::Astray,
        };
        Standing::new(rank, Trust::IncompleteChain, reason)
    }

    /// What is to be said where it is the best of those found, of this rank,
    /// and there may be better: what its leaf's own dates make of every path.
    pub(super) fn left_open(&self, now: Timestamp, rank: Rank) -> (Trust, String) {
        let leaf = self.validities.first();
        if let Some(reason) = leaf.and_then(Validity::unreadable) {
            return (Trust::Invalid, reason);
        }
        match leaf.and_then(|leaf| leaf.over(now)) {
            // No other way leads further than to a store.
            Some(over) if rank == Rank::Expired => (Trust::Expired, over),
            Some(over) => (Trust::Unchecked, format!("{GIVEN_UP}; {over}")),
            None => (Trust::Unchecked, GIVEN_UP.to_owned()),
        }
    }

    /// The intermediate that is missing, and would be of use at `now`.
    pub(super) fn fix(&self, now: Timestamp) -> Option<Fingerprint> {
        let missing = self.missing.as_ref();
        let missing = missing.filter(|it| it.validity.over(now).is_none());
        missing.map(|it| it.fingerprint)
    }

    /// When the first of what stands above the leaf ends; where nothing does,
    /// never.
    pub(super) fn end_above(&self) -> Timestamp {
        let above = self.validities.iter().skip(1);
        let ends = above.map(|validity| validity.not_after.unwrap_or(NEVER_BEGUN));
        ends.min().unwrap_or(Timestamp::from_micros(i64::MAX))
    }

    /// Whether its end, which a store holds, certified all of it: as far as
    /// signatures tell, and without what RFC 5280 forbids.
    pub(super) fn is_proven(&self) -> bool {
        let is_forbidden = matches!(self.flaw, Some(Flaw::Forbidden(_)));
        !self.stores.is_empty() && self.is_checked && !is_forbidden
    }

    /// What the trust in it rests on that was not sent. What another endpoint
    /// presents makes nothing worse where it should have been sent here.
    pub(super) fn relied_on(&self) -> &[Fingerprint] {
        if self.stores.is_empty() || self.missing.is_some() {
            &[]
        } else {
            &self.unsent
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn weight(&self) -> usize {
        let flaw = self.flaw.iter().map(Flaw::reason);
        let missing = self.missing.iter().map(|it| it.validity.name.as_str());
        let names = [&self.names.last, &self.names.issuer].map(String::as_str);
        size_of::<Self>()
            + size_of_val(self.sent.as_slice())
            + size_of_val(self.unsent.as_slice())
            + size_of_val(self.stores.as_slice())
            + size_of_val(self.validities.as_slice())
            + weight_of(self.validities.iter().map(|it| &it.name))
            + weight_of(self.root.iter().flat_map(Name::texts))
            + weight_of(self.refusal.as_deref().into_iter().chain(flaw))
            + weight_of(missing.chain(names))
    }

    /// The root, where it ends in one.
    pub(super) fn root(&self) -> Option<Root> {
        self.root.clone().map(|name| Root {
            fingerprint: self.last,
            name,
        })
    }

    fn is_alone(&self) -> bool {
        self.validities.len() == 1
    }

    fn untrusted(&self) -> String {
        let reason = format!("it ends in `{}`, which no store holds", self.names.last);
        match self.end {
            End::UnprovenRoot => format!("{reason}; whether it signed itself can't be checked"),
            _ => reason,
        }
    }

    fn trusted(&self, holders: &str) -> String {
        let reason = if self.is_alone() {
            format!("it is itself in {holders}")
        } else {
            format!("it ends in `{}`, which is in {holders}", self.names.last)
        };
        match &self.refusal {
            Some(refusal) => format!("{reason}; a modern client refuses it: {refusal}"),
            None => reason,
        }
    }
}

impl Flaw {
    fn reason(&self) -> &str {
        match self {
            Self::Forbidden(reason) | Self::Unchecked(reason) => reason,
        }
    }
}

fn positions(trail: &Trail) -> Vec<usize> {
    let sent = trail.steps.iter().filter_map(|step| match step.source {
        Source::Sent(position) => Some(position),
        Source::Store | Source::Pool => None,
    });
    std::iter::once(0).chain(sent).collect()
}

fn unsent(trail: &Trail) -> Vec<Fingerprint> {
    let unsent = |step: &&Step| !matches!(step.source, Source::Sent(_));
    let unsent = trail.steps.iter().filter(unsent);
    unsent.map(|step| step.member.fingerprint()).collect()
}

fn unchecked(trail: &Trail) -> Option<String> {
    let by = trail.members().zip(&trail.steps);
    let mut unchecked = by.filter(|(_, step)| step.signature == Verification::NotCheckable);
    let (member, _) = unchecked.next()?;
    let algorithm = &member.facts().signature_algorithm;
    Some(format!(
        "the signature of `{}` can't be checked ({algorithm})",
        member.name()
    ))
}
