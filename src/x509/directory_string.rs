//! The string types of ASN.1 → text.

use x509_parser::asn1_rs::{Class, Tag};

use super::walk::Element;

/// Why an element is not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotText {
    /// Its tag is no string type's.
    #[error("not a string")]
    Type,
    /// Its bytes are not in its type's encoding.
    #[error("not in its string type's encoding")]
    Encoding,
}

/// The text of a string element.
///
/// The types of ASCII often hold UTF-8 in fact, else Latin-1. T.61 is read
/// as Latin-1, as everybody has since nobody implements it; BMPString as
/// UTF-16, of which it is the part without surrogates.
pub(super) fn text(element: &Element<'_>) -> Result<String, NotText> {
    if element.any.class() != Class::Universal {
        return Err(NotText::Type);
    }
    let bytes = element.any.data;
    match element.any.tag() {
        Tag::Utf8String => utf8(bytes).ok_or(NotText::Encoding),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            Ok(utf8(bytes).unwrap_or_else(|| latin1(bytes)))
        }
        Tag::T61String | Tag::GraphicString | Tag::GeneralString => Ok(latin1(bytes)),
        Tag::BmpString => utf16(bytes).ok_or(NotText::Encoding),
        Tag::UniversalString => utf32(bytes).ok_or(NotText::Encoding),
        _ => Err(NotText::Type),
    }
}

/// ISO 8859-1: every byte is the code point of that number.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn utf8(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units = pairs.iter().copied().map(u16::from_be_bytes);
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (quads, []) = bytes.as_chunks::<4>() else {
        return None;
    };
    let points = quads.iter().copied().map(u32::from_be_bytes);
    points.map(char::from_u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(der: &[u8]) -> Result<String, NotText> {
        text(&Element::first(der).unwrap())
    }

    #[test]
    fn every_string_type_has_its_own_encoding() {
        assert_eq!(read(b"\x0c\x02\xc3\xb6").unwrap(), "ö");
        assert_eq!(read(b"\x13\x01\xf6").unwrap(), "ö");
        assert_eq!(read(b"\x16\x02\xc3\xb6").unwrap(), "ö");
        assert_eq!(read(b"\x14\x01\xf6").unwrap(), "ö");
        assert_eq!(read(b"\x1e\x02\x65\xe5").unwrap(), "日");
        assert_eq!(read(b"\x1e\x04\xd8\x3d\xde\x00").unwrap(), "😀");
        assert_eq!(read(b"\x1c\x04\x00\x01\xf6\x00").unwrap(), "😀");
    }

    #[test]
    fn what_is_no_text_is_told_apart_from_what_is_misencoded() {
        assert_eq!(read(b"\x0c\x01\xf6"), Err(NotText::Encoding));
        assert_eq!(read(b"\x1e\x01\x65"), Err(NotText::Encoding));
        assert_eq!(read(b"\x1e\x02\xd8\x3d"), Err(NotText::Encoding));
        assert_eq!(read(b"\x1c\x04\xff\xff\xff\xff"), Err(NotText::Encoding));
        assert_eq!(read(b"\x02\x01\x05"), Err(NotText::Type));
        assert_eq!(read(b"\x8c\x01A"), Err(NotText::Type));
    }
}
