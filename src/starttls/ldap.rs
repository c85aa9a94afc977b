use crate::domain::Dialect;
use crate::tls::codec::Reader;

use super::ber::{ENUMERATED, Element, INTEGER, OCTET_STRING, SEQUENCE, length, small_number};
use super::exchange::{Exchange, MAX_ANSWER, arrived, declined, foreign, ready};
use super::{Carriage, Protocol, Turn, Verdict};

/// LDAP's StartTLS, an extended operation in BER.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Ldap,
    title: "LDAP with StartTLS (RFC 4511 section 4.14)",
    ports: &[389, 3268],
    application_protocols: &[],
    greets_with: |_| false,
    begin: |_| Exchange::begin(START_TLS.to_vec(), answer),
};

/// LDAPMessage 1: ExtendedRequest of 1.3.6.1.4.1.1466.20037.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// The messageID of our request.
const REQUEST: u8 = 1;
/// The messageID of what a server says unasked (RFC 4511 section 4.4).
const UNSOLICITED: u8 = 0;
/// ExtendedResponse: [APPLICATION 24], constructed.
const EXTENDED_RESPONSE: u8 = 0x78;
/// resultCode success.
const SUCCESS: u8 = 0;

/// Messages in turn, until one answers the request. A server that disconnects
/// says so in one that is unsolicited.
fn answer(heard: &[u8]) -> Result<Turn, Verdict> {
    if !begins_message(heard) {
        return Err(foreign(heard));
    }
    let mut reader = Reader::new(heard);
    while let Some(message) = arrived(Element::read(&mut reader, MAX_ANSWER))? {
        let (number, result) = extended_response(message)?;
        match number {
            REQUEST if result.code == SUCCESS => return Ok(ready(Carriage::Bare, reader.rest())),
            REQUEST => return Err(result.declined()),
            // The one notification that RFC 4511 defines is of disconnection;
            // what else there may be is no failure.
            UNSOLICITED if result.code != SUCCESS => return Err(result.declined()),
            UNSOLICITED => {}
            _ => return Err(Verdict::Malformed),
        }
    }
    Ok(Turn::NeedMore)
}

/// Whether an LDAPMessage begins like this, as far as it has come: it is a
/// sequence, and a number is the first thing in it.
fn begins_message(heard: &[u8]) -> bool {
    let mut reader = Reader::new(heard);
    let is_sequence = reader.u8().is_ok_and(|tag| tag == SEQUENCE);
    let holds_number = match length(&mut reader) {
        Ok(0) => false,
        Ok(_) => !reader.u8().is_ok_and(|tag| tag != INTEGER),
        Err(_) => true,
    };
    heard.is_empty() || is_sequence && holds_number
}

/// The messageID and the result in a message, which is one extended response.
fn extended_response(message: Element<'_>) -> Result<(u8, OperationResult<'_>), Verdict> {
    let mut fields = Reader::new(message.content);
    let number = small_number(Element::expect(&mut fields, INTEGER)?)?;
    let response = Element::expect(&mut fields, EXTENDED_RESPONSE)?;
    if message.tag != SEQUENCE {
        return Err(Verdict::Malformed);
    }
    Ok((number, OperationResult::read(response)?))
}

/// The head of an LDAPResult (RFC 4511 section 4.1.9).
#[derive(Debug)]
struct OperationResult<'a> {
    code: u8,
    diagnostic: &'a [u8],
}

impl<'a> OperationResult<'a> {
    fn read(operation: &'a [u8]) -> Result<Self, Verdict> {
        let mut fields = Reader::new(operation);
        let code = small_number(Element::expect(&mut fields, ENUMERATED)?)?;
        let _matched_name = Element::expect(&mut fields, OCTET_STRING)?;
        let diagnostic = Element::expect(&mut fields, OCTET_STRING)?;
        Ok(Self { code, diagnostic })
    }

    fn declined(&self) -> Verdict {
        match self.name() {
            Some(name) => declined(&[name.as_bytes(), self.diagnostic]),
            None => declined(&[
                format!("resultCode {}", self.code).as_bytes(),
                self.diagnostic,
            ]),
        }
    }

    /// RFC 4511 section 4.1.9, as far as a StartTLS response has a use for it
    /// (section 4.14.2 names some).
    const fn name(&self) -> Option<&'static str> {
        Some(match self.code {
            1 => "operationsError",
            2 => "protocolError",
            8 => "strongerAuthRequired",
            10 => "referral",
            12 => "unavailableCriticalExtension",
            13 => "confidentialityRequired",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            80 => "other",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starttls::rehearsal::{
        assert_ends, assert_heard, assert_withstands_mutations, declined, foreign, heard, ready,
    };

    /// OpenLDAP 2.5 with a certificate.
    const AGREED: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    /// OpenLDAP 2.5 without one.
    const UNSUPPORTED: &[u8] = b"\x30\x2a\x02\x01\x01\x78\x25\x0a\x01\x02\x04\x00\x04\x1e\
        unsupported extended operation";
    /// OpenLDAP 2.5, after a request that it could not read.
    const DISCONNECTION: &[u8] = b"\x30\x32\x02\x01\x00\x78\x2d\x0a\x01\x02\x04\x00\x04\x0e\
        decoding error\x8a\x161.3.6.1.4.1.1466.20036";
    /// In the form of Active Directory, by RFC 4511: four bytes to every
    /// length of something constructed.
    const LONG_FORM: &[u8] = b"\x30\x84\x00\x00\x00\x28\x02\x01\x01\x78\x84\x00\x00\x00\x1f\
        \x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037";
    /// The same without a certificate.
    const UNAVAILABLE: &[u8] = b"\x30\x84\x00\x00\x00\x36\x02\x01\x01\x78\x84\x00\x00\x00\x2d\
        \x0a\x01\x34\x04\x00\x04\x0e00000000: Null\x8a\x161.3.6.1.4.1.1466.20037";

    #[test]
    fn tls_begins_after_success_in_either_form_of_lengths() {
        assert_heard(&PROTOCOL, AGREED, &ready(Carriage::Bare, b""));
        assert_heard(&PROTOCOL, LONG_FORM, &ready(Carriage::Bare, b""));
        let early = [AGREED, b"\x15\x03"].concat();
        assert_eq!(heard(&PROTOCOL, &early), ready(Carriage::Bare, b"\x15\x03"));
    }

    #[test]
    fn any_other_result_declines_in_the_words_of_the_server() {
        assert_heard(
            &PROTOCOL,
            UNSUPPORTED,
            &declined("protocolError: unsupported extended operation"),
        );
        assert_heard(
            &PROTOCOL,
            UNAVAILABLE,
            &declined("unavailable: 00000000: Null"),
        );
        let unnamed = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x7b\x04\x00\x04\x00";
        assert_heard(&PROTOCOL, unnamed, &declined("resultCode 123"));
    }

    #[test]
    fn a_notice_of_disconnection_declines_and_other_notices_are_read_over() {
        let disconnected = declined("protocolError: decoding error");
        assert_heard(&PROTOCOL, DISCONNECTION, &disconnected);
        let notice = b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
        let words = [&notice[..], AGREED].concat();
        assert_heard(&PROTOCOL, &words, &ready(Carriage::Bare, b""));
    }

    #[test]
    fn what_is_no_message_is_foreign() {
        let others: [&[u8]; 5] = [
            b"\x30\x00\x0d",
            b"\x15\x03\x03\x00\x02\x02\x32",
            b"220 mail.example.org ESMTP\r\n",
            b"\x30\x03\x04\x01a",
            b"\x30\x84\x00\x00\x00\x03\x04",
        ];
        for words in others {
            assert_eq!(heard(&PROTOCOL, words), foreign(words));
        }
    }

    #[test]
    fn a_message_that_breaks_the_rules_is_malformed() {
        let broken: [&[u8]; 6] = [
            b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x0c\x02\x01\x01\x78\x06\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x0c\x02\x01\x01\x78\x07\x02\x01\x00\x04\x00\x04\x00",
            b"\x30\x06\x02\x04\x01\x78\x07\x0a",
            b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00\x31\x03\x02\x01\x01",
        ];
        for words in broken {
            let turn = heard(&PROTOCOL, words);
            assert_eq!(turn, Turn::Over(Verdict::Malformed), "{words:x?}");
        }
    }

    #[test]
    fn a_message_or_notices_without_end_are_too_large() {
        assert_ends(&PROTOCOL, b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01");
        assert_ends(&PROTOCOL, b"\x30\x80\x02\x01\x01");
        let notice = b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
        assert_ends(&PROTOCOL, &notice.repeat(MAX_ANSWER));
    }

    #[test]
    fn no_mutation_is_too_much() {
        let transcripts = [AGREED, UNSUPPORTED, DISCONNECTION, LONG_FORM, UNAVAILABLE];
        assert_withstands_mutations(&PROTOCOL, &transcripts);
    }
}
