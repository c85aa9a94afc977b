use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::{Evidence, Pattern};

/// Which installations something is meant for. An empty list lets everything
/// through; of a list, any must match, and all lists must.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Patterns for the name asked for, one that the server declined, the
    /// address, its PTR name, or a name of the certificate.
    pub names: Vec<Pattern>,
    /// Networks of the address; an import is in none.
    pub networks: Vec<IpNetwork>,
    /// Patterns for the common name or the whole name of the issuer, or of the
    /// root that the chain ends in.
    pub issuers: Vec<Pattern>,
}

/// What a selector looks at, gathered once for all of them.
#[derive(Debug)]
pub(super) struct Traits<'a> {
    names: Vec<&'a str>,
    /// Its address, as text too.
    address: Option<(IpAddr, String)>,
    issuers: Vec<&'a str>,
}

impl Selector {
    pub(super) fn matches(&self, traits: &Traits<'_>) -> bool {
        let address = traits.address.as_ref();
        let text = address.map(|(_, text)| text.as_str());
        any(&self.names, traits.names.iter().copied().chain(text))
            && (self.networks.is_empty()
                || address.is_some_and(|(address, _)| self.holds(*address)))
            && any(&self.issuers, traits.issuers.iter().copied())
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

fn any<'a>(patterns: &[Pattern], mut texts: impl Iterator<Item = &'a str>) -> bool {
    patterns.is_empty() || texts.any(|text| patterns.iter().any(|pattern| pattern.matches(text)))
}

impl<'a> Traits<'a> {
    /// Of an endpoint, whatever it shows: nothing of a certificate.
    pub(super) fn of_endpoint(address: IpAddr, pointer: Option<&'a str>) -> Self {
        Self {
            names: pointer.into_iter().collect(),
            address: Some((address, address.to_string())),
            issuers: Vec::new(),
        }
    }

    pub(super) fn of(evidence: &Evidence<'a>) -> Self {
        let mut names = Vec::new();
        let mut issuers: Vec<&str> = Vec::new();
        if let Some(place) = evidence.place {
            names.extend(place.server_name.as_deref());
            names.extend(place.declined_names.iter().map(String::as_str));
            names.extend(place.pointer.as_deref());
        }
        let leaf = evidence.chain.first();
        if let Some(facts) = leaf.and_then(|leaf| leaf.facts.as_ref().ok()) {
            names.extend(facts.subject.common_name.as_deref());
            names.extend(facts.alternative_names.iter().map(String::as_str));
            issuers.extend(facts.issuer.texts());
        }
        if let Some(root) = &evidence.assessment.root {
            issuers.extend(root.name.texts());
        }
        let address = evidence.place.map(|place| place.address);
        Self {
            names,
            address: address.map(|address| (address, address.to_string())),
            issuers,
        }
    }
}
