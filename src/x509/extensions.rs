//! The extensions of a certificate → names, usages, CA.

use std::collections::BTreeSet;

use x509_parser::asn1_rs::{FromDer, Oid, Tag};
use x509_parser::extensions::{
    BasicConstraints, GeneralName, KeyUsage, X509Extension, X509ExtensionParser,
};
use x509_parser::nom::Parser;

use super::addresses::address;
use super::faults::Faults;
use super::walk::{Element, elements};
use super::{der_rules, directory_string, name, oid};

/// What reports say of a certificate's extensions; `None` without the
/// extension.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) alternative_names: Option<Vec<String>>,
    pub(super) key_usage: Option<Vec<String>>,
    pub(super) extended_key_usage: Option<Vec<String>>,
    pub(super) is_ca: Option<bool>,
    pub(super) must_staple: Option<bool>,
}

/// Most alternative names kept of one certificate: six times the 10,000 of
/// the largest ones met in the wild, and few megabytes.
const MAX_NAMES: usize = 65_536;

/// Most extended key usages kept of one certificate.
const MAX_USAGES: usize = 1_024;

impl Extensions {
    /// Reads a SEQUENCE OF Extension (RFC 5280 section 4.1.2.9), each for
    /// itself.
    pub(super) fn read(list: &Element<'_>, faults: &mut Faults) -> Self {
        let mut extensions = Self::default();
        let mut items = list.within(Tag::Sequence);
        let mut shallow = X509ExtensionParser::new().with_deep_parse_extensions(false);
        let mut met = BTreeSet::new();
        for item in items.by_ref() {
            let Ok((_, extension)) = shallow.parse(item.raw) else {
                der_rules::inspect(item.raw, "extensions", faults);
                faults.note("extensions", "one can't be read");
                continue;
            };
            let field = field(&extension);
            if !met.insert(extension.oid.as_bytes().to_vec()) {
                faults.note(&field, "stands twice, the first that can be read counts");
            }
            inspect(&item, &extension, &field, faults);
            extensions.take(&extension, &field, faults);
        }
        if !items.rest().is_empty() || !list.is(Tag::Sequence) {
            faults.note("extensions", "their end can't be read");
        }
        extensions
    }

    fn take(&mut self, extension: &X509Extension<'_>, field: &str, faults: &mut Faults) {
        let value = extension.value;
        match extension.oid.to_id_string().as_str() {
            "2.5.29.15" => keep(&mut self.key_usage, key_usage(value), field, faults),
            "2.5.29.17" => {
                let names = alternative_names(value, field, faults);
                keep(&mut self.alternative_names, names, field, faults);
            }
            "2.5.29.19" => keep(&mut self.is_ca, is_ca(value), field, faults),
            "2.5.29.37" => {
                let usages = extended_key_usage(value, field, faults);
                keep(&mut self.extended_key_usage, usages, field, faults);
            }
            "1.3.6.1.5.5.7.1.24" => {
                keep(&mut self.must_staple, must_staple(value), field, faults);
            }
            _ => {}
        }
    }
}

/// What an extension is called in lines about it.
fn field(extension: &X509Extension<'_>) -> String {
    let dotted = extension.oid.to_id_string();
    let unknown = || format!("extension {}", oid::shown(&dotted));
    oid::extension(&dotted).map_or_else(unknown, str::to_owned)
}

/// Notes what is wrong with the encoding of an extension. The value of one
/// that no public specification defines is its maker's own.
fn inspect(item: &Element<'_>, extension: &X509Extension<'_>, field: &str, faults: &mut Faults) {
    der_rules::inspect(item.raw, field, faults);
    let mut parts = item.within(Tag::Sequence);
    parts.find(|part| part.is(Tag::OctetString));
    parts.note_excess(0, field, faults);
    if oid::extension(&extension.oid.to_id_string()).is_none() {
        return;
    }
    let Some(value) = Element::first(extension.value) else {
        return faults.note(field, "can't be read");
    };
    elements(extension.value).note_excess(1, field, faults);
    if !der_rules::inspect(value.raw, field, faults) {
        faults.note(field, "a part of it can't be read");
    }
}

/// Keeps the first of an extension that may stand only once (RFC 5280
/// section 4.2).
fn keep<T>(slot: &mut Option<T>, value: Option<T>, field: &str, faults: &mut Faults) {
    match value {
        None => faults.note(field, "can't be read"),
        value if slot.is_none() => *slot = value,
        Some(_) => {}
    }
}

/// RFC 5280 section 4.2.1.3, by its names.
fn key_usage(value: &[u8]) -> Option<Vec<String>> {
    let (_, usage) = KeyUsage::from_der(value).ok()?;
    let bits = [
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ];
    let set = bits.into_iter().filter(|(set, _)| *set);
    Some(set.map(|(_, name)| name.to_owned()).collect())
}

/// RFC 5280 section 4.2.1.12, in the order given.
fn extended_key_usage(value: &[u8], field: &str, faults: &mut Faults) -> Option<Vec<String>> {
    let list = Element::first(value).filter(|list| list.is(Tag::Sequence))?;
    let mut usages = Vec::new();
    for usage in list.within(Tag::Sequence) {
        if !usage.is(Tag::Oid) {
            faults.note(field, "one is no object identifier");
        } else if usages.len() < MAX_USAGES {
            let id = Oid::new(usage.any.data.into());
            usages.push(oid::extended_key_usage(&id));
        }
    }
    Some(usages)
}

/// RFC 5280 section 4.2.1.9.
fn is_ca(value: &[u8]) -> Option<bool> {
    let (_, constraints) = BasicConstraints::from_der(value).ok()?;
    Some(constraints.ca)
}

/// RFC 7633 section 4.2.3: whether one of the features is status_request
/// (RFC 6066 section 8).
fn must_staple(value: &[u8]) -> Option<bool> {
    const STATUS_REQUEST: &[u8] = &[5];
    let list = Element::first(value).filter(|list| list.is(Tag::Sequence))?;
    let mut features = list.within(Tag::Sequence);
    Some(features.any(|feature| feature.is(Tag::Integer) && feature.any.data == STATUS_REQUEST))
}

/// RFC 5280 section 4.2.1.6, up to the first name that can't be read.
fn alternative_names(value: &[u8], field: &str, faults: &mut Faults) -> Option<Vec<String>> {
    let list = Element::first(value).filter(|list| list.is(Tag::Sequence))?;
    let mut items = list.within(Tag::Sequence);
    let mut names = Vec::new();
    for item in items.by_ref().take(MAX_NAMES) {
        match GeneralName::from_der(item.raw) {
            Ok((_, name)) => names.push(alternative_name(&name, field, faults)),
            Err(_) => faults.note(field, "one can't be read"),
        }
    }
    if !items.rest().is_empty() {
        faults.note(field, format!("{} bytes left out", items.rest().len()));
    }
    Some(names)
}

/// One name, in the form that [`Facts`](super::Facts) tells of.
fn alternative_name(name: &GeneralName<'_>, field: &str, faults: &mut Faults) -> String {
    if let GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) =
        name
        && !text.is_ascii()
    {
        faults.note(field, "a name is not in ASCII");
    }
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(octets) => address(octets).map_or_else(
            || {
                faults.note(field, "an address is neither 4 nor 16 octets long");
                format!("ip:{}", name::hexadecimal(octets))
            },
            |address| address.to_string(),
        ),
        GeneralName::RFC822Name(mailbox) => format!("email:{mailbox}"),
        GeneralName::URI(uri) => format!("uri:{uri}"),
        GeneralName::DirectoryName(directory) => {
            let name = name::read(directory.as_raw(), field, faults);
            format!("dirname:{}", name.distinguished_name)
        }
        GeneralName::OtherName(kind, value) => other_name(kind, value),
        GeneralName::RegisteredID(id) => format!("rid:{}", id.to_id_string()),
        GeneralName::X400Address(address) => format!("x400:{}", name::hexadecimal(address.data)),
        GeneralName::EDIPartyName(party) => format!("edi:{}", name::hexadecimal(party.data)),
        GeneralName::Invalid(tag, octets) => {
            faults.note(field, format!("a name of kind {} is malformed", tag.0));
            format!("invalid:{}", directory_string::latin1(octets))
        }
    }
}

/// `other:` and the type; then the value, as text where it is one (a
/// Microsoft user principal name is), else in hexadecimal.
fn other_name(kind: &Oid<'_>, value: &[u8]) -> String {
    let kind = kind.to_id_string();
    // [0] EXPLICIT ANY
    let text = Element::first(value)
        .and_then(|explicit| Element::first(explicit.any.data))
        .and_then(|inner| directory_string::text(&inner).ok());
    match text {
        Some(text) => format!("other:{kind}:{text}"),
        None => format!("other:{kind}:{}", name::hexadecimal(value)),
    }
}
