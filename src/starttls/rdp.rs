use crate::domain::Dialect;
use crate::tls::codec::Reader;

use super::exchange::{Exchange, arrived, declined, foreign, ready};
use super::{Carriage, Protocol, Turn, Verdict};

/// Remote Desktop: the X.224 connection negotiates what protects it.
pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Rdp,
    title: "RDP with enhanced security (MS-RDPBCGR section 5.4)",
    ports: &[3389],
    application_protocols: &[],
    greets_with: |_| false,
    begin: |_| Exchange::begin(CONNECTION_REQUEST.to_vec(), answer),
};

/// TPKT, an X.224 Connection Request, and RDP_NEG_REQ with PROTOCOL_SSL and
/// PROTOCOL_HYBRID (MS-RDPBCGR section 2.2.1.1). TLS begins either way.
const CONNECTION_REQUEST: &[u8] =
    b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00";
/// TPKT version 3 and a reserved byte (RFC 1006 section 6).
const TPKT: [u8; 2] = [3, 0];
/// Room for any X.224 header (255 bytes behind its length).
const MAX_PACKET: usize = 256;
/// X.224 Connection Confirm; the lower half is a credit that RDP leaves empty.
const CONNECTION_CONFIRM: u8 = 0xd0;
/// X.224 Disconnect Request: the connection is refused.
const DISCONNECT_REQUEST: u8 = 0x80;
/// Type, length 8 with the lower byte first: the flags stand between them.
const NEGOTIATION_RESPONSE: u8 = 2;
const NEGOTIATION_FAILURE: u8 = 3;
/// PROTOCOL_RDP: RDP's own encryption (MS-RDPBCGR section 5.3).
const STANDARD_SECURITY: u32 = 0;

/// One TPKT packet.
fn answer(heard: &[u8]) -> Result<Turn, Verdict> {
    let mut reader = Reader::new(heard);
    if !TPKT.iter().zip(heard).all(|(wanted, byte)| wanted == byte) {
        return Err(foreign(heard));
    }
    let Some([_, _, high, low]) = arrived(reader.array())? else {
        return Ok(Turn::NeedMore);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let length = length.checked_sub(4).ok_or(Verdict::Malformed)?;
    if length > MAX_PACKET {
        return Err(Verdict::TooLarge);
    }
    let Some(packet) = arrived(reader.take(length))? else {
        return Ok(Turn::NeedMore);
    };
    confirmed(packet)?;
    Ok(ready(Carriage::Bare, reader.rest()))
}

/// Reads an X.224 packet, which has to confirm that TLS begins: the length
/// behind it, what it is, two references, the class; then the negotiation.
fn confirmed(packet: &[u8]) -> Result<(), Verdict> {
    let mut whole = Reader::new(packet);
    let mut fields = whole.sub_u8(MAX_PACKET)?;
    whole.finish()?;
    let kind = fields.u8()?;
    let _references = fields.array::<4>()?;
    let class = fields.u8()?;
    match kind {
        CONNECTION_CONFIRM => negotiated(fields),
        DISCONNECT_REQUEST => Err(declined(
            &[format!("disconnect request {class}").as_bytes()],
        )),
        _ => Err(Verdict::Malformed),
    }
}

/// RDP_NEG_RSP and RDP_NEG_FAILURE (MS-RDPBCGR sections 2.2.1.2.1 and
/// 2.2.1.2.2). A server from before there was a choice sends neither.
fn negotiated(mut fields: Reader<'_>) -> Result<(), Verdict> {
    if fields.is_empty() {
        return Err(declined(&[b"standard RDP security, no negotiation"]));
    }
    let [kind, _flags, 8, 0] = fields.array()? else {
        return Err(Verdict::Malformed);
    };
    let code = u32::from_le_bytes(fields.array()?);
    fields.finish()?;
    match (kind, code) {
        (NEGOTIATION_RESPONSE, STANDARD_SECURITY) => Err(declined(&[b"standard RDP security"])),
        // Each of the others begins with TLS (MS-RDPBCGR section 5.4.5).
        (NEGOTIATION_RESPONSE, _) => Ok(()),
        (NEGOTIATION_FAILURE, _) => Err(match failure(code) {
            Some(name) => declined(&[name.as_bytes()]),
            None => declined(&[format!("failure {code}").as_bytes()]),
        }),
        _ => Err(Verdict::Malformed),
    }
}

/// MS-RDPBCGR section 2.2.1.2.2.
const fn failure(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "SSL_REQUIRED_BY_SERVER",
        2 => "SSL_NOT_ALLOWED_BY_SERVER",
        3 => "SSL_CERT_NOT_ON_SERVER",
        4 => "INCONSISTENT_FLAGS",
        5 => "HYBRID_REQUIRED_BY_SERVER",
        6 => "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starttls::rehearsal::{
        assert_ends, assert_heard, assert_withstands_mutations, declined, foreign, heard, ready,
    };

    /// xrdp 0.9 with `security_layer=tls`.
    const TLS: &[u8] = b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\
        \x02\x01\x08\x00\x01\x00\x00\x00";
    /// xrdp 0.9 with `security_layer=rdp`.
    const STANDARD: &[u8] = b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\
        \x02\x01\x08\x00\x00\x00\x00\x00";
    /// xrdp 0.9, of a request that does not negotiate.
    const NO_NEGOTIATION: &[u8] = b"\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00";
    /// By MS-RDPBCGR section 2.2.1.2.2: SSL_NOT_ALLOWED_BY_SERVER.
    const FAILURE: &[u8] = b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\
        \x03\x00\x08\x00\x02\x00\x00\x00";
    /// By X.224 section 13.5: a refused connection, with reason 136.
    const DISCONNECTED: &[u8] = b"\x03\x00\x00\x0b\x06\x80\x00\x01\x00\x00\x88";

    #[test]
    fn tls_begins_with_every_protocol_but_the_standard_one() {
        assert_heard(&PROTOCOL, TLS, &ready(Carriage::Bare, b""));
        for hybrid in [2, 8] {
            let mut words = TLS.to_vec();
            words[15] = hybrid;
            assert_heard(&PROTOCOL, &words, &ready(Carriage::Bare, b""));
        }
        let early = [TLS, b"\x15"].concat();
        assert_eq!(heard(&PROTOCOL, &early), ready(Carriage::Bare, b"\x15"));
    }

    #[test]
    fn standard_security_with_or_without_a_word_of_it_declines() {
        assert_heard(&PROTOCOL, STANDARD, &declined("standard RDP security"));
        assert_heard(
            &PROTOCOL,
            NO_NEGOTIATION,
            &declined("standard RDP security, no negotiation"),
        );
    }

    #[test]
    fn a_failure_declines_by_its_name() {
        assert_heard(&PROTOCOL, FAILURE, &declined("SSL_NOT_ALLOWED_BY_SERVER"));
        let mut unnamed = FAILURE.to_vec();
        unnamed[15] = 99;
        assert_heard(&PROTOCOL, &unnamed, &declined("failure 99"));
        assert_heard(&PROTOCOL, DISCONNECTED, &declined("disconnect request 136"));
    }

    #[test]
    fn what_is_no_packet_is_foreign() {
        let others: [&[u8]; 3] = [
            b"\x15\x03\x03\x00\x02\x02\x32",
            b"RFB 003.008\n",
            b"\x03\x01\x00\x13",
        ];
        for words in others {
            assert_eq!(heard(&PROTOCOL, words), foreign(words));
        }
    }

    #[test]
    fn a_packet_that_breaks_the_rules_is_malformed() {
        let broken: [&[u8]; 7] = [
            b"\x03\x00\x00\x03",
            b"\x03\x00\x00\x04",
            b"\x03\x00\x00\x0b\x07\xd0\x00\x00\x12\x34\x00",
            b"\x03\x00\x00\x0b\x05\xd0\x00\x00\x12\x34\x00",
            // An MCS message, as xrdp answers a ClientHello with.
            b"\x03\x00\x00\x09\x02\xf0\x80\x21\x80",
            b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x01\x09\x00\x01\x00\x00\x00",
            b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x07\x01\x08\x00\x01\x00\x00\x00",
        ];
        for words in broken {
            let turn = heard(&PROTOCOL, words);
            assert_eq!(turn, Turn::Over(Verdict::Malformed), "{words:x?}");
        }
    }

    #[test]
    fn a_packet_over_any_use_is_too_large() {
        assert_ends(&PROTOCOL, b"\x03\x00\xff\xff\xfe\xd0");
    }

    #[test]
    fn no_mutation_is_too_much() {
        let transcripts = [TLS, STANDARD, NO_NEGOTIATION, FAILURE, DISCONNECTED];
        assert_withstands_mutations(&PROTOCOL, &transcripts);
    }
}
