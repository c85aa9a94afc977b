//! The DER of a Name → its common name and its string of RFC 4514.
//!
//! In a certificate as much is told as can be read, beside the certificate's
//! faults; a name that stands alone is told whole or as its bytes.

use std::fmt::Write;

use x509_parser::asn1_rs::{Oid, Tag};

use super::faults::Faults;
use super::walk::Element;
use super::{Name, directory_string, oid};

/// Reads a Name (RFC 5280 section 4.1.2.4) as far as it can be read; what
/// is wrong is noted under `field`.
pub(super) fn read(der: &[u8], field: &str, faults: &mut Faults) -> Name {
    let Some(name) = Element::first(der).filter(|name| name.is(Tag::Sequence)) else {
        faults.note(field, "not a Name");
        return Name::default();
    };
    let mut common_name = None;
    let mut relatives = Vec::new();
    let mut sets = name.within(Tag::Sequence);
    for set in sets.by_ref() {
        let mut parts = Vec::new();
        let mut attributes = set.within(Tag::Set);
        for attribute in attributes.by_ref() {
            let Some(attribute) = Attribute::read(&attribute) else {
                faults.note(field, "an attribute can't be read");
                continue;
            };
            let value = attribute.value(field, faults);
            parts.push(format!("{}={}", attribute.kind(), value.written));
            common_name = value.common_name.or(common_name);
        }
        if !attributes.rest().is_empty() || parts.is_empty() {
            faults.note(field, "a relative name can't be read");
        }
        relatives.push(parts);
    }
    if !sets.rest().is_empty() {
        faults.note(field, "its end can't be read");
    }
    Name {
        common_name,
        distinguished_name: join(relatives),
    }
}

/// Most bytes of text of a list of names: about as much as the list itself
/// may take on the wire (RFC 5246 section 7.4.4), which hexadecimal doubles.
const MAX_TEXT: usize = 64 * 1024;

/// A Name by itself (RFC 5280 section 4.1.2.4) in the string form of RFC 4514.
///
/// Total: what is no Name, or can't be read to its end, is `#` and all of its
/// bytes in hexadecimal.
#[must_use]
pub fn name_text(der: &[u8]) -> String {
    if is_whole(der) {
        // What is noted is a value in no encoding of text: it is written in
        // hexadecimal.
        let name = read(der, "", &mut Faults::default());
        name.distinguished_name
    } else {
        hexadecimal(der)
    }
}

/// Names, DER each, in the form of [`name_text`]: as many as 64 KiB of text
/// hold. Where there are more, the last item counts them: `…(+12)`.
#[must_use]
pub fn name_texts(names: &[Vec<u8>]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut length = 0;
    for (position, name) in names.iter().enumerate() {
        let text = name_text(name);
        length += text.len() + 1;
        if length > MAX_TEXT {
            texts.push(format!("…(+{})", names.len() - position));
            break;
        }
        texts.push(text);
    }
    texts
}

/// Whether it is one SEQUENCE OF SET OF type and value that can be read to its
/// end.
fn is_whole(der: &[u8]) -> bool {
    let name = Element::first(der).filter(|name| name.is(Tag::Sequence));
    let Some(name) = name.filter(|name| name.raw.len() == der.len()) else {
        return false;
    };
    let mut sets = name.within(Tag::Sequence);
    sets.by_ref().all(|set| is_whole_set(&set)) && sets.rest().is_empty()
}

fn is_whole_set(set: &Element<'_>) -> bool {
    let mut attributes = set.within(Tag::Set);
    let attribute = |element| Attribute::read(&element);
    let read: Option<Vec<_>> = attributes.by_ref().map(attribute).collect();
    read.is_some_and(|read| !read.is_empty()) && attributes.rest().is_empty()
}

/// RFC 4514 section 2.1 wants the last relative name first; OpenSSL turns
/// the parts of each around too, and so do we.
fn join(mut relatives: Vec<Vec<String>>) -> String {
    relatives.retain(|parts| !parts.is_empty());
    relatives.reverse();
    let joined = relatives.into_iter().map(|mut parts| {
        parts.reverse();
        parts.join("+")
    });
    joined.collect::<Vec<_>>().join(",")
}

/// One AttributeTypeAndValue.
struct Attribute<'a> {
    kind: Oid<'a>,
    value: Element<'a>,
}

/// An attribute's value.
struct Value {
    /// In the form of RFC 4514 section 2.4.
    written: String,
    /// As it is, where the attribute is a common name.
    common_name: Option<String>,
}

impl<'a> Attribute<'a> {
    fn read(element: &Element<'a>) -> Option<Self> {
        let mut fields = element.within(Tag::Sequence);
        let kind = fields.next().filter(|kind| kind.is(Tag::Oid))?;
        let value = fields.next()?;
        Some(Self {
            kind: Oid::new(kind.any.data.into()),
            value,
        })
    }

    fn kind(&self) -> String {
        oid::attribute(&self.kind).map_or_else(|| self.kind.to_id_string(), str::to_owned)
    }

    fn value(&self, field: &str, faults: &mut Faults) -> Value {
        // A type without a name has its value in hexadecimal.
        let Some(kind) = oid::attribute(&self.kind) else {
            return Value {
                written: hexadecimal(self.value.raw),
                common_name: None,
            };
        };
        let (written, text) = match directory_string::text(&self.value) {
            Ok(text) => (escaped(&text), text),
            Err(fault) => {
                faults.note(field, format!("{kind} is {fault}"));
                let lossy = String::from_utf8_lossy(self.value.any.data);
                (hexadecimal(self.value.raw), lossy.into_owned())
            }
        };
        Value {
            written,
            common_name: (kind == "CN").then_some(text),
        }
    }
}

/// A value's DER in hexadecimal, RFC 4514 section 2.4.
pub(super) fn hexadecimal(der: &[u8]) -> String {
    let mut text = String::with_capacity(1 + 2 * der.len());
    text.push('#');
    for byte in der {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A value as text, RFC 4514 section 2.4. Only what would change its meaning
/// is escaped; showing it safely is the reports' concern.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (position, character) in text.chars().enumerate() {
        match character {
            '\0' => escaped.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', character]),
            '#' if position == 0 => escaped.push_str("\\#"),
            ' ' if position == 0 || position == last => escaped.push_str("\\ "),
            _ => escaped.push(character),
        }
    }
    escaped
}
