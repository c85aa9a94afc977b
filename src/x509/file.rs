//! What an operator points at (a certificate, a request, a key; PEM or DER)
//! → what to look for.

use x509_parser::asn1_rs::FromDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{PrivateKeys, pem_blocks, subject_public_key_info};
use crate::domain::{Der, Fingerprint};

/// Every certificate in a file, PEM (RFC 7468) or DER, in their order; none
/// of a broken file.
#[must_use]
pub fn every_certificate_in(file: &[u8]) -> Vec<Der> {
    let is_certificate = |der: &Der| subject_public_key_info(der).is_some();
    blocks(file).into_iter().filter(is_certificate).collect()
}

/// The SHA-256 of every SubjectPublicKeyInfo in a file, PEM or DER: of
/// certification requests (RFC 2986), public keys and certificates; none of a
/// broken file.
#[must_use]
pub fn keys_in(file: &[u8]) -> Vec<Fingerprint> {
    let key = |der: &Der| {
        requested_key(der)
            .or_else(|| public_key(der))
            .or_else(|| subject_public_key_info(der).map(Fingerprint::of))
    };
    blocks(file).iter().filter_map(key).collect()
}

/// The PEM blocks of a file, none of a broken one, or all of it as one.
fn blocks(file: &[u8]) -> Vec<Der> {
    match pem_blocks(file, PrivateKeys::PassedOver) {
        Ok(blocks) if blocks.is_empty() => vec![Der::from(file)],
        Ok(blocks) => blocks.into_iter().map(|it| it.contents.into()).collect(),
        Err(_) => Vec::new(),
    }
}

fn requested_key(der: &Der) -> Option<Fingerprint> {
    let (_, request) = X509CertificationRequest::from_der(der.as_bytes()).ok()?;
    let key = request.certification_request_info.subject_pki;
    Some(Fingerprint::of(key.raw))
}

fn public_key(der: &Der) -> Option<Fingerprint> {
    let (rest, key) = SubjectPublicKeyInfo::from_der(der.as_bytes()).ok()?;
    rest.is_empty().then(|| Fingerprint::of(key.raw))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;

    #[test]
    fn a_key_is_found_in_its_certificate_its_request_and_by_itself() {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["a.example".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let request = parameters.serialize_request(&key).unwrap();
        let spki = Fingerprint::of(&key.subject_public_key_info());
        for file in [
            certificate.pem().as_bytes(),
            certificate.der(),
            request.pem().unwrap().as_bytes(),
            request.der(),
            key.public_key_pem().as_bytes(),
            &key.subject_public_key_info(),
        ] {
            assert_eq!(keys_in(file), [spki]);
        }
        let der = Der::from(&certificate.der()[..]);
        for file in [certificate.pem().as_bytes(), certificate.der()] {
            assert_eq!(every_certificate_in(file), std::slice::from_ref(&der));
        }
        assert_eq!(every_certificate_in(request.der()), []);
        assert_eq!(keys_in(b"no key"), []);
    }

    #[test]
    fn every_certificate_of_a_file_is_found_with_its_key() {
        let made = ["ca.example", "a.example"].map(|name| {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new([name.to_owned()]).unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            let spki = Fingerprint::of(&key.subject_public_key_info());
            (certificate.pem(), Der::from(&certificate.der()[..]), spki)
        });
        let file = made.each_ref().map(|(pem, ..)| pem.as_str()).concat();
        let certificates = made.each_ref().map(|(_, der, _)| der.clone());
        assert_eq!(every_certificate_in(file.as_bytes()), certificates);
        let keys = made.each_ref().map(|(.., spki)| *spki);
        assert_eq!(keys_in(file.as_bytes()), keys);
    }
}
