use crate::domain::Dialect;
use crate::tls::codec::{Malformed, Reader};

use super::exchange::{Exchange, arrived, declined, foreign};
use super::{Carriage, Protocol, Turn, Verdict};

/// MySQL and MariaDB: the server greets with what it can do, and the client
/// begins TLS without waiting for leave.
///
/// A server counts every handshake that ends early, and refuses an address
/// after `max_connect_errors` of them.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Mysql,
    title: "MySQL and MariaDB with SSLRequest (MySQL client/server protocol, connection phase)",
    ports: &[3306],
    application_protocols: &[],
    greets_with,
    begin: |_| Exchange::new(Vec::new(), answer),
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

/// The first packet.
#[derive(Debug, PartialEq, Eq)]
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
    let mut reader = Reader::new(heard);
    let Some(packet) = first_packet(&mut reader, heard)? else {
        return Ok(Turn::NeedMore);
    };
    match Greeting::read(packet)? {
        Greeting::Server { capabilities, .. } if capabilities & CLIENT_SSL != 0 => {
            Ok(Turn::Ready {
                words: SSL_REQUEST.to_vec(),
                carriage: Carriage::Bare,
                early: reader.rest().to_vec(),
            })
        }
        Greeting::Server { release, .. } => Err(declined(&[release, b"no CLIENT_SSL"])),
        Greeting::Error { number, message } => {
            Err(declined(&[number.to_string().as_bytes(), message]))
        }
    }
}

/// Packet 0, behind its length of three bytes, the lowest first. Its number
/// and its first byte tell early whether it is a greeting at all: MySQL's X
/// protocol begins in the same way.
fn first_packet<'a>(reader: &mut Reader<'a>, heard: &[u8]) -> Result<Option<&'a [u8]>, Verdict> {
    let greets = match heard {
        [_, _, _, 0, kind, ..] => matches!(*kind, PROTOCOL_9 | PROTOCOL_10 | ERROR),
        [_, _, _, number, ..] => *number == 0,
        _ => true,
    };
    if !greets {
        return Err(foreign(heard));
    }
    let header = reader.array::<4>();
    let Some([low, middle, high, _]) = arrived(header)? else {
        return Ok(None);
    };
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    if length > MAX_GREETING {
        return Err(Verdict::TooLarge);
    }
    arrived(reader.take(length))
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
    let mut reader = Reader::new(heard);
    let Ok(Some(packet)) = first_packet(&mut reader, heard) else {
        return false;
    };
    let is_text = |text: &[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    match Greeting::read(packet) {
        Ok(Greeting::Server { release, .. }) => {
            release.first().is_some_and(u8::is_ascii_digit) && is_text(release)
        }
        // Error numbers of servers: 1000 to 1999, and 3000 upwards.
        Ok(Greeting::Error { number, message }) => {
            number >= 1000 && !message.is_empty() && std::str::from_utf8(message).is_ok()
        }
        Err(_) => false,
    }
}
