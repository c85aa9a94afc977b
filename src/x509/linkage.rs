//! The DER of a certificate → what it says of who may certify whom.

use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::extensions::{
    BasicConstraints, GeneralName, GeneralSubtree, NameConstraints, X509Extension,
    X509ExtensionParser,
};
use x509_parser::nom::Parser;

use super::faults::Faults;
use super::name_kinds::NameKinds;
use super::oid;
use super::walk::{self, Element};
use crate::domain::Der;

/// What binds a certificate to its issuer and to those it certifies, beside
/// their names (RFC 5280 section 4.2.1). What can't be read is as if it were
/// not there; [`Facts`](super::Facts) has a line for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linkage {
    /// The identifier of its own key, section 4.2.1.2.
    pub subject_key_id: Option<Vec<u8>>,
    /// The identifier of the key that signed it, section 4.2.1.1.
    pub authority_key_id: Option<Vec<u8>>,
    /// How many authorities may stand between it and a leaf, section 4.2.1.9.
    pub path_length: Option<u32>,
    /// The kinds of names that it limits for those below it, section 4.2.1.10.
    pub limited_names: NameKinds,
    /// The kinds of its alternative names, section 4.2.1.6.
    pub alternative_names: NameKinds,
    /// The dotted identifiers, cut where they are long, of critical extensions
    /// that no public specification of certificates defines: whoever does not
    /// know one must refuse the certificate (section 4.2).
    pub unknown_critical: Vec<String>,
}

/// Most unknown critical extensions kept: one is enough to refuse.
const MAX_UNKNOWN: usize = 16;

/// What was read of the extensions that may stand only once (section 4.2): the
/// first that can be read counts, also where it lacks what is sought.
#[derive(Debug, Default)]
struct Firsts {
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Said<Vec<u8>>>,
    path_length: Option<Said<u32>>,
}

/// What an extension that can be read says; `None` where it says nothing.
#[derive(Debug)]
struct Said<T>(Option<T>);

/// Reads what binds a certificate to others. Total; costs time in proportion
/// to the bytes.
#[must_use]
pub fn linkage(der: &Der) -> Linkage {
    let (mut linkage, mut firsts) = (Linkage::default(), Firsts::default());
    let fields = walk::certificate(der.as_bytes(), &mut Faults::default());
    let list = fields.ok().and_then(|fields| fields.extensions);
    let items = list.iter().flat_map(|list| list.within(Tag::Sequence));
    let mut shallow = X509ExtensionParser::new().with_deep_parse_extensions(false);
    for item in items {
        if let Ok((_, extension)) = shallow.parse(item.raw) {
            linkage.take(&extension, &mut firsts);
        }
    }
    Linkage {
        subject_key_id: firsts.subject_key_id,
        authority_key_id: firsts.authority_key_id.and_then(|said| said.0),
        path_length: firsts.path_length.and_then(|said| said.0),
        ..linkage
    }
}

impl Linkage {
    fn take(&mut self, extension: &X509Extension<'_>, firsts: &mut Firsts) {
        let (id, value) = (extension.oid.to_id_string(), extension.value);
        match id.as_str() {
            "2.5.29.14" => keep(&mut firsts.subject_key_id, subject_key_id(value)),
            "2.5.29.35" => keep(&mut firsts.authority_key_id, authority_key_id(value)),
            "2.5.29.19" => keep(&mut firsts.path_length, path_length(value)),
            "2.5.29.17" => {
                self.alternative_names = self.alternative_names | alternative_names(value);
            }
            "2.5.29.30" => self.limited_names = self.limited_names | limited_names(value),
            known if oid::extension(known).is_some() => {}
            _ if extension.critical && self.unknown_critical.len() < MAX_UNKNOWN => {
                self.unknown_critical.push(oid::shown(&id));
            }
            _ => {}
        }
    }
}

/// Keeps the first that could be read.
fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn path_length(value: &[u8]) -> Option<Said<u32>> {
    let (_, constraints) = BasicConstraints::from_der(value).ok()?;
    Some(Said(constraints.path_len_constraint))
}

fn subject_key_id(value: &[u8]) -> Option<Vec<u8>> {
    let key_id = Element::first(value).filter(|key_id| key_id.is(Tag::OctetString))?;
    Some(key_id.any.data.to_vec())
}

/// Those of hosts where it lists none, which section 4.2.1.10 forbids.
fn limited_names(value: &[u8]) -> NameKinds {
    let Ok((_, limits)) = NameConstraints::from_der(value) else {
        return NameKinds::UNREADABLE;
    };
    let subtrees = [limits.permitted_subtrees, limits.excluded_subtrees];
    let kinds: NameKinds = subtrees.iter().flatten().flatten().map(kind).collect();
    if kinds.is_empty() {
        NameKinds::HOSTS
    } else {
        kinds
    }
}

fn kind(subtree: &GeneralSubtree<'_>) -> NameKinds {
    NameKinds::of_tag(match subtree.base {
        GeneralName::OtherName(..) => 0,
        GeneralName::RFC822Name(_) => 1,
        GeneralName::DNSName(_) => 2,
        GeneralName::X400Address(_) => 3,
        GeneralName::DirectoryName(_) => 4,
        GeneralName::EDIPartyName(_) => 5,
        GeneralName::URI(_) => 6,
        GeneralName::IPAddress(_) => 7,
        GeneralName::RegisteredID(_) => 8,
        GeneralName::Invalid(..) => return NameKinds::UNREADABLE,
    })
}

fn alternative_names(value: &[u8]) -> NameKinds {
    let Some(list) = Element::first(value).filter(|list| list.is(Tag::Sequence)) else {
        return NameKinds::UNREADABLE;
    };
    let mut names = list.within(Tag::Sequence);
    let kind = |name: Element<'_>| {
        let tag = name.any.tag().0;
        let is_known = name.is_context(tag);
        NameKinds::of_tag(if is_known { tag } else { u32::MAX })
    };
    let kinds: NameKinds = names.by_ref().map(kind).collect();
    if names.rest().is_empty() {
        kinds
    } else {
        NameKinds::UNREADABLE
    }
}

fn authority_key_id(value: &[u8]) -> Option<Said<Vec<u8>>> {
    let fields = Element::first(value).filter(|fields| fields.is(Tag::Sequence))?;
    let key_id = fields
        .within(Tag::Sequence)
        .find(|field| field.is_context(0));
    Some(Said(key_id.map(|key_id| key_id.any.data.to_vec())))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, GeneralSubtree,
        IsCa, KeyPair, NameConstraints,
    };

    use super::{Der, NameKinds, alternative_names, limited_names, linkage};

    fn authority() -> CertificateParams {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
        authority.use_authority_key_identifier_extension = true;
        authority.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
        let mut poison =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        poison.set_criticality(true);
        authority.custom_extensions = vec![poison];
        authority
    }

    #[test]
    fn key_identifiers_limits_and_unknown_critical_extensions_are_read() {
        let certificate = authority().self_signed(&KeyPair::generate().unwrap());
        let der = Der::from(&certificate.unwrap().der()[..]);
        let linkage = linkage(&der);
        assert!(linkage.subject_key_id.is_some());
        assert_eq!(linkage.subject_key_id, linkage.authority_key_id);
        assert_eq!(linkage.path_length, Some(3));
        assert_eq!(linkage.limited_names, NameKinds::of_tag(2));
        assert_eq!(linkage.unknown_critical, ["1.3.6.1.4.1.99999.1"]);
    }

    #[test]
    fn limits_on_other_names_than_hosts_are_told_apart() {
        let hosts = GeneralSubtree::DnsName("example".to_owned());
        let directory = GeneralSubtree::DirectoryName(DistinguishedName::new());
        let constrained = |permitted: &[GeneralSubtree], excluded: &[GeneralSubtree]| {
            let mut limited = authority();
            limited.name_constraints = Some(NameConstraints {
                permitted_subtrees: permitted.to_vec(),
                excluded_subtrees: excluded.to_vec(),
            });
            let certificate = limited.self_signed(&KeyPair::generate().unwrap());
            linkage(&Der::from(&certificate.unwrap().der()[..])).limited_names
        };
        let mail = GeneralSubtree::Rfc822Name("example".to_owned());
        let [hosts, directory, mail] = [[hosts], [directory], [mail]];
        let dns = NameKinds::of_tag(2);
        assert_eq!(constrained(&hosts, &[]), dns);
        assert_eq!(constrained(&[], &hosts), dns);
        assert_eq!(constrained(&directory, &[]), NameKinds::DIRECTORY);
        assert_eq!(constrained(&hosts, &directory), dns | NameKinds::DIRECTORY);
        assert_eq!(constrained(&mail, &hosts), dns | NameKinds::of_tag(1));
        assert_eq!(limited_names(b"?"), NameKinds::UNREADABLE);
        assert_eq!(limited_names(b"\x30\x00"), NameKinds::HOSTS);
    }

    #[test]
    fn the_kinds_of_alternative_names_are_told_apart() {
        // host.test and 10.0.0.7, then a mailbox.
        let hosts = b"\x30\x11\x82\x09host.test\x87\x04\x0a\x00\x00\x07";
        let mailbox = b"\x30\x13\x82\x09host.test\x81\x06a@test";
        assert_eq!(alternative_names(hosts), NameKinds::HOSTS);
        let both = NameKinds::of_tag(1) | NameKinds::of_tag(2);
        assert_eq!(alternative_names(mailbox), both);
        assert!(alternative_names(b"\x30\x00").is_empty());
        let unreadable = [&b"\x30\x02\x82\x09"[..], b"?", b"\x30\x02\x04\x00"];
        for value in unreadable {
            assert_eq!(alternative_names(value), NameKinds::UNREADABLE);
        }
    }

    #[test]
    fn of_an_extension_that_stands_twice_the_first_counts_also_where_it_says_nothing() {
        let twice = |id: &[u64], values: [&[u8]; 2]| {
            let mut params = CertificateParams::default();
            let extensions =
                values.map(|value| CustomExtension::from_oid_content(id, value.to_vec()));
            params.custom_extensions = extensions.into();
            let certificate = params.self_signed(&KeyPair::generate().unwrap());
            linkage(&Der::from(&certificate.unwrap().der()[..]))
        };
        let [any, none]: [&[u8]; 2] =
            [b"\x30\x03\x01\x01\xff", b"\x30\x06\x01\x01\xff\x02\x01\x00"];
        let constraints = [2, 5, 29, 19];
        assert_eq!(twice(&constraints, [any, none]).path_length, None);
        assert_eq!(twice(&constraints, [none, any]).path_length, Some(0));
        assert_eq!(twice(&constraints, [b"?", none]).path_length, Some(0));

        let [empty, key]: [&[u8]; 2] = [b"\x30\x00", b"\x30\x03\x80\x01\x07"];
        let authority = [2, 5, 29, 35];
        let named = |values| twice(&authority, values).authority_key_id;
        assert_eq!(named([empty, key]), None);
        assert_eq!(named([key, empty]), Some(vec![7]));
        assert_eq!(named([b"?", key]), Some(vec![7]));
    }

    #[test]
    fn a_certificate_cut_anywhere_or_changed_anywhere_is_read_as_far_as_it_goes() {
        let certificate = authority().self_signed(&KeyPair::generate().unwrap());
        let bytes = certificate.unwrap().der().to_vec();
        for end in 0..bytes.len() {
            let _ = linkage(&Der::from(&bytes[..end]));
            let mut changed = bytes.clone();
            changed[end] ^= 0x81;
            let _ = linkage(&Der::from(changed));
        }
    }
}
