use crate::tls::codec::{Malformed, Reader};

use super::Verdict;

/// One element of the Basic Encoding Rules (X.690), as LDAP restricts them
/// (RFC 4511 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Class, form and number in one byte: LDAP has no number above 30.
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// ENUMERATED.
pub(super) const ENUMERATED: u8 = 0x0a;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;

/// Bit 8 of a length: the others count the bytes that the length takes.
const LONG_FORM: u8 = 0x80;

impl<'a> Element<'a> {
    /// Reads the next element, of at most `maximum` bytes of content.
    pub(super) fn read(reader: &mut Reader<'a>, maximum: usize) -> Result<Self, Malformed> {
        let tag = reader.u8()?;
        let length = length(reader)?;
        if length > maximum {
            return Err(Malformed::TooLong);
        }
        let content = reader.take(length)?;
        Ok(Self { tag, content })
    }

    /// Reads the next element, which all has to be there and be a `tag`, and
    /// gives its content.
    pub(super) fn expect(reader: &mut Reader<'a>, tag: u8) -> Result<&'a [u8], Verdict> {
        let element = Self::read(reader, usize::MAX)?;
        if element.tag == tag {
            Ok(element.content)
        } else {
            Err(Verdict::Malformed)
        }
    }
}

/// A number of one byte, as RFC 4511's message numbers and result codes are
/// where we meet them. A longer one with leading zeroes is none.
pub(super) fn small_number(content: &[u8]) -> Result<u8, Verdict> {
    match content {
        [number] => Ok(*number),
        _ => Err(Verdict::Malformed),
    }
}

/// X.690 section 8.1.3. Active Directory writes four bytes whatever the
/// length; an indefinite one, which LDAP forbids, is over every maximum.
pub(super) fn length(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    let first = reader.u8()?;
    if first < LONG_FORM {
        return Ok(usize::from(first));
    }
    match first ^ LONG_FORM {
        count @ 1..=4 => {
            let bytes = reader.take(usize::from(count))?;
            Ok(bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
        _ => Err(Malformed::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Element<'_>, Malformed> {
        Element::read(&mut Reader::new(bytes), 200)
    }

    #[test]
    fn a_length_may_be_short_or_as_long_as_active_directory_writes_it() {
        let content = b"ab";
        let tag = OCTET_STRING;
        for header in [&[4, 2][..], &[4, 0x81, 2], &[4, 0x84, 0, 0, 0, 2]] {
            let bytes = [header, content].concat();
            assert_eq!(read(&bytes), Ok(Element { tag, content }), "{header:?}");
            for length in 0..bytes.len() {
                assert_eq!(read(&bytes[..length]), Err(Malformed::Short));
            }
        }
    }

    #[test]
    fn a_length_over_the_maximum_or_without_an_end_is_too_long() {
        let headers: [&[u8]; 4] = [
            &[0x30, 0x81, 201],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85],
            &[0x30, 0x80],
        ];
        for header in headers {
            assert_eq!(read(header), Err(Malformed::TooLong), "{header:?}");
        }
    }

    #[test]
    fn another_tag_than_expected_breaks_the_rules() {
        let expect = |bytes| Element::expect(&mut Reader::new(bytes), INTEGER);
        assert_eq!(expect(&[2, 1, 9]), Ok(&[9][..]));
        assert_eq!(expect(&[4, 1, 9]), Err(Verdict::Malformed));
        assert_eq!(expect(&[2, 2, 9]), Err(Verdict::Malformed));
    }
}
