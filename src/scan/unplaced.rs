//! A server's default certificate, shown to a name that only the inventory has
//! there → what it says, by where the name leads.
//!
//! Pure. Those who come by the name see that certificate, which is not for it.
//! Where nobody does, it says that the server has none for the name.

use super::answers::Answers;
use super::whereabouts::Whereabouts;
use super::wording::Wording;
use crate::domain::{NoCertificate, Observation, Outcome, Presented, ServerName};
use crate::x509::{self, NameMatch};

/// It waits for where its name leads.
#[derive(Debug)]
pub(super) struct Unplaced {
    name: ServerName,
    presented: Box<Presented>,
    observation: Observation,
}

impl Unplaced {
    /// An answer that is not for its name, and that others were `seen` to get.
    pub(super) fn of(answer: &Observation, seen: &Answers) -> Option<Self> {
        let name = answer.server_name.as_ref()?;
        let Outcome::Certificate(presented) = &answer.outcome else {
            return None;
        };
        let leaf = presented.chain.leaf();
        let is_default = seen.show_elsewhere(leaf, &Wording::of(answer))
            && x509::name_match(&x509::parse(leaf), name.as_str()) == NameMatch::Mismatch;
        is_default.then(|| Self {
            name: name.clone(),
            presented: presented.clone(),
            observation: answer.clone(),
        })
    }

    pub(super) fn name(&self) -> &ServerName {
        &self.name
    }

    /// What it says; nothing where nobody knows where the name leads.
    pub(super) fn placed(self, whereabouts: Whereabouts) -> Option<Observation> {
        let outcome = match whereabouts {
            Whereabouts::Here => Outcome::Certificate(self.presented),
            Whereabouts::Elsewhere | Whereabouts::Nowhere => {
                let session = Some(Box::new(self.presented.session));
                Outcome::NoCertificate(NoCertificate::Default, session)
            }
            Whereabouts::Unknown => return None,
        };
        Some(Observation {
            outcome,
            ..self.observation
        })
    }
}
