//! The DER of a certificate → what it says of who may certify whom.

use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::extensions::{
    BasicConstraints, GeneralName, GeneralSubtree, NameConstraints, X509Extension,
    X509ExtensionParser,
};
use x509_parser::nom::Parser;

use super::faults::Faults;
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
    /// Which names of those below it are limited, section 4.2.1.10.
    pub constrained: ConstrainedNames,
    /// Whether it has alternative names of other kinds than those of hosts,
    /// section 4.2.1.6, or of kinds that can't be read.
    pub has_other_names: bool,
    /// The dotted identifiers, cut where they are long, of critical extensions
    /// that no public specification of certificates defines: whoever does not
    /// know one must refuse the certificate (section 4.2).
    pub unknown_critical: Vec<String>,
}

/// The kinds of names that a certificate limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConstrainedNames {
    /// None.
    #[default]
    None,
    /// DNS names and addresses alone.
    Hosts,
    /// Other alternative names too, such as mailboxes.
    Alternatives,
    /// Directory names too, of which every certificate has one; or it can't be
    /// read which.
    All,
}

/// Most unknown critical extensions kept: one is enough to refuse.
const MAX_UNKNOWN: usize = 16;

/// Reads what binds a certificate to others. Total; costs time in proportion
/// to the bytes.
#[must_use]
pub fn linkage(der: &Der) -> Linkage {
    let mut linkage = Linkage::default();
    let fields = walk::certificate(der.as_bytes(), &mut Faults::default());
    let list = fields.ok().and_then(|fields| fields.extensions);
    let items = list.iter().flat_map(|list| list.within(Tag::Sequence));
    let mut shallow = X509ExtensionParser::new().with_deep_parse_extensions(false);
    for item in items {
        if let Ok((_, extension)) = shallow.parse(item.raw) {
            linkage.take(&extension);
        }
    }
    linkage
}

impl Linkage {
    fn take(&mut self, extension: &X509Extension<'_>) {
        let id = extension.oid.to_id_string();
        match id.as_str() {
            "2.5.29.14" => {
                keep(&mut self.subject_key_id, subject_key_id(extension.value));
            }
            "2.5.29.35" => keep(
                &mut self.authority_key_id,
                authority_key_id(extension.value),
            ),
            "2.5.29.19" => keep(&mut self.path_length, path_length(extension.value)),
            "2.5.29.17" => self.has_other_names |= has_other_names(extension.value),
            "2.5.29.30" => {
                self.constrained = self.constrained.max(constrained_names(extension.value));
            }
            known if oid::extension(known).is_some() => {}
            _ if extension.critical && self.unknown_critical.len() < MAX_UNKNOWN => {
                self.unknown_critical.push(oid::shown(&id));
            }
            _ => {}
        }
    }
}

/// Keeps the first of an extension that may stand only once (section 4.2).
fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn path_length(value: &[u8]) -> Option<u32> {
    let (_, constraints) = BasicConstraints::from_der(value).ok()?;
    constraints.path_len_constraint
}

fn subject_key_id(value: &[u8]) -> Option<Vec<u8>> {
    let key_id = Element::first(value).filter(|key_id| key_id.is(Tag::OctetString))?;
    Some(key_id.any.data.to_vec())
}

fn constrained_names(value: &[u8]) -> ConstrainedNames {
    let Ok((_, limits)) = NameConstraints::from_der(value) else {
        return ConstrainedNames::All;
    };
    let NameConstraints {
        permitted_subtrees,
        excluded_subtrees,
    } = limits;
    let subtrees = [permitted_subtrees, excluded_subtrees];
    let kinds = subtrees.iter().flatten().flatten().map(kind);
    kinds.max().unwrap_or(ConstrainedNames::Hosts)
}

fn kind(subtree: &GeneralSubtree<'_>) -> ConstrainedNames {
    match subtree.base {
        GeneralName::DNSName(_) | GeneralName::IPAddress(_) => ConstrainedNames::Hosts,
        GeneralName::OtherName(..)
        | GeneralName::RFC822Name(_)
        | GeneralName::X400Address(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::URI(_)
        | GeneralName::RegisteredID(_) => ConstrainedNames::Alternatives,
        GeneralName::DirectoryName(_) | GeneralName::Invalid(..) => ConstrainedNames::All,
    }
}

fn has_other_names(value: &[u8]) -> bool {
    let Some(list) = Element::first(value).filter(|list| list.is(Tag::Sequence)) else {
        return true;
    };
    let mut names = list.within(Tag::Sequence);
    // [2] dNSName, [7] iPAddress
    let mut is_of_hosts = |name: Element<'_>| name.is_context(2) || name.is_context(7);
    !names.by_ref().all(&mut is_of_hosts) || !names.rest().is_empty()
}

fn authority_key_id(value: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Element::first(value)?.within(Tag::Sequence);
    let key_id = fields.find(|field| field.is_context(0))?;
    Some(key_id.any.data.to_vec())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, GeneralSubtree,
        IsCa, KeyPair, NameConstraints,
    };

    use super::{ConstrainedNames, Der, constrained_names, has_other_names, linkage};

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
        assert_eq!(linkage.constrained, ConstrainedNames::Hosts);
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
            linkage(&Der::from(&certificate.unwrap().der()[..])).constrained
        };
        let mail = GeneralSubtree::Rfc822Name("example".to_owned());
        let [hosts, directory, mail] = [[hosts], [directory], [mail]];
        assert_eq!(constrained(&hosts, &[]), ConstrainedNames::Hosts);
        assert_eq!(constrained(&[], &hosts), ConstrainedNames::Hosts);
        assert_eq!(constrained(&directory, &[]), ConstrainedNames::All);
        assert_eq!(constrained(&hosts, &directory), ConstrainedNames::All);
        assert_eq!(constrained(&mail, &hosts), ConstrainedNames::Alternatives);
        assert_eq!(constrained(&mail, &directory), ConstrainedNames::All);
        assert_eq!(constrained_names(b"?"), ConstrainedNames::All);
    }

    #[test]
    fn names_of_other_kinds_than_hosts_are_told_apart() {
        // host.test and 10.0.0.7, then a mailbox.
        let hosts = b"\x30\x11\x82\x09host.test\x87\x04\x0a\x00\x00\x07";
        let mailbox = b"\x30\x13\x82\x09host.test\x81\x06a@test";
        assert!(!has_other_names(hosts));
        assert!(has_other_names(mailbox));
        assert!(!has_other_names(b"\x30\x00"));
        assert!(has_other_names(b"\x30\x02\x82\x09"), "cut");
        assert!(has_other_names(b"?"));
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
