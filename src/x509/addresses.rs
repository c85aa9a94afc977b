use std::net::IpAddr;

use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::X509ExtensionParser;
use x509_parser::nom::Parser;

use super::faults::Faults;
use super::walk::{self, Element};
use crate::domain::Der;

/// Most addresses read of one certificate, as of its names.
const MAX_ADDRESSES: usize = 65_536;

/// The alternative names of a certificate that are addresses by their kind
/// (RFC 5280 section 4.2.1.6, iPAddress): an address written as a DNS name is
/// not among them, though [`Facts`](super::Facts) shows it in the same way.
#[must_use]
pub fn addresses(der: &Der) -> Vec<IpAddr> {
    let fields = walk::certificate(der.as_bytes(), &mut Faults::default());
    let list = fields.ok().and_then(|fields| fields.extensions);
    let items = list.iter().flat_map(|list| list.within(Tag::Sequence));
    let names = items.filter_map(|item| alternative_names(&item)).take(1);
    let addresses = names
        .flat_map(|names| names.within(Tag::Sequence))
        .filter(|name| name.is_context(7))
        .filter_map(|name| address(name.any.data));
    addresses.take(MAX_ADDRESSES).collect()
}

/// The GeneralNames of a subjectAltName.
fn alternative_names<'a>(extension: &Element<'a>) -> Option<Element<'a>> {
    let mut shallow = X509ExtensionParser::new().with_deep_parse_extensions(false);
    let (_, extension) = shallow.parse(extension.raw).ok()?;
    if extension.oid.to_id_string() != "2.5.29.17" {
        return None;
    }
    Element::first(extension.value)
}

/// The address in these octets; `None` where they are neither 4 nor 16.
pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| sixteen()).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    #[test]
    fn only_what_is_an_address_by_its_kind_is_one() {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = vec![
            SanType::DnsName("192.0.2.1".try_into().unwrap()),
            SanType::IpAddress([192, 0, 2, 2].into()),
            SanType::DnsName("a.example".try_into().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ];
        let certificate = parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap();
        let der = Der::from(&certificate.der()[..]);
        let expected: [IpAddr; 2] = [[192, 0, 2, 2].into(), "2001:db8::1".parse().unwrap()];
        assert_eq!(addresses(&der), expected);
        for end in 0..certificate.der().len() {
            let _ = addresses(&Der::from(&certificate.der()[..end]));
        }
    }
}
