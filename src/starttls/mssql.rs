use crate::domain::Dialect;
use crate::tls::codec::{Malformed, Reader};

use super::carriage::TdsPackets;
use super::exchange::{Exchange, MAX_ANSWER, arrived, declined, foreign, ready};
use super::tds::{HEADER, PacketHeader, TABULAR_RESULT, prelogin};
use super::{Carriage, Protocol, Turn, Verdict};

/// Microsoft SQL Server: the pre-login messages of TDS 7 agree on encryption,
/// and carry its handshake.
///
/// TDS 8 begins with TLS, and names itself by ALPN.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Mssql,
    title: "Microsoft SQL Server with TDS 7 (MS-TDS section 2.2.6.5)",
    ports: &[1433],
    application_protocols: &[b"tds/8.0"],
    greets_with: |_| false,
    begin: |_| Exchange::new(prelogin(PRELOGIN_OPTIONS), answer),
};

/// A token, an offset and a length for VERSION and for ENCRYPTION, the end;
/// then their values: nothing's version 0, and ENCRYPT_ON.
const PRELOGIN_OPTIONS: &[u8] = &[
    VERSION, 0, 11, 0, 6, ENCRYPTION, 0, 17, 0, 1, TERMINATOR, //
    0, 0, 0, 0, 0, 0, //
    ENCRYPT_ON,
];
/// The option that comes first.
const VERSION: u8 = 0x00;
/// The option of encryption.
const ENCRYPTION: u8 = 0x01;
/// What ends the options.
const TERMINATOR: u8 = 0xff;
/// ENCRYPT_OFF: TLS for the login alone.
const ENCRYPT_OFF: u8 = 0x00;
/// ENCRYPT_ON: TLS throughout.
const ENCRYPT_ON: u8 = 0x01;
/// ENCRYPT_NOT_SUP: the server has no TLS.
const ENCRYPT_NOT_SUP: u8 = 0x02;
/// ENCRYPT_REQ: TLS throughout, and not otherwise.
const ENCRYPT_REQ: u8 = 0x03;
/// The token of an error in the place of options (MS-TDS section 2.2.7.10).
const ERROR: u8 = 0xaa;

/// The answer's packets, and what follows them.
fn answer(heard: &[u8]) -> Result<Turn, Verdict> {
    if heard.first().is_some_and(|kind| *kind != TABULAR_RESULT) {
        return Err(foreign(heard));
    }
    let mut reader = Reader::new(heard);
    let Some(message) = message(&mut reader)? else {
        return Ok(Turn::NeedMore);
    };
    if message.first() == Some(&ERROR) {
        return Err(error(&message)?);
    }
    match option(&message, ENCRYPTION)? {
        Some([ENCRYPT_OFF | ENCRYPT_ON | ENCRYPT_REQ]) => {
            Ok(ready(Carriage::Tds(TdsPackets::default()), reader.rest()))
        }
        Some([ENCRYPT_NOT_SUP]) => Err(declined(&[b"ENCRYPT_NOT_SUP"])),
        Some(_) => Err(Verdict::Malformed),
        None => Err(declined(&[b"no ENCRYPTION option"])),
    }
}

/// The content of a message, once its last packet is there.
fn message(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Verdict> {
    let mut message = Vec::new();
    while let Some(header) = arrived(reader.array::<HEADER>())? {
        let header = PacketHeader::read(header).ok_or(Verdict::Malformed)?;
        if header.kind != TABULAR_RESULT {
            return Err(Verdict::Malformed);
        }
        if header.content > MAX_ANSWER {
            return Err(Verdict::TooLarge);
        }
        let Some(content) = arrived(reader.take(header.content))? else {
            break;
        };
        message.extend(content);
        if header.last {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// The value of an option: the table at the front says where it stands.
/// VERSION is its first entry, or it is no pre-login message.
fn option(message: &[u8], wanted: u8) -> Result<Option<&[u8]>, Verdict> {
    let mut table = Reader::new(message);
    if message.first() != Some(&VERSION) {
        return Err(Verdict::Malformed);
    }
    loop {
        let token = table.u8()?;
        if token == TERMINATOR {
            return Ok(None);
        }
        let (offset, length) = (usize::from(table.u16()?), usize::from(table.u16()?));
        let value = message.get(offset..offset + length);
        let value = value.ok_or(Verdict::Malformed)?;
        if token == wanted {
            return Ok(Some(value));
        }
    }
}

/// Length, number, state, class, and the text behind the count of its 16-bit
/// characters, the lower byte of all first.
fn error(message: &[u8]) -> Result<Verdict, Malformed> {
    let mut fields = Reader::new(message);
    let _token_and_length = fields.array::<3>()?;
    let number = u32::from_le_bytes(fields.array()?);
    let _state_and_class = fields.array::<2>()?;
    let length = u16::from_le_bytes(fields.array()?);
    let text = fields.take(2 * usize::from(length))?;
    let (units, _) = text.as_chunks::<2>();
    let units: Vec<_> = units.iter().copied().map(u16::from_le_bytes).collect();
    let text = String::from_utf16_lossy(&units);
    Ok(declined(&[number.to_string().as_bytes(), text.as_bytes()]))
}
