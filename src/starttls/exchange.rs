use crate::tls::codec::Malformed;

use super::{Carriage, Dialogue, Turn, Verdict};

/// A dialogue of at most one question and one answer.
///
/// Invariant: `heard` is all that the server said, and never much longer than
/// [`MAX_ANSWER`]: by the portion that went over it.
#[derive(Debug)]
pub(super) struct Exchange {
    question: Vec<u8>,
    answer: Answer,
    heard: Vec<u8>,
}

/// Judges all that the server has said so far. What it has not said yet is no
/// fault: [`Turn::NeedMore`].
pub(super) type Answer = fn(&[u8]) -> Result<Turn, Verdict>;

/// Bytes of an answer: the longest that any protocol here has a use for is an
/// error message, and OpenLDAP's and PostgreSQL's stay under 4 kB.
pub(super) const MAX_ANSWER: usize = 16 << 10;

impl Exchange {
    /// The dialogue that says `question`, or nothing, and judges what comes
    /// by `answer`.
    pub(super) fn begin(question: Vec<u8>, answer: Answer) -> Box<dyn Dialogue> {
        Box::new(Self {
            question,
            answer,
            heard: Vec::new(),
        })
    }
}

impl Dialogue for Exchange {
    fn open(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.question)
    }

    fn feed(&mut self, bytes: &[u8]) -> Turn {
        self.heard.extend(bytes);
        match (self.answer)(&self.heard) {
            Ok(Turn::NeedMore) if self.heard.len() > MAX_ANSWER => Turn::Over(Verdict::TooLarge),
            Ok(turn) => turn,
            Err(verdict) => Turn::Over(verdict),
        }
    }

    fn said(&self) -> &[u8] {
        kept(&self.heard)
    }
}

impl From<Malformed> for Verdict {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Short | Malformed::Trailing => Self::Malformed,
            Malformed::TooLong => Self::TooLarge,
        }
    }
}

/// A field read straight off what was heard: `None` while it has not all come.
pub(super) fn arrived<T>(field: Result<T, Malformed>) -> Result<Option<T>, Verdict> {
    match field {
        Ok(field) => Ok(Some(field)),
        Err(Malformed::Short) => Ok(None),
        Err(malformed) => Err(malformed.into()),
    }
}

/// The server agreed, and TLS begins with `early`.
pub(super) fn ready(carriage: Carriage, early: &[u8]) -> Turn {
    Turn::Ready {
        words: Vec::new(),
        carriage,
        early: early.to_vec(),
    }
}

/// The server won't: its reasons, as a person would write them down. An answer
/// in binary says little to whoever reads it in a report.
pub(super) fn declined(reasons: &[&[u8]]) -> Verdict {
    let reasons: Vec<_> = reasons
        .iter()
        .copied()
        .filter(|reason| !reason.is_empty())
        .collect();
    Verdict::Declined(kept(&reasons.join(&b": "[..])).to_vec())
}

/// These bytes are another protocol's.
pub(super) fn foreign(heard: &[u8]) -> Verdict {
    Verdict::Foreign(kept(heard).to_vec())
}

/// The part of the server's words that is kept.
fn kept(said: &[u8]) -> &[u8] {
    said.get(..Verdict::MAX_SAID).unwrap_or(said)
}
