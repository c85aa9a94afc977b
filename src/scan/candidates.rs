use std::collections::{HashSet, VecDeque};

use crate::domain::ServerName;

/// Names beyond the operator's that one address is asked for: servers with
/// more are those of content networks, which show a certificate to any name.
pub(super) const MOST_DISCOVERED: usize = 8;

/// Names that are looked up to find those: a certificate may list thousands,
/// and somebody else's DNS answers for each.
const MOST_LOOKED_UP: usize = 32;

/// Names that one address may be asked for, each handed out once.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    waiting: VecDeque<Candidate>,
    /// Every name that came up.
    met: HashSet<ServerName>,
    looked_up: usize,
    discovered: usize,
}

/// A name that may be worth asking for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: ServerName,
    pub(super) source: NameSource,
}

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameSource {
    /// The operator.
    Listed,
    /// The network: it counts only if it resolves to the address.
    Discovered,
    /// The inventory, which has a certificate for it there.
    Known,
    /// The same, where the name has been a target and was none any more.
    Homeless,
}

impl NameSource {
    pub(super) fn is_inventory(self) -> bool {
        matches!(self, Self::Known | Self::Homeless)
    }
}

impl Candidates {
    /// The operator's names, without the one that is asked for anyway.
    pub(super) fn new(own_name: Option<&ServerName>, listed: Vec<ServerName>) -> Self {
        let mut candidates = Self {
            met: own_name.into_iter().cloned().collect(),
            ..Self::default()
        };
        for name in listed {
            candidates.consider(name, NameSource::Listed);
        }
        candidates
    }

    /// Takes a name from the network, which is any text. Wildcards and
    /// addresses are no server names.
    pub(super) fn discover(&mut self, text: &str) {
        if self.looked_up < MOST_LOOKED_UP
            && let Ok(name) = text.parse()
            && self.consider(name, NameSource::Discovered)
        {
            self.looked_up += 1;
        }
    }

    /// Whether the name came up, or is asked for anyway.
    pub(super) fn has_met(&self, name: &ServerName) -> bool {
        self.met.contains(name)
    }

    /// The next one to be vetted.
    pub(super) fn next(&mut self) -> Option<Candidate> {
        if self.discovered >= MOST_DISCOVERED {
            let is_listed = |candidate: &Candidate| candidate.source == NameSource::Listed;
            self.waiting.retain(is_listed);
        }
        self.waiting.pop_front()
    }

    /// Counts one that was found worth asking for.
    pub(super) fn admit(&mut self, candidate: &Candidate) {
        if candidate.source == NameSource::Discovered {
            self.discovered += 1;
        }
    }

    fn consider(&mut self, name: ServerName, source: NameSource) -> bool {
        let is_new = self.met.insert(name.clone());
        if is_new {
            self.waiting.push_back(Candidate { name, source });
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_names_no_more_than_so_many() {
        let mut candidates = Candidates::default();
        for number in 0..10_000 {
            candidates.discover(&format!("n{number}.corp"));
        }
        let mut vetted = 0;
        while candidates.next().is_some() {
            vetted += 1;
        }
        assert_eq!(vetted, MOST_LOOKED_UP);

        let mut candidates = Candidates::default();
        for number in 0..20 {
            candidates.discover(&format!("n{number}.corp"));
        }
        let mut admitted = 0;
        while let Some(candidate) = candidates.next() {
            candidates.admit(&candidate);
            admitted += 1;
        }
        assert_eq!(admitted, MOST_DISCOVERED);
    }

    #[test]
    fn each_name_comes_up_once_and_what_is_none_never() {
        let own: ServerName = "own.corp".parse().unwrap();
        let listed = vec![own.clone(), "a.corp".parse().unwrap()];
        let mut candidates = Candidates::new(Some(&own), listed);
        for text in [
            "A.corp.", "*.corp", "10.0.0.1", "uri:x", "", "b.corp", "own.corp",
        ] {
            candidates.discover(text);
        }
        let names = std::iter::from_fn(|| candidates.next());
        let names: Vec<_> = names.map(|candidate| candidate.name.to_string()).collect();
        assert_eq!(names, ["a.corp", "b.corp"]);
    }
}
