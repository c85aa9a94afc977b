use crate::domain::Dialect;
use crate::tls::codec::{Malformed, Reader};

use super::exchange::{Exchange, declined, foreign};
use super::{Carriage, Protocol, Turn, Verdict};

/// MySQL and MariaDB: the server greets with what it can do, and the client
/// begins TLS without waiting for leave.
///
/// A server counts every handshake that ends early, and refuses an address
/// after `max_connect_errors` of them.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Mysql,
    title: "SSLRequest for MySQL and MariaDB",
    ports: &[3306],
    application_protocols: &[],
    greets_with,
    begin: |_| Exchange::begin(Vec::new(), answer),
};

/// Packet 1 of 32 bytes: capabilities, the largest packet that we take (16
/// MiB), the character set utf8, 23 zeroes.
const SSL_REQUEST: &[u8] = b"\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x21\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
/// The capability to speak TLS; SSL_REQUEST has it too, beside the protocol of
/// 4.1 (0x0200) and its authentication (0x8000).
const CLIENT_SSL: u16 = 0x0800;
/// A greeting of MySQL 3.21 and later.
const PROTOCOL_10: u8 = 10;
/// A greeting of MySQL 3.20 and earlier: there was no TLS.
const PROTOCOL_9: u8 = 9;
/// An error in the place of a greeting.
const ERROR: u8 = 0xff;
/// A greeting takes some hundred bytes, an error message up to 512.
const MAX_GREETING: usize = 4096;

/// Packet 0, which holds a greeting.
#[derive(Debug)]
struct FirstPacket<'a> {
    content: &'a [u8],
    behind: &'a [u8],
}

/// What a server says first.
#[derive(Debug)]
enum Greeting<'a> {
    /// A server's release and, in protocol 10, the lower half of its
    /// capabilities.
    Server {
        release: &'a [u8],
        capabilities: u16,
    },
    /// An error's number and message.
    Error { number: u16, message: &'a [u8] },
}

fn answer(heard: &[u8]) -> Result<Turn, Verdict> {
    let Some(packet) = FirstPacket::read(heard)? else {
        return Ok(Turn::NeedMore);
    };
    match Greeting::read(packet.content)? {
        Greeting::Server { capabilities, .. } if capabilities & CLIENT_SSL != 0 => {
            Ok(Turn::Ready {
                words: SSL_REQUEST.to_vec(),
                carriage: Carriage::Bare,
                early: packet.behind.to_vec(),
            })
        }
        Greeting::Server { release, .. } => Err(declined(&[release, b"no CLIENT_SSL"])),
        Greeting::Error { number, message } => {
            Err(declined(&[number.to_string().as_bytes(), message]))
        }
    }
}

impl<'a> FirstPacket<'a> {
    /// Reads it from behind its length of three bytes, the lowest first;
    /// `None` while it has not all come.
    ///
    /// Its number and its first byte tell a greeting from other bytes: MySQL's
    /// X protocol begins with a length and a zero as well.
    fn read(heard: &'a [u8]) -> Result<Option<Self>, Verdict> {
        let ([low, middle, high], rest) = match heard {
            [low, middle, high, 0, rest @ ..] => ([low, middle, high], rest),
            _ if heard.len() < 4 => return Ok(None),
            _ => return Err(foreign(heard)),
        };
        match rest.first() {
            None => return Ok(None),
            Some(&(PROTOCOL_9 | PROTOCOL_10 | ERROR)) => {}
            Some(_) => return Err(foreign(heard)),
        }
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        if length > MAX_GREETING {
            return Err(Verdict::TooLarge);
        }
        let packet = rest.split_at_checked(length);
        Ok(packet.map(|(content, behind)| Self { content, behind }))
    }
}

impl<'a> Greeting<'a> {
    fn read(packet: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Reader::new(packet);
        let kind = fields.u8()?;
        if kind == ERROR {
            let number = u16::from_le_bytes(fields.array()?);
            let message = without_state(fields.rest());
            return Ok(Self::Error { number, message });
        }
        let release = until_zero(&mut fields)?;
        let capabilities = if kind == PROTOCOL_10 {
            // Connection number, half of the challenge, a zero.
            fields.take(4 + 8 + 1)?;
            u16::from_le_bytes(fields.array()?)
        } else {
            0
        };
        Ok(Self::Server {
            release,
            capabilities,
        })
    }
}

/// A text that ends with a zero.
fn until_zero<'a>(fields: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = fields.rest().iter().position(|byte| *byte == 0);
    let text = fields.take(length.ok_or(Malformed::Short)?)?;
    fields.u8()?;
    Ok(text)
}

/// An error message without the SQL state, which newer servers put before it:
/// `#` and five characters.
fn without_state(message: &[u8]) -> &[u8] {
    match message {
        [b'#', _, _, _, _, _, message @ ..] => message,
        _ => message,
    }
}

/// Whether these bytes can only be a greeting: the release is a text that
/// begins with a digit, or the error one of a server's own with a text.
fn greets_with(heard: &[u8]) -> bool {
    let Ok(Some(packet)) = FirstPacket::read(heard) else {
        return false;
    };
    let is_text = |text: &[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    match Greeting::read(packet.content) {
        Ok(Greeting::Server { release, .. }) => {
            release.first().is_some_and(u8::is_ascii_digit) && is_text(release)
        }
        // No server's errors have lower numbers.
        Ok(Greeting::Error { number, message }) => {
            number >= 1000 && !message.is_empty() && std::str::from_utf8(message).is_ok()
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starttls::rehearsal::{
        assert_ends, assert_heard, assert_withstands_mutations, declined, foreign, heard, question,
    };

    /// MariaDB 10.11 with a certificate.
    const WITH_TLS: &[u8] = b"\x64\x00\x00\x00\x0a5.5.5-10.11.19-MariaDB-0+deb12u1\0\
        \x03\x00\x00\x00!G#uF>Cu\0\xfe\xff\x08\x02\x00\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0\
        G@I1WC(<6:_O\0mysql_native_password\0";
    /// MariaDB 10.11 without one.
    const WITHOUT_TLS: &[u8] = b"\x64\x00\x00\x00\x0a5.5.5-10.11.19-MariaDB-0+deb12u1\0\
        \x03\x00\x00\x00iN,-<)TO\0\xfe\xf7\x08\x02\x00\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0\
        mVG@J5g+>64A\0mysql_native_password\0";
    /// MariaDB 10.11 at its `max_connections`.
    const FULL: &[u8] = b"\x17\x00\x00\x00\xff\x10\x04Too many connections";
    /// By MySQL's list of errors: an address over `max_connect_errors`.
    const BLOCKED: &[u8] = b"\x67\x00\x00\x00\xff\x69\x04Host '192.0.2.7' is blocked because of \
        many connection errors; unblock with 'mysqladmin flush-hosts'";
    /// By the protocol's ERR packet: an error with its SQL state.
    const WITH_STATE: &[u8] = b"\x1d\x00\x00\x00\xff\x10\x04#08004Too many connections";
    /// By the protocol's HandshakeV9.
    const ANCIENT: &[u8] = b"\x16\x00\x00\x00\x093.20.32a\0\x01\x00\x00\x00abcdefg\0";
    /// By the X protocol of MySQL 8: the notice that it begins with.
    const X_PROTOCOL: &[u8] = b"\x05\x00\x00\x00\x0b\x08\x05\x1a\x00";

    #[test]
    fn the_server_greets_and_the_request_goes_before_the_hello() {
        assert_eq!(question(&PROTOCOL), b"");
        let ready = Turn::Ready {
            words: SSL_REQUEST.to_vec(),
            carriage: Carriage::Bare,
            early: Vec::new(),
        };
        assert_heard(&PROTOCOL, WITH_TLS, &ready);
        assert_eq!(SSL_REQUEST.len(), 4 + 32);
    }

    #[test]
    fn a_greeting_without_the_capability_declines() {
        let release = "5.5.5-10.11.19-MariaDB-0+deb12u1";
        let reason = format!("{release}: no CLIENT_SSL");
        assert_heard(&PROTOCOL, WITHOUT_TLS, &declined(&reason));
        assert_heard(&PROTOCOL, ANCIENT, &declined("3.20.32a: no CLIENT_SSL"));
    }

    #[test]
    fn an_error_in_the_place_of_a_greeting_declines_in_the_words_of_the_server() {
        assert_heard(&PROTOCOL, FULL, &declined("1040: Too many connections"));
        assert_heard(
            &PROTOCOL,
            WITH_STATE,
            &declined("1040: Too many connections"),
        );
        let blocked = "1129: Host '192.0.2.7' is blocked because of many connection errors; \
            unblock with 'mysqladmin flush-hosts'";
        assert_heard(&PROTOCOL, BLOCKED, &declined(blocked));
    }

    #[test]
    fn other_greetings_are_foreign() {
        let others: [&[u8]; 4] = [
            X_PROTOCOL,
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"220 ftp.example.org\r\n",
            b"\x15\x03\x03\x00\x02\x02\x32",
        ];
        for words in others {
            assert_eq!(heard(&PROTOCOL, words), foreign(words));
        }
    }

    #[test]
    fn a_greeting_is_held_to_its_length() {
        let broken: [&[u8]; 4] = [
            b"\x01\x00\x00\x00\x0a",
            b"\x04\x00\x00\x00\x0a8.0",
            b"\x08\x00\x00\x00\x0a8.0\0\x01\x00\x00",
            b"\x02\x00\x00\x00\xff\x10",
        ];
        for words in broken {
            let turn = heard(&PROTOCOL, words);
            assert_eq!(turn, Turn::Over(Verdict::Malformed), "{words:x?}");
        }
        assert_ends(&PROTOCOL, b"\xff\xff\xff\x00\x0a8.0.44\0");
        assert_ends(&PROTOCOL, b"\x01\x10\x00\x00\x0a8.0.44\0");
    }

    #[test]
    fn a_greeting_is_told_from_other_bytes() {
        for words in [WITH_TLS, WITHOUT_TLS, FULL, BLOCKED, WITH_STATE, ANCIENT] {
            assert!((PROTOCOL.greets_with)(words), "{words:x?}");
        }
        let others: [&[u8]; 6] = [
            b"",
            X_PROTOCOL,
            &WITH_TLS[..20],
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"\x16\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
                \x00\x00\x00\x00\x00\x00",
            b"\x03\x00\x00\x00\xff\x10\x04",
        ];
        for words in others {
            assert!(!(PROTOCOL.greets_with)(words), "{words:x?}");
        }
    }

    #[test]
    fn no_mutation_is_too_much() {
        let transcripts = [WITH_TLS, FULL, BLOCKED, WITH_STATE, ANCIENT, X_PROTOCOL];
        assert_withstands_mutations(&PROTOCOL, &transcripts);
    }
}
