//! A file that an operator imports (PEM with any number of blocks, DER,
//! PKCS#7) → its certificates.
//!
//! It is our own input: what can't be read is refused with its line and what
//! is wrong, unlike what a server sends.

use x509_parser::asn1_rs::{Oid, Tag, oid};

use super::pem_blocks::is_private_key;
use super::walk::{self, Element, elements};
use super::{BrokenPem, Certificate, PrivateKeys, parse, pem_blocks, subject_public_key_info};
use crate::domain::Der;

/// What was in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// Its certificates in their order, repeated ones too.
    pub certificates: Vec<Certificate>,
    /// What was passed over: private keys above all. Nothing of it is kept.
    pub skipped: Vec<Skipped>,
}

/// A block that holds no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The line of its BEGIN, from 1.
    pub line: usize,
    /// Its label, `RSA PRIVATE KEY`.
    pub label: String,
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenCollection {
    /// A PEM block is broken, or holds what its label does not say.
    #[error("line {line}: {problem}")]
    Block {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The file is neither PEM nor readable DER.
    #[error("{0}")]
    Der(&'static str),
    /// It was read, and there is no certificate in it.
    #[error("no certificate in it")]
    Empty,
}

impl From<BrokenPem> for BrokenCollection {
    fn from(BrokenPem { line, problem }: BrokenPem) -> Self {
        Self::Block { line, problem }
    }
}

/// id-signedData, RFC 5652 section 5.1.
const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);

const NOT_DER: &str = "neither PEM nor one whole DER element";
const NO_CERTIFICATE: &str = "DER, but no certificate";
const BER: &str = "BER of indefinite length, which is not read (openssl pkcs7 -inform DER \
    -print_certs takes the certificates out of a PKCS#7 message)";
const PKCS_12: &str = "a PKCS#12 file, which is not read (openssl pkcs12 -nokeys takes its \
    certificates out)";
const NO_SIGNED_DATA: &str = "a PKCS#7 message without certificates (no SignedData)";

/// Reads all of a file.
///
/// # Errors
/// The first block that is broken; a file without one certificate.
pub fn certificates_in(file: &[u8]) -> Result<Collection, BrokenCollection> {
    let blocks = pem_blocks(file, PrivateKeys::PassedOver)?;
    let mut collection = Collection::default();
    if blocks.is_empty() {
        collection.certificates = any(file).map_err(BrokenCollection::Der)?;
    }
    for block in blocks {
        let read = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => certificate(&block.contents).map(|one| vec![one]),
            "TRUSTED CERTIFICATE" => trusted(&block.contents).map(|one| vec![one]),
            "PKCS7" | "CMS" => signed_data(&block.contents),
            _ => {
                collection.skipped.push(Skipped {
                    line: block.line,
                    label: block.label,
                });
                continue;
            }
        };
        let read = read.map_err(|problem| BrokenCollection::Block {
            line: block.line,
            problem: format!("the block that begins here holds {problem}"),
        });
        collection.certificates.extend(read?);
    }
    if collection.certificates.is_empty() {
        return Err(BrokenCollection::Empty);
    }
    Ok(collection)
}

impl Skipped {
    /// Whether it is a private key, of any form.
    #[must_use]
    pub fn is_private_key(&self) -> bool {
        is_private_key(&self.label)
    }
}

/// A file without PEM: a certificate or a PKCS#7 message.
fn any(der: &[u8]) -> Result<Vec<Certificate>, &'static str> {
    let outer = whole(der)?;
    let first = outer.within(Tag::Sequence).next().ok_or(NO_CERTIFICATE)?;
    if first.is(Tag::Oid) {
        return signed_data(der);
    }
    // PFX ::= SEQUENCE { version INTEGER {v3(3)}, ... }, RFC 7292 section 4.
    if first.is(Tag::Integer) && first.any.data == [3] {
        return Err(PKCS_12);
    }
    Ok(vec![certificate(der)?])
}

/// One certificate and nothing else. What is wrong inside of its fields does
/// not matter here, as long as it has a key, which tells it from a request.
fn certificate(der: &[u8]) -> Result<Certificate, &'static str> {
    whole(der)?;
    let certificate = parse(&Der::from(der));
    let has_key = subject_public_key_info(&certificate.der)
        .and_then(Element::first)
        .is_some_and(|key| key.is(Tag::Sequence));
    if certificate.facts.is_ok() && has_key {
        Ok(certificate)
    } else {
        Err(NO_CERTIFICATE)
    }
}

/// OpenSSL puts what it trusts a certificate for behind it.
fn trusted(der: &[u8]) -> Result<Certificate, &'static str> {
    certificate(Element::first(der).ok_or(NOT_DER)?.raw)
}

/// The certificates of a SignedData, RFC 5652 section 5.1: signatures and
/// revocation lists in it are passed over, and so are certificates of kinds
/// that no TLS server sends (section 10.2.2).
fn signed_data(der: &[u8]) -> Result<Vec<Certificate>, &'static str> {
    let mut content_info = whole(der)?.within(Tag::Sequence);
    let kind = content_info.next().and_then(|kind| kind.any.oid().ok());
    if kind != Some(SIGNED_DATA) {
        return Err(NO_SIGNED_DATA);
    }
    let explicit = content_info.next().filter(|content| content.is_context(0));
    let signed_data = explicit
        .and_then(|explicit| Element::first(explicit.any.data))
        .ok_or(NO_SIGNED_DATA)?;
    let list = signed_data
        .within(Tag::Sequence)
        .skip(3)
        .find(|field| field.is_context(0))
        .ok_or(NO_SIGNED_DATA)?;
    let mut members = walk::elements(list.any.data);
    let certificates = members
        .by_ref()
        .filter(|member| member.is(Tag::Sequence))
        .map(|member| certificate(member.raw))
        .collect();
    if members.rest().is_empty() {
        certificates
    } else {
        Err("a PKCS#7 message whose certificates are cut short")
    }
}

/// The one element that the bytes are.
fn whole(der: &[u8]) -> Result<Element<'_>, &'static str> {
    // X.690 section 8.1.3.6: DER always says how long it is.
    if let [0x30, 0x80, ..] = der {
        return Err(BER);
    }
    let mut all = elements(der);
    match all.next() {
        Some(element) if all.rest().is_empty() => Ok(element),
        _ => Err(NOT_DER),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    const P_384: &[u8] = include_bytes!("fixtures/p-384.der");
    const RSA_PSS: &[u8] = include_bytes!("fixtures/rsa-pss.der");
    const V1: &[u8] = include_bytes!("fixtures/v1.der");

    fn pem(label: &str, contents: &[u8]) -> String {
        pem::encode(&pem::Pem::new(label, contents))
    }

    fn ders(file: &[u8]) -> Vec<Vec<u8>> {
        let found = certificates_in(file).unwrap_or_else(|error| panic!("{error}"));
        let der = |one: &Certificate| one.der.as_bytes().to_vec();
        found.certificates.iter().map(der).collect()
    }

    fn problem(file: &[u8]) -> String {
        certificates_in(file).unwrap_err().to_string()
    }

    /// DER of a tag and its contents, of less than 64 KiB.
    fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &contents].concat()
    }

    /// What `openssl crl2pkcs7 -nocrl` makes.
    fn degenerate(certificates: &[&[u8]]) -> Vec<u8> {
        let data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
        let signed_data = element(
            0x30,
            &[
                &[0x02, 0x01, 0x01],
                &[0x31, 0x00],
                &element(0x30, &[&data, &[0x01]]),
                &element(0xa0, certificates),
                &[0xa1, 0x00],
                &[0x31, 0x00],
            ],
        );
        element(0x30, &[&data, &[0x02], &element(0xa0, &[&signed_data])])
    }

    #[test]
    fn certificates_are_read_from_every_kind_of_file() {
        assert_eq!(ders(P_384), [P_384]);
        let many = pem("CERTIFICATE", P_384) + "text\n" + &pem("X509 CERTIFICATE", V1);
        assert_eq!(ders(many.as_bytes()), [P_384, V1]);
        let trusted = pem("TRUSTED CERTIFICATE", &[P_384, &[0x30, 0x00]].concat());
        assert_eq!(ders(trusted.as_bytes()), [P_384]);
        let message = degenerate(&[P_384, &[0xa2, 0x00], RSA_PSS]);
        assert_eq!(ders(&message), [P_384, RSA_PSS]);
        assert_eq!(ders(pem("PKCS7", &message).as_bytes()), [P_384, RSA_PSS]);
    }

    #[test]
    fn a_broken_block_is_refused_with_its_line() {
        let good = pem("CERTIFICATE", P_384);
        let lines = good.lines().count();
        for (broken, what) in [
            (&P_384[..P_384.len() - 1], "one whole DER"),
            (&[P_384, &[0]].concat(), "one whole DER"),
            (&[0x30, 0x00], "no certificate"),
            (&[], "one whole DER"),
        ] {
            let file = good.clone() + &pem("CERTIFICATE", broken);
            let problem = problem(file.as_bytes());
            assert!(
                problem.starts_with(&format!("line {}: ", lines + 1)),
                "{problem}"
            );
            assert!(problem.contains(what), "{problem}");
        }
        let cut = degenerate(&[P_384, &P_384[..9]]);
        assert!(problem(&cut).contains("cut short"), "{}", problem(&cut));
    }

    #[test]
    fn what_is_no_certificate_is_refused_by_its_name() {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::new(["a.example".to_owned()]).unwrap();
        let request = request.serialize_request(&key).unwrap();
        assert_eq!(problem(request.der()), NO_CERTIFICATE);
        assert_eq!(problem(&key.serialize_der()), NO_CERTIFICATE);
        let pkcs_12 = element(0x30, &[&[0x02, 0x01, 0x03], &[0x30, 0x00]]);
        assert_eq!(problem(&pkcs_12), PKCS_12);
        assert_eq!(problem(&degenerate(&[])), "no certificate in it");
        let of_indefinite_length = [0x30, 0x80, 0x06, 0x01, 0x2a, 0x00, 0x00];
        assert_eq!(problem(&of_indefinite_length), BER);
        let block = problem(pem("PKCS7", &of_indefinite_length).as_bytes());
        assert!(block.ends_with(BER), "{block}");
        assert_eq!(problem(b""), NOT_DER);
        assert_eq!(problem(b"MIIB, but no PEM"), NOT_DER);
    }

    #[test]
    fn a_private_key_beside_its_certificate_is_passed_over() {
        let key = KeyPair::generate().unwrap();
        let file = key.serialize_pem() + &pem("CERTIFICATE", P_384);
        let found = certificates_in(file.as_bytes()).unwrap();
        assert_eq!(found.certificates.len(), 1);
        assert_eq!(found.skipped[0].label, "PRIVATE KEY");
        assert!(found.skipped[0].is_private_key());
        let alone = problem(key.serialize_pem().as_bytes());
        assert_eq!(alone, "no certificate in it");
    }

    #[test]
    fn no_truncation_and_no_mutation_panics() {
        let message = degenerate(&[P_384, V1]);
        let text = pem("PKCS7", &message);
        for file in [&message[..], text.trim_end().as_bytes()] {
            for end in 0..file.len() {
                assert!(certificates_in(&file[..end]).is_err(), "cut at {end}");
            }
            for place in 0..file.len() {
                let mut changed = file.to_vec();
                changed[place] ^= 1 << (place % 8);
                let _ = certificates_in(&changed);
            }
        }
    }
}
