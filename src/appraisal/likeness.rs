//! Installations that nobody could tell apart → one judgement for all of them.

use std::sync::Arc;

use super::place;
use crate::domain::{Fingerprint, Remembered, Timestamp, weight_of};
use crate::judge::{Gist, Judgement, Place};
use crate::report::Source;
use crate::store::{ChainId, Dossier, Renewal};

/// Judgements that are remembered, in bytes: usual ones take 1 KB.
const MOST_OF_JUDGEMENTS: usize = 24 << 20;

/// All that a judgement depends on, within one reading of an inventory: there
/// the same is known of a chain wherever it is installed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    source: Source,
    chain: ChainId,
    /// Its gist.
    pub(super) place: Option<Place>,
    predecessor: Option<Fingerprint>,
    renewals: Vec<Renewal>,
    is_ephemeral: bool,
    successor: Option<Fingerprint>,
}

/// What was said in one reading.
pub(super) struct Said(Remembered<Likeness, Arc<Judgement>>);

impl Likeness {
    /// That of an installation in this place, which is judged at `now`.
    pub(super) fn of(dossier: &Dossier, place: Option<Place>, gist: Gist, now: Timestamp) -> Self {
        let place = place.map(|place| gist.take(place, now));
        Self {
            source: dossier.row.source,
            chain: dossier.chain,
            place,
            predecessor: dossier.predecessor,
            renewals: dossier.renewals.clone(),
            is_ephemeral: dossier.is_ephemeral,
            successor: place::successor(dossier),
        }
    }

    fn weight(&self) -> usize {
        let declined = self.place.iter().flat_map(|place| &place.declined_names);
        size_of::<Self>() + weight_of(declined)
    }
}

impl Said {
    /// What was said of installations like that.
    pub(super) fn of(&self, likeness: &Likeness) -> Option<&Arc<Judgement>> {
        self.0.get(likeness)
    }

    /// Remembers it, having forgotten all where that has become too much.
    pub(super) fn remember(&mut self, likeness: Likeness, judgement: Arc<Judgement>) {
        self.0.make_room();
        let weight = likeness.weight() + judgement.weight();
        self.0.insert(likeness, judgement, weight);
    }
}

impl Default for Said {
    fn default() -> Self {
        Self(Remembered::up_to(MOST_OF_JUDGEMENTS))
    }
}
