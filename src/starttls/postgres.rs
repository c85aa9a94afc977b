use crate::domain::Dialect;
use crate::tls::codec::Reader;

use super::exchange::{Exchange, MAX_ANSWER, arrived, declined, foreign, ready};
use super::{Carriage, Protocol, Turn, Verdict};

/// PostgreSQL's SSLRequest, answered by one byte.
///
/// A server of release 17 also takes TLS at once, and insists on ALPN then.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Postgres,
    title: "PostgreSQL with SSLRequest (PostgreSQL 17 documentation, section 53.2.10)",
    ports: &[5432],
    application_protocols: &[b"postgresql"],
    greets_with: |_| false,
    begin: |_| Exchange::new(SSL_REQUEST.to_vec(), answer),
};

/// Length, and a protocol version that is none: 1234.5679.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The fields of an ErrorResponse that a person reads: severity, code, message.
const READABLE: [u8; 3] = [b'S', b'C', b'M'];

/// One byte, and nothing may follow it: what begins with the same letter and
/// goes on is a greeting of SSH, of NNTP or of another.
fn answer(heard: &[u8]) -> Result<Turn, Verdict> {
    match heard {
        [] | [b'E'] => Ok(Turn::NeedMore),
        [b'S'] => Ok(ready(Carriage::Bare, &[])),
        [b'N'] => Err(declined(&[b"N"])),
        [b'E', error @ ..] if error.starts_with(&[0]) => error_response(error),
        [b'E', text @ ..] => bare_error(text).unwrap_or_else(|| Err(foreign(heard))),
        _ => Err(foreign(heard)),
    }
}

/// ErrorResponse behind its letter: a length with its own four bytes, then
/// fields of a letter and a text each (section 53.7).
fn error_response(error: &[u8]) -> Result<Turn, Verdict> {
    let mut reader = Reader::new(error);
    let Some(length) = arrived(reader.array())? else {
        return Ok(Turn::NeedMore);
    };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let length = length.checked_sub(4).ok_or(Verdict::Malformed)?;
    if length > MAX_ANSWER {
        return Err(Verdict::TooLarge);
    }
    let Some(fields) = arrived(reader.take(length))? else {
        return Ok(Turn::NeedMore);
    };
    let fields = fields.split(|byte| *byte == 0);
    let reasons: Vec<_> = fields.filter_map(readable).collect();
    Err(declined(&reasons))
}

/// The text of a field that is for people.
fn readable(field: &[u8]) -> Option<&[u8]> {
    let (kind, text) = field.split_first()?;
    READABLE.contains(kind).then_some(text)
}

/// The error of the protocol before 7.4, which a server still writes when it
/// can't even make a process for the connection: a line and a zero.
fn bare_error(text: &[u8]) -> Option<Result<Turn, Verdict>> {
    let (text, ends) = match text.split_last()? {
        (0, text) => (text, true),
        _ => (text, false),
    };
    let of_a_line = |byte: &u8| *byte == b'\n' || !byte.is_ascii_control();
    match (text.iter().all(of_a_line), ends) {
        (false, _) => None,
        (true, false) => Some(Ok(Turn::NeedMore)),
        (true, true) => Some(Err(declined(&[text.trim_ascii_end()]))),
    }
}
