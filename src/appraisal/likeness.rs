//! Installations that nobody could tell apart → one judgement for all of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::place;
use crate::domain::{Fingerprint, Timestamp};
use crate::judge::{Gist, Judgement, Place};
use crate::report::Source;
use crate::store::{ChainId, Dossier, Renewal};

/// Judgements that are remembered: some 1 KB each.
const MAX_REMEMBERED: usize = 20_000;

/// All that a judgement depends on, within one reading of an inventory: there
/// the same is known of a chain wherever it is installed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    source: Source,
    chain: ChainId,
    /// Its gist.
    pub(super) place: Option<Place>,
    previous: Option<Fingerprint>,
    renewals: Vec<Renewal>,
    is_ephemeral: bool,
    successor: Option<Fingerprint>,
}

/// What was said in one reading.
#[derive(Default)]
pub(super) struct Said(HashMap<Likeness, Arc<Judgement>>);

impl Likeness {
    /// That of an installation that is judged at `now`.
    pub(super) fn of(dossier: &Dossier, gist: Gist, now: Timestamp) -> Self {
        let place = place::of(dossier).map(|place| gist.take(place, now));
        Self {
            source: dossier.row.source,
            chain: dossier.chain,
            place,
            previous: dossier.row.previous,
            renewals: dossier.renewals.clone(),
            is_ephemeral: dossier.is_ephemeral,
            successor: place::successor(dossier),
        }
    }
}

impl Said {
    /// What was said of installations like that.
    pub(super) fn of(&self, likeness: &Likeness) -> Option<&Arc<Judgement>> {
        self.0.get(likeness)
    }

    /// Remembers it, having forgotten all where that has become too much.
    pub(super) fn remember(&mut self, likeness: Likeness, judgement: Arc<Judgement>) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(likeness, judgement);
    }
}
