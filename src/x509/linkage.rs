//! The DER of a certificate → what it says of who may certify whom.

use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::extensions::{BasicConstraints, X509Extension, X509ExtensionParser};
use x509_parser::nom::Parser;

use super::faults::Faults;
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
    /// Whether it limits the names of those below it, section 4.2.1.10.
    pub constrains_names: bool,
    /// The dotted identifiers of critical extensions that no public
    /// specification of certificates defines: whoever does not know one must
    /// refuse the certificate (section 4.2).
    pub unknown_critical: Vec<String>,
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
                self.subject_key_id = Element::first(extension.value)
                    .filter(|key_id| key_id.is(Tag::OctetString))
                    .map(|key_id| key_id.any.data.to_vec());
            }
            "2.5.29.35" => self.authority_key_id = authority_key_id(extension.value),
            "2.5.29.19" => {
                self.path_length = BasicConstraints::from_der(extension.value)
                    .ok()
                    .and_then(|(_, constraints)| constraints.path_len_constraint);
            }
            "2.5.29.30" => self.constrains_names = true,
            known if is_defined(known) => {}
            _ if extension.critical && self.unknown_critical.len() < MAX_UNKNOWN => {
                self.unknown_critical.push(id);
            }
            _ => {}
        }
    }
}

fn authority_key_id(value: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Element::first(value)?.within(Tag::Sequence);
    let key_id = fields.find(|field| field.is_context(0))?;
    Some(key_id.any.data.to_vec())
}

/// Whether RFC 5280 section 4.2, RFC 7633, RFC 6960 section 4.2.2.2.1,
/// RFC 6962 section 3.3 or Netscape's certificate types define it. RFC 6962's
/// poison is not among them: a precertificate is no certificate.
fn is_defined(id: &str) -> bool {
    matches!(
        id,
        "2.5.29.9"
            | "2.5.29.15"
            | "2.5.29.17"
            | "2.5.29.18"
            | "2.5.29.31"
            | "2.5.29.32"
            | "2.5.29.33"
            | "2.5.29.36"
            | "2.5.29.37"
            | "2.5.29.46"
            | "2.5.29.54"
            | "1.3.6.1.5.5.7.1.1"
            | "1.3.6.1.5.5.7.1.11"
            | "1.3.6.1.5.5.7.1.24"
            | "1.3.6.1.5.5.7.48.1.5"
            | "1.3.6.1.4.1.11129.2.4.2"
            | "2.16.840.1.113730.1.1"
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, GeneralSubtree, IsCa, KeyPair,
        NameConstraints,
    };

    use super::*;

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
        assert!(linkage.constrains_names);
        assert_eq!(linkage.unknown_critical, ["1.3.6.1.4.1.99999.1"]);
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
