//! What a server staples → whether it may tell a certificate's status.

use x509_parser::asn1_rs::{FromDer, Header, Tag};

use super::walk::Element;

/// What came in the place of an OCSP response (RFC 6066 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Staple {
    /// Nothing.
    Missing,
    /// No bytes, where there must be one at least.
    Empty,
    /// Bytes that are no OCSPResponse (RFC 6960 section 4.2.1).
    NoResponse,
    /// An OCSPResponse without responseBytes: all it may be is an error.
    Error,
    /// An OCSPResponse. What it says of which certificate nobody looked at.
    Response,
}

/// How an OCSPResponse begins.
struct Beginning {
    /// How many bytes it must have in all.
    length: usize,
    has_bytes: bool,
}

impl Staple {
    /// What these bytes are.
    #[must_use]
    pub fn of(staple: &[u8]) -> Self {
        Self::read(staple, |length| length == staple.len())
    }

    /// What these bytes are, of which there were more that nobody kept.
    #[must_use]
    pub fn beginning(kept: &[u8]) -> Self {
        Self::read(kept, |length| length >= kept.len())
    }

    fn read(staple: &[u8], is_length: impl Fn(usize) -> bool) -> Self {
        match Beginning::read(staple) {
            _ if staple.is_empty() => Self::Empty,
            Some(found) if !is_length(found.length) => Self::NoResponse,
            Some(found) if found.has_bytes => Self::Response,
            Some(_) => Self::Error,
            None => Self::NoResponse,
        }
    }
}

impl Beginning {
    /// `None` where no OCSPResponse begins so:
    /// `SEQUENCE { ENUMERATED, [0] EXPLICIT ResponseBytes OPTIONAL }`.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (content, outer) = Header::from_der(bytes).ok()?;
        let inside = outer.length().definite().ok()?;
        let length = (bytes.len() - content.len()).checked_add(inside)?;
        if outer.tag() != Tag::Sequence || !outer.is_universal() || !outer.is_constructed() {
            return None;
        }
        let status = Element::first(content)?;
        if !status.is(Tag::Enumerated) || status.any.data.is_empty() {
            return None;
        }
        let has_bytes = status.raw.len() != inside;
        if has_bytes {
            let explicit = content.get(status.raw.len()..)?;
            let (rest, header) = Header::from_der(explicit).ok()?;
            let declared = header.length().definite().ok()?;
            let end = (content.len() - rest.len()).checked_add(declared)?;
            let is_explicit = header.is_contextspecific() && header.is_constructed();
            if !is_explicit || header.tag() != Tag(0) || end != inside {
                return None;
            }
        }
        Some(Self { length, has_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: [u8; 9] = [0x30, 7, 0x0a, 1, 0, 0xa0, 2, 0x30, 0];

    #[test]
    fn an_ocsp_response_is_told_from_an_error_and_from_anything_else() {
        assert_eq!(Staple::of(&RESPONSE), Staple::Response);
        let longer = [
            &[0x30, 0x81, 0x87, 0x0a, 1, 0, 0xa0, 0x81, 0x81][..],
            &[0; 0x81],
        ]
        .concat();
        assert_eq!(Staple::of(&longer), Staple::Response);
        // tryLater(3)
        assert_eq!(Staple::of(&[0x30, 3, 0x0a, 1, 3]), Staple::Error);
        assert_eq!(Staple::of(&[]), Staple::Empty);
        let none: [&[u8]; 9] = [
            b"hello",
            b"\0\0\x02hi",
            &[0x30, 0],
            &[0x30, 2, 0x0a, 0],
            // An INTEGER, a SET, [1], a primitive [0], and more behind it.
            &[0x30, 7, 0x02, 1, 0, 0xa0, 2, 0x30, 0],
            &[0x31, 7, 0x0a, 1, 0, 0xa0, 2, 0x30, 0],
            &[0x30, 7, 0x0a, 1, 0, 0xa1, 2, 0x30, 0],
            &[0x30, 7, 0x0a, 1, 0, 0x80, 2, 0x30, 0],
            &[0x30, 9, 0x0a, 1, 0, 0xa0, 2, 0x30, 0, 5, 0],
        ];
        for bytes in none {
            assert_eq!(Staple::of(bytes), Staple::NoResponse, "{bytes:x?}");
        }
        let trailing = [&RESPONSE[..], &[0]].concat();
        assert_eq!(Staple::of(&trailing), Staple::NoResponse);
    }

    #[test]
    fn a_response_that_breaks_off_is_none_unless_the_rest_was_not_kept() {
        for length in 1..RESPONSE.len() {
            let part = RESPONSE.get(..length).unwrap();
            assert_eq!(Staple::of(part), Staple::NoResponse, "{length}");
            let kept = if length < 7 {
                Staple::NoResponse
            } else {
                Staple::Response
            };
            assert_eq!(Staple::beginning(part), kept, "{length}");
        }
        let trailing = [&RESPONSE[..], &[0]].concat();
        assert_eq!(Staple::beginning(&trailing), Staple::NoResponse);
    }
}
