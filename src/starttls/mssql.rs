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
    begin: |_| Exchange::begin(prelogin(PRELOGIN_OPTIONS), answer),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starttls::rehearsal::{
        assert_ends, assert_heard, assert_withstands_mutations, declined, foreign, heard, question,
        ready,
    };

    // No SQL Server was at hand: these are by MS-TDS sections 2.2.6.5 and
    // 2.2.7.10, with the options that section 4.1 shows. FreeTDS 1.3 takes the
    // first for an answer and begins TLS in packets as they are made here.

    /// SQL Server 2019 with encryption as we ask for it.
    const ENCRYPTED: &[u8] = b"\x04\x01\x00\x2b\x00\x00\x01\x00\
        \x00\x00\x1a\x00\x06\x01\x00\x20\x00\x01\x02\x00\x21\x00\x01\x03\x00\x22\x00\x00\
        \x04\x00\x22\x00\x01\xff\x0f\x00\x07\xd0\x00\x00\x01\x00\x00";
    /// The same without a certificate.
    const NOT_SUPPORTED: &[u8] = b"\x04\x01\x00\x2b\x00\x00\x01\x00\
        \x00\x00\x1a\x00\x06\x01\x00\x20\x00\x01\x02\x00\x21\x00\x01\x03\x00\x22\x00\x00\
        \x04\x00\x22\x00\x01\xff\x0f\x00\x07\xd0\x00\x00\x02\x00\x00";
    /// VERSION alone, in two packets.
    const VERSION_ALONE: &[u8] = b"\x04\x00\x00\x0e\x00\x00\x01\x00\x00\x00\x06\x00\x06\xff\
        \x04\x01\x00\x0e\x00\x00\x02\x00\x08\x00\x02\xff\x00\x00";
    /// The error of a server that is paused, its text shortened.
    const PAUSED: &[u8] = b"\x04\x01\x00\x32\x00\x00\x01\x00\
        \xaa\x1a\x00\xf6\x42\x00\x00\x01\x0e\x06\x00p\0a\0u\0s\0e\0d\0\0\0\0\0\0\0\
        \xfd\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

    fn wrapped() -> Carriage {
        Carriage::Tds(TdsPackets::default())
    }

    #[test]
    fn the_question_asks_for_encryption() {
        let options = b"\x12\x01\x00\x1a\x00\x00\x01\x00\
            \x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x00\x00\x00\x00\x00\x00\x01";
        assert_eq!(question(&PROTOCOL), options);
    }

    #[test]
    fn tls_is_wrapped_after_any_answer_that_encrypts() {
        assert_heard(&PROTOCOL, ENCRYPTED, &ready(wrapped(), b""));
        for encryption in [ENCRYPT_OFF, ENCRYPT_REQ] {
            let mut words = ENCRYPTED.to_vec();
            words[40] = encryption;
            assert_heard(&PROTOCOL, &words, &ready(wrapped(), b""));
        }
        let early = [ENCRYPTED, b"\x12\x01"].concat();
        assert_eq!(heard(&PROTOCOL, &early), ready(wrapped(), b"\x12\x01"));
    }

    #[test]
    fn a_server_without_encryption_or_with_an_error_declines() {
        assert_heard(&PROTOCOL, NOT_SUPPORTED, &declined("ENCRYPT_NOT_SUP"));
        assert_heard(&PROTOCOL, VERSION_ALONE, &declined("no ENCRYPTION option"));
        assert_heard(&PROTOCOL, PAUSED, &declined("17142: paused"));
    }

    #[test]
    fn what_is_no_answer_is_foreign() {
        let others: [&[u8]; 3] = [
            b"\x15\x03\x03\x00\x02\x02\x32",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\x12\x01\x00\x2b",
        ];
        for words in others {
            assert_eq!(heard(&PROTOCOL, words), foreign(words));
        }
    }

    #[test]
    fn an_answer_that_breaks_the_rules_is_malformed() {
        let broken: [&[u8]; 7] = [
            b"\x04\x01\x00\x07\x00\x00\x01\x00",
            b"\x04\x01\x00\x08\x00\x00\x01\x00",
            b"\x04\x01\x00\x09\x00\x00\x01\x00\xfd",
            b"\x04\x01\x00\x0d\x00\x00\x01\x00\x00\x00\x00\x00\x00",
            b"\x04\x01\x00\x0e\x00\x00\x01\x00\x00\xff\xff\xff\xff\xff",
            b"\x04\x01\x00\x0c\x00\x00\x01\x00\xaa\x04\x00\x76",
            b"\x04\x00\x00\x09\x00\x00\x01\x00\x00\x12\x01\x00\x09\x00\x00\x01\x00\xff",
        ];
        for words in broken {
            let turn = heard(&PROTOCOL, words);
            assert_eq!(turn, Turn::Over(Verdict::Malformed), "{words:x?}");
        }
        let mut unknown = ENCRYPTED.to_vec();
        unknown[40] = 0x55;
        assert_eq!(heard(&PROTOCOL, &unknown), Turn::Over(Verdict::Malformed));
    }

    #[test]
    fn an_answer_without_end_is_too_large() {
        assert_ends(&PROTOCOL, b"\x04\x01\xff\xff\x00\x00\x01\x00");
        let unfinished = b"\x04\x00\x00\x09\x00\x00\x01\x00\x00";
        assert_ends(&PROTOCOL, &unfinished.repeat(MAX_ANSWER));
    }

    #[test]
    fn no_mutation_is_too_much() {
        let transcripts = [ENCRYPTED, NOT_SUPPORTED, VERSION_ALONE, PAUSED];
        assert_withstands_mutations(&PROTOCOL, &transcripts);
    }
}
