//! The bytes of a certificate → where they are not in DER.
//!
//! Readers of ASN.1 take what the distinguished encoding rules (X.690
//! sections 8, 10 and 11) forbid, each something else, so that one client
//! accepts what another refuses. Nothing recurses, and every byte is looked
//! at a bounded number of times.

use x509_parser::asn1_rs::{Class, Tag};

use super::faults::Faults;
use super::walk::{Element, elements};

/// Deepest nesting looked into, of one field: names in the extensions of
/// certificates in use stand about ten deep.
const MAX_DEPTH: usize = 32;

/// The fields of a TBSCertificate up to its extensions, in order.
const FIELDS: [&str; 7] = [
    "version",
    "serial number",
    "signature algorithm",
    "issuer",
    "validity",
    "subject",
    "public key",
];

/// Notes what is not in DER in the fields of a certificate. Its extensions
/// are [`inspect`]ed one by one, by who knows their names. One that ends
/// before its declared length is not looked into.
pub(super) fn inspect_fields(der: &[u8], faults: &mut Faults) {
    let Some(certificate) = Element::first(der) else {
        return;
    };
    note(&certificate, "certificate", faults);
    let mut parts = certificate.within(Tag::Sequence);
    if let Some(signed) = parts.next() {
        note(&signed, "TBSCertificate", faults);
        inspect_signed(&signed, faults);
    }
    for (part, field) in parts.zip(["signature algorithm", "signature"]) {
        inspect(part.raw, field, faults);
    }
}

fn inspect_signed(signed: &Element<'_>, faults: &mut Faults) {
    let fields = signed.within(Tag::Sequence);
    let has_version = fields
        .clone()
        .next()
        .is_some_and(|first| first.is_context(0));
    let names = FIELDS.into_iter().skip(usize::from(!has_version));
    let names = names.chain(std::iter::repeat("unique identifiers"));
    for (field, name) in fields.zip(names) {
        if field.is_context(3) {
            note(&field, "extensions", faults);
            if let Some(list) = Element::first(field.any.data) {
                note(&list, "extensions", faults);
            }
        } else {
            inspect(field.raw, name, faults);
        }
    }
}

/// Notes under `field` what is not in DER in the elements that `bytes` begin
/// with; whether they could all be read to their ends.
pub(super) fn inspect(bytes: &[u8], field: &str, faults: &mut Faults) -> bool {
    let mut is_whole = true;
    let mut open = vec![elements(bytes)];
    while let Some(level) = open.last_mut() {
        let Some(element) = level.next() else {
            is_whole &= level.rest().is_empty();
            open.pop();
            continue;
        };
        note(&element, field, faults);
        if element.any.header.is_constructed() && open.len() < MAX_DEPTH {
            open.push(elements(element.any.data));
        }
    }
    is_whole
}

/// Notes what is wrong with one element, whatever is in it.
fn note(element: &Element<'_>, field: &str, faults: &mut Faults) {
    let content = element.any.data;
    let tag_octets = element.any.header.raw_tag().map_or(1, <[u8]>::len);
    let header = element.raw.len() - content.len();
    if header - tag_octets > shortest_length(content.len()) {
        faults.note(field, "a length takes more octets than it needs");
    }
    if element.any.class() != Class::Universal {
        return;
    }
    let fault = match element.any.tag() {
        Tag::Boolean if !is_boolean(content) => "a BOOLEAN is neither 0x00 nor 0xff",
        Tag::Integer | Tag::Enumerated if is_padded(content) => {
            "an INTEGER takes more octets than it needs"
        }
        Tag::Oid if !is_identifier(content) => "an object identifier is malformed",
        Tag::Ia5String if !content.is_ascii() => "an IA5String is not in ASCII",
        _ => return,
    };
    faults.note(field, fault);
}

/// The fewest octets that a length can be told in, X.690 sections 8.1.3 and
/// 10.1.
fn shortest_length(length: usize) -> usize {
    if length < 0x80 {
        return 1;
    }
    let octets = (usize::BITS - length.leading_zeros()).div_ceil(8);
    1 + usize::try_from(octets).unwrap_or(usize::MAX - 1)
}

/// X.690 sections 8.2.1 and 11.1.
fn is_boolean(content: &[u8]) -> bool {
    matches!(content, [0x00 | 0xff])
}

/// Whether the first nine bits are all the same, X.690 section 8.3.2.
fn is_padded(content: &[u8]) -> bool {
    matches!(content, [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..])
}

/// X.690 section 8.19.2: octets in groups, the last of each below 0x80, none
/// padded.
fn is_identifier(content: &[u8]) -> bool {
    let ends = content.last().is_some_and(|last| *last < 0x80);
    let mut groups = content.split_inclusive(|octet| *octet < 0x80);
    ends && groups.all(|group| group.first() != Some(&0x80))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these bytes, and whether they could be read to
    /// their ends.
    fn inspected(bytes: &[u8]) -> (Vec<String>, bool) {
        let mut faults = Faults::default();
        let is_whole = inspect(bytes, "here", &mut faults);
        (faults.into_lines(), is_whole)
    }

    #[test]
    fn what_der_allows_is_no_fault() {
        let long = [&[0x04, 0x81, 0x80][..], &[0; 0x80]].concat();
        let longer = [&[0x04, 0x82, 0x01, 0x00][..], &[0; 0x100]].concat();
        let elements = [
            &[0x05, 0x00][..],
            &[0x01, 0x01, 0xff, 0x01, 0x01, 0x00],
            &[0x02, 0x01, 0x00, 0x02, 0x02, 0x00, 0x80],
            &[0x02, 0x01, 0xff, 0x02, 0x02, 0xff, 0x7f],
            &[0x06, 0x03, 0x2a, 0x81, 0x00],
            &[0x9f, 0x81, 0x00, 0x00],
            &[0x81, 0x02, 0x00, 0x00],
            &long,
            &longer,
        ];
        for bytes in elements {
            assert_eq!(inspected(bytes), (Vec::new(), true), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_der_forbids_is_a_fault_however_deep() {
        let length = "here: a length takes more octets than it needs";
        let boolean = "here: a BOOLEAN is neither 0x00 nor 0xff";
        let integer = "here: an INTEGER takes more octets than it needs";
        let identifier = "here: an object identifier is malformed";
        let cases = [
            (&[0x04, 0x81, 0x00][..], length),
            (&[0x04, 0x82, 0x00, 0x01, 0x00], length),
            (&[0x9f, 0x81, 0x00, 0x81, 0x00], length),
            (&[0x01, 0x01, 0x01], boolean),
            (&[0x01, 0x00], boolean),
            (&[0x02, 0x02, 0x00, 0x7f], integer),
            (&[0x02, 0x02, 0xff, 0x80], integer),
            (&[0x0a, 0x02, 0x00, 0x00], integer),
            (&[0x06, 0x00], identifier),
            (&[0x06, 0x02, 0x2a, 0x81], identifier),
            (&[0x06, 0x03, 0x2a, 0x80, 0x01], identifier),
            (&[0x16, 0x01, 0xf6], "here: an IA5String is not in ASCII"),
        ];
        for (bytes, fault) in cases {
            let mut bytes = bytes.to_vec();
            for _ in 0..10 {
                assert_eq!(inspected(&bytes), (vec![fault.to_owned()], true));
                let length = u8::try_from(bytes.len()).unwrap();
                bytes.splice(0..0, [0x30, length]);
            }
        }
    }

    #[test]
    fn what_ends_too_early_is_not_whole() {
        assert_eq!(inspected(&[0x30, 0x02, 0x04, 0x01]), (Vec::new(), false));
        assert_eq!(inspected(&[0x05, 0x00, 0x05]), (Vec::new(), false));
    }

    #[test]
    fn a_million_nested_elements_are_looked_into_so_far_and_no_further() {
        let deep = [0x30, 0x80].repeat(1_000_000);
        assert_eq!(inspected(&deep), (Vec::new(), false));
        let mut deep = Vec::new();
        for _ in 0..10_000 {
            let length = u32::try_from(deep.len()).unwrap().to_be_bytes();
            deep.splice(0..0, [&[0x30, 0x84][..], &length].concat());
        }
        let (faults, _) = inspected(&deep);
        assert_eq!(faults.len(), 1);
    }
}
