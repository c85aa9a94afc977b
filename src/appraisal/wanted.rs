use crate::domain::{Der, Fingerprint, Severity, Timestamp};
use crate::report::Installation;
use crate::store::{Expiry, Filter};

/// Which installations are wanted: what the inventory tells, and then what
/// their judgement tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Read by these.
    pub inventory: Filter,
    /// Conditions, of which any holds of the end of a certificate of the chain,
    /// the leaf's included: one that was sent, or one unsent that its trust
    /// rests on.
    pub chain_expiry: Vec<Expiry>,
    /// Ids of rules, of which any has a finding that nobody accepted.
    pub findings: Vec<&'static str>,
    /// Of which any has a finding that somebody accepted.
    pub accepted: Vec<Accepted>,
    /// Severities of the worst finding that nobody accepted; `None` is that
    /// there is none.
    pub severities: Vec<Option<Severity>>,
    /// Owners.
    pub owners: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Certificates at any depth of the chain, sent or built.
    pub authorities: Vec<Fingerprint>,
    /// Those of them that were given whole: chains are built with them too,
    /// since nobody may have sent them, and no store may hold them.
    pub authorities_at_hand: Vec<Der>,
}

/// Accepted findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Whatever they are.
    Any,
    /// Those of a rule, by its id.
    Of(&'static str),
}

impl Wanted {
    /// Everything that a filter of the inventory lets through.
    #[must_use]
    pub fn by(inventory: Filter) -> Self {
        Self {
            inventory,
            ..Self::default()
        }
    }

    /// The same, but what asks for the end of the certificate asks for that of
    /// any certificate of its chain.
    #[must_use]
    pub fn by_whole_chains(mut self) -> Self {
        self.chain_expiry.append(&mut self.inventory.expiry);
        self
    }

    /// Whether what is asked for takes a judgement.
    #[must_use]
    pub fn asks_for_judgement(&self) -> bool {
        *self != Self::by(self.inventory.clone())
    }

    /// All that there is at the places that are asked for; `None` where that is
    /// what is wanted.
    pub(super) fn places(&self) -> Option<Self> {
        let wanted = self.inventory.clone();
        let places = Self {
            authorities_at_hand: self.authorities_at_hand.clone(),
            ..Self::by(Filter {
                networks: wanted.networks,
                ports: wanted.ports,
                zones: wanted.zones,
                known_at: wanted.known_at,
                ..Filter::default()
            })
        };
        (places != *self).then_some(places)
    }

    /// Whether a judged installation is wanted; `unsent` tells what of its
    /// built chain was not sent, `ends` when what it rests on ends.
    pub(super) fn lets_through(
        &self,
        row: &Installation,
        unsent: impl FnOnce() -> Vec<Fingerprint>,
        ends: impl FnOnce() -> Vec<Timestamp>,
    ) -> bool {
        let judgement = row.judgement.as_ref();
        let has = |rule: &&str| {
            let mut findings = judgement.into_iter().flat_map(|it| &it.findings);
            findings.any(|finding| finding.rule == *rule)
        };
        let is_accepted = |wanted: &Accepted| {
            let mut accepted = judgement.into_iter().flat_map(|it| &it.accepted);
            accepted.any(|it| match wanted {
                Accepted::Any => true,
                Accepted::Of(rule) => it.finding.rule == *rule,
            })
        };
        let worst = judgement.and_then(|it| it.severity());
        let owns = |owner: &String| judgement.is_some_and(|it| it.owner.as_ref() == Some(owner));
        let bears = |tag: &String| judgement.is_some_and(|it| it.tags.contains(tag));
        (self.findings.is_empty() || self.findings.iter().any(has))
            && (self.accepted.is_empty() || self.accepted.iter().any(is_accepted))
            && (self.severities.is_empty() || self.severities.contains(&worst))
            && (self.owners.is_empty() || self.owners.iter().any(owns))
            && (self.tags.is_empty() || self.tags.iter().any(bears))
            && (self.chain_expiry.is_empty() || self.is_at_an_end(row, ends))
            && (self.authorities.is_empty() || self.is_below(row, unsent))
    }

    fn is_at_an_end(&self, row: &Installation, ends: impl FnOnce() -> Vec<Timestamp>) -> bool {
        let ends = row.certificate.not_after.into_iter().chain(ends());
        let holds = |end| self.chain_expiry.iter().any(|expiry| expiry.holds(end));
        ends.into_iter().any(holds)
    }

    fn is_below(&self, row: &Installation, unsent: impl FnOnce() -> Vec<Fingerprint>) -> bool {
        let sent = std::iter::once(&row.certificate.sha256).chain(&*row.chain);
        let mut sent = sent.filter(|member| self.authorities.contains(member));
        sent.next().is_some()
            || unsent()
                .iter()
                .any(|member| self.authorities.contains(member))
    }
}
