use crate::domain::Dialect;
use crate::tls::codec::Reader;

use super::exchange::{Exchange, MAX_ANSWER, arrived, declined, foreign, ready};
use super::{Carriage, Protocol, Turn, Verdict};

/// PostgreSQL's SSLRequest, answered by one byte.
///
/// A server of release 17 also takes TLS at once, and insists on ALPN then.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Postgres,
    title: "SSLRequest for PostgreSQL",
    ports: &[5432],
    application_protocols: &[b"postgresql"],
    greets_with: |_| false,
    begin: |_| Exchange::begin(SSL_REQUEST.to_vec(), answer),
};

/// Length, and a protocol version that is none: 1234.5679.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The fields of an ErrorResponse that a person reads: severity, code, message.
const READABLE: [u8; 3] = [b'S', b'C', b'M'];

/// One byte, and nothing may follow it: what begins with the same letter and
/// goes on is a greeting of SSH, of NNTP or of another. Should the rest of such
/// a greeting come later, it is no TLS, and found to be none.
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
/// fields of a letter and a text each (Message Formats).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starttls::rehearsal::{
        assert_ends, assert_heard, declined, foreign, heard, heard_in,
    };
    use proptest::prelude::*;

    /// PostgreSQL 15, of a protocol that it does not speak.
    const UNSUPPORTED: &[u8] = b"E\x00\x00\x00\x83SFATAL\0VFATAL\0C0A000\0\
        Munsupported frontend protocol 9.0: server supports 3.0 to 3.0\0\
        Fpostmaster.c\0L2222\0RProcessStartupPacket\0\0";
    /// By PostgreSQL's report_fork_failure_to_client.
    const NO_PROCESS: &[u8] = b"Ecould not fork new process for connection: No memory\n\0";

    #[test]
    fn one_letter_tells() {
        let ready = crate::starttls::rehearsal::ready(Carriage::Bare, b"");
        assert_heard(&PROTOCOL, b"S", &ready);
        assert_heard(&PROTOCOL, b"N", &declined("N"));
    }

    #[test]
    fn an_error_of_either_protocol_declines_in_the_words_of_the_server() {
        let unsupported = "FATAL: 0A000: \
            unsupported frontend protocol 9.0: server supports 3.0 to 3.0";
        assert_heard(&PROTOCOL, UNSUPPORTED, &declined(unsupported));
        let no_process = "could not fork new process for connection: No memory";
        assert_heard(&PROTOCOL, NO_PROCESS, &declined(no_process));
    }

    #[test]
    fn a_greeting_that_begins_with_one_of_the_letters_is_foreign() {
        let others: [&[u8]; 6] = [
            b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
            b"NOTICE AUTH :*** Looking up your hostname\r\n",
            b"ERROR\r\n",
            b"* OK ready\r\n",
            b"\x15\x03\x03\x00\x02\x02\x32",
            b"S\x16\x03\x03",
        ];
        for words in others {
            assert_eq!(heard(&PROTOCOL, words), foreign(words));
        }
    }

    #[test]
    fn an_error_is_held_to_its_length() {
        let short = heard(&PROTOCOL, b"E\x00\x00\x00\x03");
        assert_eq!(short, Turn::Over(Verdict::Malformed));
        assert_ends(&PROTOCOL, b"E\x00\xff\xff\xff");
        assert_ends(&PROTOCOL, b"Ecould not");
    }

    proptest! {
        #[test]
        fn no_words_are_too_much(
            letter in prop::sample::select(b"SNEX".to_vec()),
            mut words in prop::collection::vec(any::<u8>(), 0..200),
            portion in 1..50_usize,
        ) {
            words.insert(0, letter);
            heard_in(&PROTOCOL, portion, &words);
        }
    }
}
