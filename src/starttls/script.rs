use std::fmt;

use crate::domain::Dialect;

use super::lines::{Flood, Line, Lines};
use super::said::Said;
use super::{Carriage, Dialogue, Turn, Verdict, recognised};

/// What a client says and expects in a protocol of lines; `S` is what it waits
/// for.
pub(super) struct Script<S: 'static> {
    pub(super) dialect: Dialect,
    /// What the client says unasked.
    pub(super) opening: &'static str,
    /// How the server's first line may begin, in any case of letters. What
    /// begins otherwise is known to be foreign without waiting for its end.
    pub(super) first_words: &'static [&'static str],
    /// What is waited for first.
    pub(super) first: S,
    /// Judges one line by what is waited for.
    pub(super) hear: fn(S, &Line) -> Heard<S>,
}

/// What a line comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard<S> {
    /// Nothing to say to it.
    Await(S),
    /// Say these, and wait for the answer.
    Say(Vec<u8>, S),
    /// TLS begins behind this line.
    Ready,
    /// A refusal in the protocol's own words.
    Declined,
    /// No line of the protocol.
    Malformed,
}

/// A connection's dialogue by a [`Script`].
struct LineDialogue<S: 'static> {
    script: &'static Script<S>,
    waiting_for: S,
    lines: Lines,
    said: Said,
    progress: Progress,
}

/// How far the server is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// No line of the protocol has come.
    Unknown,
    /// It began as the protocol does.
    Begun,
    /// It was answered.
    Answered,
}

impl<S: Copy + fmt::Debug + Send + Sync> Script<S> {
    pub(super) fn begin(&'static self) -> Box<dyn Dialogue> {
        Box::new(LineDialogue {
            script: self,
            waiting_for: self.first,
            lines: Lines::default(),
            said: Said::default(),
            progress: Progress::Unknown,
        })
    }
}

impl<S> Heard<S> {
    /// Says `words`, then waits for `next`.
    pub(super) fn say(words: &str, next: S) -> Self {
        Self::Say(words.as_bytes().to_vec(), next)
    }

    /// The same, where what is waited for is part of a `T`.
    pub(super) fn map<T>(self, whole: impl FnOnce(S) -> T) -> Heard<T> {
        match self {
            Self::Await(next) => Heard::Await(whole(next)),
            Self::Say(words, next) => Heard::Say(words, whole(next)),
            Self::Ready => Heard::Ready,
            Self::Declined => Heard::Declined,
            Self::Malformed => Heard::Malformed,
        }
    }
}

impl<S: Copy + fmt::Debug + Send + Sync> Dialogue for LineDialogue<S> {
    fn open(&mut self) -> Vec<u8> {
        self.script.opening.as_bytes().to_vec()
    }

    fn feed(&mut self, bytes: &[u8]) -> Turn {
        self.said.hear(bytes);
        self.lines.push(bytes);
        let first_words = self.script.first_words;
        if self.progress == Progress::Unknown && !may_begin(self.lines.rest(), first_words) {
            return self.foreign();
        }
        let mut words = Vec::new();
        loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) if words.is_empty() => return Turn::NeedMore,
                Ok(None) => return Turn::Send(words),
                Err(Flood) => return Turn::Over(Verdict::TooLarge),
            };
            match (self.script.hear)(self.waiting_for, &line) {
                Heard::Await(next) => {
                    self.waiting_for = next;
                    self.progress = self.progress.max(Progress::Begun);
                }
                Heard::Say(..) if self.greets_as_another() => return self.foreign(),
                Heard::Say(answer, next) => {
                    self.waiting_for = next;
                    self.progress = Progress::Answered;
                    words.extend(answer);
                }
                Heard::Ready => {
                    return Turn::Ready {
                        words,
                        carriage: Carriage::Bare,
                        early: self.lines.rest().to_vec(),
                    };
                }
                Heard::Declined => return Turn::Over(Verdict::Declined(self.said.to_vec())),
                Heard::Malformed if self.progress == Progress::Unknown => return self.foreign(),
                Heard::Malformed => return Turn::Over(Verdict::Malformed),
            }
        }
    }

    fn said(&self) -> &[u8] {
        self.said.as_bytes()
    }
}

impl<S> LineDialogue<S> {
    /// FTP, SMTP and LMTP greet alike: a greeting that names another protocol
    /// is not this one's.
    fn greets_as_another(&self) -> bool {
        self.progress != Progress::Answered
            && recognised(self.said.as_bytes())
                .is_some_and(|protocol| protocol.dialect != self.script.dialect)
    }

    fn foreign(&self) -> Turn {
        Turn::Over(Verdict::Foreign(self.said.to_vec()))
    }
}

impl<S: fmt::Debug> fmt::Debug for LineDialogue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineDialogue")
            .field("dialect", &self.script.dialect)
            .field("waiting_for", &self.waiting_for)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// Whether what begins with `bytes` may turn out to begin with one of `words`.
pub(super) fn may_begin(bytes: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| {
        let mut pairs = word.bytes().zip(bytes);
        pairs.all(|(expected, came)| expected.eq_ignore_ascii_case(came))
    })
}
