use super::wording::Wording;
use crate::domain::{Der, Dialect, KeyType, Observation, Outcome, OutcomeKind, ServerName};

/// What was seen in one look at an address and port, earlier looks at it
/// included: to each question the best answer, and certificates that stand
/// beside it.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<Seen>);

#[derive(Debug)]
pub(super) struct Seen {
    pub(super) observation: Observation,
    /// The leaf's, where that is of interest.
    pub(super) key_type: Option<KeyType>,
}

impl Answers {
    /// Takes an answer. Of two to one question the better stands, of equal
    /// ones the later.
    pub(super) fn take(&mut self, new: Seen) {
        let wording = Wording::of(&new.observation);
        let is_same = |seen: &&mut Seen| Wording::of(&seen.observation) == wording;
        match self.0.iter_mut().find(is_same) {
            Some(seen) if new.observation.outcome.kind() > seen.observation.outcome.kind() => {}
            Some(seen) => *seen = new,
            None => self.0.push(new),
        }
    }

    /// Takes one that stands beside others to the same question.
    pub(super) fn take_beside(&mut self, new: Seen) {
        self.0.push(new);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn observations(&self) -> impl Iterator<Item = &Observation> + Clone {
        self.0.iter().map(|seen| &seen.observation)
    }

    pub(super) fn into_observations(self) -> impl Iterator<Item = Observation> {
        self.0.into_iter().map(|seen| seen.observation)
    }

    /// The answer to an open question for a name, or for none, in a dialect.
    pub(super) fn open(&self, name: Option<&ServerName>, dialect: Dialect) -> Option<&Observation> {
        let mut named = self
            .observations()
            .filter(|seen| seen.server_name.as_ref() == name);
        named.find(|seen| seen.endpoint.dialect == dialect && seen.asked_for.is_none())
    }

    /// The certificates of the server's own choice.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Seen> {
        self.0.iter().filter(|seen| seen.is_shown())
    }

    /// The same in a dialect.
    pub(super) fn shown_in(&self, dialect: Dialect) -> impl Iterator<Item = &Seen> {
        self.0.iter().filter(move |seen| seen.is_shown_in(dialect))
    }

    /// The first of these.
    pub(super) fn first_shown_in(&mut self, dialect: Dialect) -> Option<&mut Observation> {
        let mut seen = self.0.iter_mut();
        let shown = seen.find(|seen| seen.is_shown_in(dialect))?;
        Some(&mut shown.observation)
    }

    /// Whether a leaf was shown in a dialect to others than this name.
    pub(super) fn show_to_others(&self, leaf: &Der, dialect: Dialect, name: &ServerName) -> bool {
        let mut others = self.observations().filter(|seen| {
            seen.endpoint.dialect == dialect && seen.server_name.as_ref() != Some(name)
        });
        others.any(|seen| match &seen.outcome {
            Outcome::Certificate(presented) => presented.chain.leaf() == leaf,
            _ => false,
        })
    }

    /// Holds the chain that a server shows to many names once.
    pub(super) fn share_chain(&self, outcome: &mut Outcome) {
        let Outcome::Certificate(new) = outcome else {
            return;
        };
        let chains = self.observations().filter_map(|seen| match &seen.outcome {
            Outcome::Certificate(known) => Some(&known.chain),
            _ => None,
        });
        if let Some(same) = chains.into_iter().find(|chain| **chain == new.chain) {
            new.chain = same.clone();
        }
    }
}

impl Seen {
    fn is_shown_in(&self, dialect: Dialect) -> bool {
        self.observation.endpoint.dialect == dialect && self.is_shown()
    }

    fn is_shown(&self) -> bool {
        let seen = &self.observation;
        seen.asked_for.is_none() && seen.outcome.kind() == OutcomeKind::Certificate
    }
}
