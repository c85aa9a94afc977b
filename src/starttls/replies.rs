//! Lines → replies with a three-digit code: SMTP, LMTP, FTP and NNTP.
//!
//! A reply of several lines has a hyphen behind its code, and ends with the
//! line that has the same code and a space (RFC 959 section 4.2). SMTP wants
//! the code on the lines between as well (RFC 5321 section 4.2.1), FTP does
//! not; here nobody has to.

use super::lines::Line;
use super::script::Heard;

/// The code of a reply. A refusal, also in the place of a greeting, begins
/// with 4 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) u16);

/// What is waited for, and the reply under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Awaited<S> {
    step: S,
    within: Option<Code>,
}

impl<S: Copy> Awaited<S> {
    /// Waits for the reply to `step`.
    pub(super) const fn reply_to(step: S) -> Self {
        Self { step, within: None }
    }

    /// Judges a line: once the reply is whole, `answer` says what it comes to.
    pub(super) fn hear(self, line: &Line, answer: fn(S, Code) -> Heard<S>) -> Heard<Self> {
        let text = line.text();
        match (self.within, split(text)) {
            (None, None) => Heard::Malformed,
            (None, Some((code, Some(b'-')))) => Heard::Await(Self {
                within: Some(code),
                ..self
            }),
            (Some(code), Some((last, separator))) if last == code && separator != Some(b'-') => {
                answer(self.step, code).map(Self::reply_to)
            }
            (Some(_), _) => Heard::Await(self),
            (None, Some((code, _))) => answer(self.step, code).map(Self::reply_to),
        }
    }
}

/// The code of a line and what stands behind it: nothing, a space or a hyphen.
fn split(text: &[u8]) -> Option<(Code, Option<u8>)> {
    let (digits, rest) = text.split_first_chunk::<3>()?;
    let separator = rest.first().copied();
    let digit = |byte: u8| char::from(byte).to_digit(10);
    let value = digits
        .iter()
        .try_fold(0, |value, byte| Some(value * 10 + digit(*byte)?))?;
    let code = u16::try_from(value).ok()?;
    matches!(separator, None | Some(b' ' | b'-')).then_some((Code(code), separator))
}

/// Whether these bytes begin with a whole reply of this code in which one of
/// the words stands that name a protocol, and none that name another.
///
/// Words are what spaces and brackets part: a host's name is none of them,
/// whatever protocol it names.
pub(super) fn greeting_names(greeting: &[u8], code: Code, names: fn(&str) -> bool) -> bool {
    let Some(reply) = first_reply(greeting, code) else {
        return false;
    };
    let text = String::from_utf8_lossy(reply).to_ascii_uppercase();
    let words = || text.split(|c: char| c.is_whitespace() || "()[]<>,;-=*".contains(c));
    let foreign = |word: &str| NAMES.iter().any(|other| other(word)) && !names(word);
    words().any(names) && !words().any(foreign)
}

/// The words by which one protocol is told from the others, in capitals.
const NAMES: [fn(&str) -> bool; 4] = [names_smtp, names_lmtp, names_ftp, names_nntp];

pub(super) fn names_smtp(word: &str) -> bool {
    matches!(word, "SMTP" | "ESMTP")
}

pub(super) fn names_lmtp(word: &str) -> bool {
    word == "LMTP"
}

/// Most programs have the protocol in their name: vsFTPd, ProFTPD, bftpd.
pub(super) fn names_ftp(word: &str) -> bool {
    word == "FTP" || word == "FILEZILLA" || word.ends_with("FTPD")
}

pub(super) fn names_nntp(word: &str) -> bool {
    matches!(word, "NNTP" | "NNRP" | "INTERNETNEWS")
}

/// The reply that these bytes begin with, if it is whole and of this code.
fn first_reply(bytes: &[u8], code: Code) -> Option<&[u8]> {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n")?;
        let parts = split(text.strip_suffix(b"\r").unwrap_or(text));
        if end == 0 && parts.is_none_or(|(first, _)| first != code) {
            return None;
        }
        end += line.len();
        if parts.is_some_and(|(last, separator)| last == code && separator != Some(b'-')) {
            return bytes.get(..end);
        }
    }
    None
}
