//! DER → elements, and the fields of a certificate, each cut out by itself.
//!
//! A parser that reads a certificate as a whole refuses all of it for one
//! month 13 or one missing byte. Here a field is only found, by its place;
//! what it holds is for the field's own reader to say. Nothing recurses, and
//! every byte is looked at a bounded number of times.

use x509_parser::asn1_rs::{Any, Class, FromDer, Header, Tag};

use super::ParseFault;
use super::faults::Faults;

/// One DER element.
#[derive(Clone, Debug)]
pub(super) struct Element<'a> {
    /// Header and content octets, as received.
    pub(super) raw: &'a [u8],
    /// Tag and content.
    pub(super) any: Any<'a>,
}

/// The elements of a constructed content, up to the first malformed one.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
}

/// The fields of a certificate (RFC 5280 section 4.1), DER of each; `None`
/// where the bytes end before it.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    /// The TBSCertificate, whole: what the signature is over.
    pub(super) signed: Option<&'a [u8]>,
    /// The version; `None` also where it is left out, as version 1 must.
    pub(super) version: Option<Element<'a>>,
    /// The content octets of the serial number.
    pub(super) serial: &'a [u8],
    pub(super) inner_algorithm: Option<&'a [u8]>,
    pub(super) issuer: Option<&'a [u8]>,
    pub(super) validity: Option<Element<'a>>,
    pub(super) subject: Option<&'a [u8]>,
    pub(super) public_key: Option<&'a [u8]>,
    /// Whether there is one of the issuer or of the subject.
    pub(super) has_unique_identifiers: bool,
    /// The SEQUENCE OF Extension.
    pub(super) extensions: Option<Element<'a>>,
    pub(super) outer_algorithm: Option<&'a [u8]>,
    pub(super) signature: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    /// The element that `bytes` begins with.
    pub(super) fn first(bytes: &'a [u8]) -> Option<Self> {
        elements(bytes).next()
    }

    /// Whether its tag is this universal one.
    pub(super) fn is(&self, tag: Tag) -> bool {
        self.any.class() == Class::Universal && self.any.tag() == tag
    }

    /// Whether its tag is this context-specific one.
    pub(super) fn is_context(&self, number: u32) -> bool {
        self.any.class() == Class::ContextSpecific && self.any.tag() == Tag(number)
    }

    /// The elements in it; none where it is not a universal `tag`.
    pub(super) fn within(&self, tag: Tag) -> Elements<'a> {
        elements(if self.is(tag) { self.any.data } else { &[] })
    }
}

/// The elements that `content` is made of.
pub(super) fn elements(content: &[u8]) -> Elements<'_> {
    Elements { rest: content }
}

impl<'a> Elements<'a> {
    /// What is left: after the last element, what no element could be read
    /// from.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Notes under `field` that there is more than the first `most` elements,
    /// or that one of these can't be read.
    pub(super) fn note_excess(&self, most: usize, field: &str, faults: &mut Faults) {
        let mut elements = self.clone();
        let read = elements.by_ref().take(most).count();
        match elements.rest.len() {
            0 => {}
            rest if read == most => faults.note(field, format!("{rest} bytes too many")),
            rest => faults.note(field, format!("{rest} bytes at its end can't be read")),
        }
    }

    /// The next element, if it has this context-specific tag.
    fn next_context(&mut self, number: u32) -> Option<Element<'a>> {
        let element = self.clone().next()?;
        if !element.is_context(number) {
            return None;
        }
        self.next()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (rest, any) = Any::from_der(self.rest).ok()?;
        let (raw, _) = self.rest.split_at_checked(self.rest.len() - rest.len())?;
        self.rest = rest;
        Some(Element { raw, any })
    }
}

/// Cuts a certificate into its fields.
///
/// # Errors
/// Where not even a serial number is found, nothing is worth telling.
pub(super) fn certificate<'a>(
    der: &'a [u8],
    faults: &mut Faults,
) -> Result<Fields<'a>, ParseFault> {
    let outer = Opened::read(der, "certificate", faults)?;
    if !outer.rest.is_empty() {
        faults.note(
            "certificate",
            format!("{} bytes after its end", outer.rest.len()),
        );
    }
    let signed = Opened::read(outer.content, "TBSCertificate", faults)?;

    let mut inner = elements(signed.content);
    let version = inner
        .next_context(0)
        .and_then(|version| only_element(&version, "version", faults));
    let serial = inner
        .next()
        .filter(|serial| serial.is(Tag::Integer))
        .ok_or_else(|| ParseFault("no serial number".to_owned()))?;
    let mut next = || inner.next().map(|element| element.raw);
    let mut fields = Fields {
        signed: signed.whole,
        version,
        serial: serial.any.data,
        inner_algorithm: next(),
        issuer: next(),
        validity: next().and_then(Element::first),
        subject: next(),
        public_key: next(),
        ..Fields::default()
    };
    for element in inner.by_ref() {
        if element.is_context(3) && fields.extensions.is_none() {
            fields.extensions = only_element(&element, "extensions", faults);
        } else if is_unique_identifier(&element) && fields.extensions.is_none() {
            fields.has_unique_identifiers = true;
        } else {
            faults.note("TBSCertificate", "an element that does not belong there");
        }
    }
    if !inner.rest().is_empty() {
        faults.note(
            "TBSCertificate",
            format!("{} bytes at its end can't be read", inner.rest().len()),
        );
    }

    let mut after = elements(signed.rest);
    fields.outer_algorithm = after.next().map(|element| element.raw);
    fields.signature = after.next().map(|element| element.raw);
    // RFC 5280 section 4.1: three fields, and no more.
    if fields.signature.is_some() && !after.rest().is_empty() {
        faults.note(
            "certificate",
            format!("{} bytes after its signature", after.rest().len()),
        );
    }
    Ok(fields)
}

/// The element that an explicit tag is around.
fn only_element<'a>(
    explicit: &Element<'a>,
    field: &str,
    faults: &mut Faults,
) -> Option<Element<'a>> {
    let mut content = elements(explicit.any.data);
    content.note_excess(1, field, faults);
    content.next()
}

/// That of the issuer or of the subject, RFC 5280 section 4.1.2.8.
fn is_unique_identifier(element: &Element<'_>) -> bool {
    element.is_context(1) || element.is_context(2)
}

/// A SEQUENCE that may end before its declared length.
struct Opened<'a> {
    /// All of it, where all of it is there.
    whole: Option<&'a [u8]>,
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Opened<'a> {
    fn read(bytes: &'a [u8], what: &str, faults: &mut Faults) -> Result<Self, ParseFault> {
        let not_der = || ParseFault(format!("{what}: not a DER SEQUENCE"));
        let (body, header) = Header::from_der(bytes).map_err(|_| not_der())?;
        if header.class() != Class::Universal || header.tag() != Tag::Sequence {
            return Err(not_der());
        }
        let length = header.length().definite().map_err(|_| not_der())?;
        let Some((content, rest)) = body.split_at_checked(length) else {
            faults.note(
                what,
                format!("{} of its {length} bytes are missing", length - body.len()),
            );
            return Ok(Self {
                whole: None,
                content: body,
                rest: &[],
            });
        };
        let whole = bytes.get(..bytes.len() - rest.len());
        Ok(Self {
            whole,
            content,
            rest,
        })
    }
}
