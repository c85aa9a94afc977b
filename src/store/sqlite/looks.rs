//! A batch → its looks in order, and what they show.

use std::collections::BTreeMap;

use super::super::{Batch, StoreError};
use super::endpoints::KnownEndpoint;
use super::interned::Interned;
use super::interval::Answer;
use super::moment::is_evidence;
use super::questions::{self, Wordings};
use super::surveys::Surveyed;
use crate::domain::{Chain, Der, Fingerprint, KeyType, Observation, Outcome};

/// The chains that looks presented.
pub(super) struct Chains {
    /// The chain of each look, in their order.
    pub(super) of_looks: Vec<Option<Fingerprint>>,
    /// Each chain's certificates, leaf first.
    pub(super) members: BTreeMap<Fingerprint, Vec<Fingerprint>>,
}

/// The observations that are looks, by endpoint, then by time. Of what was
/// seen at the same moment, any order will do as long as it is one: that of
/// the batch must not matter.
pub(super) fn sorted_looks(batch: &Batch) -> Vec<&Observation> {
    let mut looks: Vec<_> = batch
        .observations
        .iter()
        .filter(|observation| is_evidence(observation.outcome.kind()))
        .collect();
    looks.sort_by(|one, other| {
        let place = (&one.endpoint, one.at, &one.server_name, one.asked_for);
        let other_place = (
            &other.endpoint,
            other.at,
            &other.server_name,
            other.asked_for,
        );
        let by_place = place.cmp(&other_place);
        by_place.then_with(|| format!("{one:?}").cmp(&format!("{other:?}")))
    });
    looks
}

pub(super) fn chains_of(looks: &[&Observation]) -> Chains {
    let mut members = BTreeMap::new();
    let of_looks = looks
        .iter()
        .map(|look| {
            let chain = presented_chain(look)?;
            let fingerprint = chain.fingerprint();
            members
                .entry(fingerprint)
                .or_insert_with(|| chain.iter().map(Der::fingerprint).collect());
            Some(fingerprint)
        })
        .collect();
    Chains { of_looks, members }
}

fn presented_chain(look: &Observation) -> Option<&Chain> {
    match &look.outcome {
        Outcome::Certificate(presented) => Some(&presented.chain),
        _ => None,
    }
}

/// The answer that a look is, if it is one, and its key type.
pub(super) fn answer<'a>(
    look: &'a Observation,
    chain: Option<&Fingerprint>,
    chains: &Chains,
    interned: &Interned,
    wordings: &mut Wordings<'a>,
) -> Result<Option<(KeyType, Answer)>, StoreError> {
    let leaf = chain.and_then(|chain| chains.members.get(chain)?.first());
    match (&look.outcome, chain, leaf) {
        (Outcome::Certificate(presented), Some(chain), Some(leaf)) => {
            let leaf = interned.certificate(*leaf)?;
            let chain = interned.chain(*chain)?;
            let answer = questions::answer(look, presented, leaf.id, chain, wordings);
            Ok(Some((leaf.key_type, answer)))
        }
        _ => Ok(None),
    }
}

/// The surveys among the looks, in their order.
pub(super) fn surveyed<'a>(
    looks: &[&'a Observation],
    known: &[Option<KnownEndpoint>],
) -> Vec<Surveyed<'a>> {
    let surveyed = looks.iter().zip(known).filter_map(|(look, known)| {
        Some(Surveyed {
            endpoint: known.as_ref()?.id,
            survey: look.survey.as_ref()?,
            at: look.at,
        })
    });
    surveyed.collect()
}
