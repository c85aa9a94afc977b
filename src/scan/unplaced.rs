//! A server's default certificate, shown to a name that only the inventory has
//! there → what it says, by where the name leads.
//!
//! Pure. Those who come by the name see that certificate, which is not for it.
//! Where nobody does, the server has none for the name, by what is known: a name
//! may have addresses in turn. Where nobody can tell, it says nothing.

use super::answers::Answers;
use super::whereabouts::Whereabouts;
use crate::domain::{NoCertificate, Observation, Outcome, ServerName, Session};
use crate::x509::{self, NameMatch};

/// It waits for where its name leads.
#[derive(Debug)]
pub(super) struct Unplaced {
    name: ServerName,
    session: Session,
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
        let is_default = seen.show_to_others(leaf, answer.endpoint.dialect, name)
            && x509::name_match(&x509::parse(leaf), name.as_str()) == NameMatch::Mismatch;
        is_default.then(|| Self {
            name: name.clone(),
            session: presented.session.clone(),
            observation: answer.clone(),
        })
    }

    pub(super) fn name(&self) -> &ServerName {
        &self.name
    }

    /// What it says.
    pub(super) fn placed(self, whereabouts: Whereabouts) -> Observation {
        let without = match whereabouts {
            Whereabouts::Here => return self.observation,
            Whereabouts::Elsewhere | Whereabouts::Nowhere => NoCertificate::Default,
            Whereabouts::Unknown => NoCertificate::Unplaced,
        };
        Observation {
            outcome: Outcome::NoCertificate(without, Some(Box::new(self.session))),
            ..self.observation
        }
    }
}
