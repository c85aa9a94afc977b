use crate::domain::{Alert, Der, NamedGroup, Phase, Session};

use super::codec::Malformed;

/// What a conversation came to: why it ended, and all it told until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why it ended.
    pub cause: Cause,
    /// How far it had come.
    pub phase: Phase,
    /// What was negotiated, once a ServerHello was read.
    pub session: Option<Session>,
    /// The certificates that arrived whole, leaf first. `None` without a
    /// Certificate message; empty when one came and listed nothing.
    pub certificates: Option<Vec<Der>>,
}

/// Why a conversation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// All that can be learnt was learnt.
    Complete,
    /// A fatal alert, or close_notify.
    Alert(Alert),
    /// FIN.
    Closed,
    /// RST.
    Reset,
    /// The deadline, and not one byte before it.
    Silence,
    /// The deadline, after some bytes.
    Stalled,
    /// Bytes that no version of TLS allows here.
    Malformed,
    /// More than a limit of the reader allows.
    TooLarge,
    /// It asks for a share of this group, which it was not offered and nothing
    /// here computes.
    UnsupportedGroup(NamedGroup),
    /// It speaks something else: its first bytes, at most
    /// [`Cause::MAX_NOT_TLS`].
    NotTls(Vec<u8>),
}

/// How the transport ended a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// FIN.
    Closed,
    /// RST.
    Reset,
    /// Our time ran out.
    Deadline,
}

impl Cause {
    /// Most bytes kept of an answer that is not TLS: a banner, or the head of
    /// an HTTP response with its Server line.
    pub const MAX_NOT_TLS: usize = 512;
}

impl From<Malformed> for Cause {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Short | Malformed::Trailing => Self::Malformed,
            Malformed::TooLong => Self::TooLarge,
        }
    }
}
