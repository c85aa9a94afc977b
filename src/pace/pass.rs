use crate::domain::Endpoint;

/// The right to dial one endpoint once, at once: exclusions checked, rates
/// paid, within hours.
/// Only the pacer makes one, and nothing sends a first packet without one.
#[derive(Debug)]
pub struct Pass {
    endpoint: Endpoint,
}

impl Pass {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }

    /// Where it leads.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}
