use super::{
    Attempt, Endpoint, KeyType, LeftOut, Outcome, OutcomeKind, Pointer, ProtocolSet, ServerName,
    Survey, Timestamp,
};

/// What one probe saw: the unit that is batched and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Where it looked.
    pub endpoint: Endpoint,
    /// The server name it sent, if any.
    pub server_name: Option<ServerName>,
    /// The target's own name, where it was asked without one for its sake.
    pub left_out: Option<LeftOut>,
    /// The key type it restricted the server to: its outcome says nothing
    /// about certificates of another. `None`: the server chose.
    pub asked_for: Option<KeyType>,
    /// When it was over.
    pub at: Timestamp,
    /// What it saw: the best of its attempts.
    pub outcome: Outcome,
    /// Every connection it made, in order.
    pub attempts: Vec<Attempt>,
    /// The PTR name of the address, asked for where a TCP connection succeeded.
    pub pointer: Pointer,
    /// What else the endpoint accepts, where that was asked.
    pub survey: Option<Survey>,
}

impl Observation {
    /// What the hello offered that a certificate answered. `None` where it was
    /// restricted to a type of key as well: for want of such a key a server may
    /// choose another version than it would.
    #[must_use]
    pub fn offered(&self) -> Option<ProtocolSet> {
        let mut attempts = self.attempts.iter().rev();
        let answered = attempts.find(|it| it.outcome == OutcomeKind::Certificate)?;
        self.asked_for.is_none().then_some(answered.offered)
    }

    /// The target's own name, where its server declined it.
    pub fn declined_name(&self) -> Option<&ServerName> {
        self.left_out.as_ref().and_then(LeftOut::declined)
    }
}
