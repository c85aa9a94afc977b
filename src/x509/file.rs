//! What an operator points at (a certificate, a request, a key; PEM or DER)
//! → the fingerprint to look for.

use x509_parser::asn1_rs::FromDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{PrivateKeys, pem_blocks, subject_public_key_info};
use crate::domain::{Der, Fingerprint};

/// The SHA-256 of the first certificate in a file, PEM (RFC 7468) or DER;
/// `None` without one.
#[must_use]
pub fn certificate_in(file: &[u8]) -> Option<Fingerprint> {
    first_certificate_in(file).map(|der| der.fingerprint())
}

/// The first certificate in a file, PEM (RFC 7468) or DER; `None` without one.
#[must_use]
pub fn first_certificate_in(file: &[u8]) -> Option<Der> {
    let is_certificate = |der: &Der| subject_public_key_info(der).is_some();
    blocks(file).into_iter().find(is_certificate)
}

/// The SHA-256 of the first SubjectPublicKeyInfo in a file, PEM or DER: of a
/// certification request (RFC 2986), a public key or a certificate; `None`
/// without one.
#[must_use]
pub fn key_in(file: &[u8]) -> Option<Fingerprint> {
    blocks(file).iter().find_map(|der| {
        requested_key(der)
            .or_else(|| public_key(der))
            .or_else(|| subject_public_key_info(der).map(Fingerprint::of))
    })
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
            assert_eq!(key_in(file), Some(spki));
        }
        let fingerprint = Fingerprint::of(certificate.der());
        assert_eq!(
            certificate_in(certificate.pem().as_bytes()),
            Some(fingerprint)
        );
        assert_eq!(certificate_in(certificate.der()), Some(fingerprint));
        assert_eq!(certificate_in(request.der()), None);
        assert_eq!(key_in(b"no key"), None);
    }
}
