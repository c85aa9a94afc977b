//! Object identifiers → the names people know them by.
//!
//! The parser's registry lacks ML-DSA, SLH-DSA, DSA with SHA-2 and SM2, and
//! names others in its own way; hence this table. An identifier in none of its
//! lists is shown dotted.

use x509_parser::asn1_rs::Oid;

/// A signature algorithm by the long name that OpenSSL gives it.
pub(super) fn signature_algorithm(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let name = match dotted.as_str() {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.3" | "1.3.14.3.2.4" => "md4WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.113549.1.1.15" => "sha512-224WithRSAEncryption",
        "1.2.840.113549.1.1.16" => "sha512-256WithRSAEncryption",
        // The Implementors' Workshop's, part 12; SHA alone is SHA-0.
        "1.3.14.3.2.2" => "md4WithRSA",
        "1.3.14.3.2.3" => "md5WithRSA",
        "1.3.14.3.2.13" => "dsaWithSHA",
        "1.3.14.3.2.15" => "shaWithRSAEncryption",
        "1.3.14.3.2.24" => "md2WithRSASignature",
        "1.3.14.3.2.25" => "md5WithRSASignature",
        "1.3.14.3.2.27" => "dsaWithSHA1-old",
        "1.3.14.3.2.28" => "dsaWithCommonSHA1",
        "1.3.14.3.2.29" => "sha1WithRSA",
        "1.3.14.7.2.3.1" => "md2WithRSA",
        "1.3.36.3.3.1.1" => "rsaSignatureWithsha1",
        "1.3.36.3.3.1.2" => "ripemd160WithRSA",
        "1.2.840.10040.4.3" => "dsaWithSHA1",
        "2.16.840.1.101.3.4.3.1" => "dsa_with_SHA224",
        "2.16.840.1.101.3.4.3.2" => "dsa_with_SHA256",
        "2.16.840.1.101.3.4.3.3" => "dsa_with_SHA384",
        "2.16.840.1.101.3.4.3.4" => "dsa_with_SHA512",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.3.36.3.3.2.1" => "ecSignWithsha1",
        "0.4.0.127.0.7.1.1.4.1.1" => "ecdsa-plain-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "2.16.840.1.101.3.4.3.9" => "ecdsa_with_SHA3-224",
        "2.16.840.1.101.3.4.3.10" => "ecdsa_with_SHA3-256",
        "2.16.840.1.101.3.4.3.11" => "ecdsa_with_SHA3-384",
        "2.16.840.1.101.3.4.3.12" => "ecdsa_with_SHA3-512",
        "2.16.840.1.101.3.4.3.13" => "RSA-SHA3-224",
        "2.16.840.1.101.3.4.3.14" => "RSA-SHA3-256",
        "2.16.840.1.101.3.4.3.15" => "RSA-SHA3-384",
        "2.16.840.1.101.3.4.3.16" => "RSA-SHA3-512",
        "1.3.101.112" => "ED25519",
        "1.3.101.113" => "ED448",
        // RFC 9881 and RFC 9909, by the names of OpenSSL 3.5.
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        "2.16.840.1.101.3.4.3.20" => "SLH-DSA-SHA2-128s",
        "2.16.840.1.101.3.4.3.21" => "SLH-DSA-SHA2-128f",
        "2.16.840.1.101.3.4.3.22" => "SLH-DSA-SHA2-192s",
        "2.16.840.1.101.3.4.3.23" => "SLH-DSA-SHA2-192f",
        "2.16.840.1.101.3.4.3.24" => "SLH-DSA-SHA2-256s",
        "2.16.840.1.101.3.4.3.25" => "SLH-DSA-SHA2-256f",
        "2.16.840.1.101.3.4.3.26" => "SLH-DSA-SHAKE-128s",
        "2.16.840.1.101.3.4.3.27" => "SLH-DSA-SHAKE-128f",
        "2.16.840.1.101.3.4.3.28" => "SLH-DSA-SHAKE-192s",
        "2.16.840.1.101.3.4.3.29" => "SLH-DSA-SHAKE-192f",
        "2.16.840.1.101.3.4.3.30" => "SLH-DSA-SHAKE-256s",
        "2.16.840.1.101.3.4.3.31" => "SLH-DSA-SHAKE-256f",
        "1.2.156.10197.1.501" => "SM2-with-SM3",
        "1.2.643.2.2.3" => "GOST R 34.11-94 with GOST R 34.10-2001",
        "1.2.643.2.2.4" => "GOST R 34.11-94 with GOST R 34.10-94",
        "1.2.643.7.1.1.3.2" => "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)",
        "1.2.643.7.1.1.3.3" => "GOST R 34.10-2012 with GOST R 34.11-2012 (512 bit)",
        _ => return dotted,
    };
    name.to_owned()
}

/// A hash by the short name that OpenSSL gives it.
pub(super) fn hash(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let name = match dotted.as_str() {
        "1.2.840.113549.2.2" => "MD2",
        "1.2.840.113549.2.4" => "MD4",
        "1.2.840.113549.2.5" => "MD5",
        "1.3.14.3.2.26" => "SHA1",
        "2.16.840.1.101.3.4.2.1" => "SHA256",
        "2.16.840.1.101.3.4.2.2" => "SHA384",
        "2.16.840.1.101.3.4.2.3" => "SHA512",
        "2.16.840.1.101.3.4.2.4" => "SHA224",
        _ => return dotted,
    };
    name.to_owned()
}

/// An extended key usage by the name RFC 5280 section 4.2.1.12 (or its own
/// specification) gives it.
pub(super) fn extended_key_usage(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let name = match dotted.as_str() {
        "2.5.29.37.0" => "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.5" => "ipsecEndSystem",
        "1.3.6.1.5.5.7.3.6" => "ipsecTunnel",
        "1.3.6.1.5.5.7.3.7" => "ipsecUser",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        "1.3.6.1.5.5.7.3.10" => "dvcs",
        "1.3.6.1.5.5.7.3.17" => "ipsecIKE",
        "1.3.6.1.5.5.7.3.21" => "secureShellClient",
        "1.3.6.1.5.5.7.3.22" => "secureShellServer",
        "1.3.6.1.5.5.7.3.28" => "cmcRA",
        "1.3.6.1.5.5.8.2.2" => "iKEIntermediate",
        "1.3.6.1.5.2.3.4" => "pkInitClientAuth",
        "1.3.6.1.5.2.3.5" => "pkInitKDC",
        "1.3.6.1.4.1.311.2.1.21" => "msCodeInd",
        "1.3.6.1.4.1.311.2.1.22" => "msCodeCom",
        "1.3.6.1.4.1.311.10.3.1" => "msCTLSign",
        "1.3.6.1.4.1.311.10.3.3" => "msSGC",
        "1.3.6.1.4.1.311.10.3.4" => "msEFS",
        "1.3.6.1.4.1.311.10.3.12" => "msDocumentSigning",
        "1.3.6.1.4.1.311.20.2.2" => "msSmartcardLogin",
        "1.3.6.1.4.1.311.54.1.2" => "msRemoteDesktop",
        "2.16.840.1.113730.4.1" => "nsSGC",
        "2.23.133.8.1" => "tcgEKCertificate",
        _ => return dotted,
    };
    name.to_owned()
}

/// What an extension of certificates, by its dotted identifier, is called,
/// where a public specification defines it: RFC 5280 section 4.2, RFC 7633,
/// RFC 6960 section 4.2.2.2.1, RFC 6962 section 3.3 or Netscape's certificate
/// types. RFC 6962's poison is not among them: a precertificate is no
/// certificate.
pub(super) fn extension(dotted: &str) -> Option<&'static str> {
    Some(match dotted {
        "2.5.29.9" => "subject directory attributes",
        "2.5.29.14" => "subject key identifier",
        "2.5.29.15" => "key usage",
        "2.5.29.17" => "alternative names",
        "2.5.29.18" => "issuer alternative names",
        "2.5.29.19" => "basic constraints",
        "2.5.29.30" => "name constraints",
        "2.5.29.31" => "CRL distribution points",
        "2.5.29.32" => "certificate policies",
        "2.5.29.33" => "policy mappings",
        "2.5.29.35" => "authority key identifier",
        "2.5.29.36" => "policy constraints",
        "2.5.29.37" => "extended key usage",
        "2.5.29.46" => "freshest CRL",
        "2.5.29.54" => "inhibit anyPolicy",
        "1.3.6.1.5.5.7.1.1" => "authority information access",
        "1.3.6.1.5.5.7.1.11" => "subject information access",
        "1.3.6.1.5.5.7.1.24" => "TLS feature",
        "1.3.6.1.5.5.7.48.1.5" => "OCSP no check",
        "1.3.6.1.4.1.11129.2.4.2" => "signed certificate timestamps",
        "2.16.840.1.113730.1.1" => "Netscape certificate type",
        _ => return None,
    })
}

/// Most characters shown of a dotted identifier: those in use take half.
const MAX_SHOWN: usize = 64;

/// A dotted identifier as lines about it show it. One may be as long as the
/// certificate, and a line for every few bytes of that is too much.
pub(super) fn shown(dotted: &str) -> String {
    match dotted.char_indices().nth(MAX_SHOWN) {
        None => dotted.to_owned(),
        Some((end, _)) => format!("{}…", dotted.get(..end).unwrap_or_default()),
    }
}

/// A distinguished name's attribute by its short name: those of RFC 4514
/// section 3 and RFC 4519, and what OpenSSL calls the others.
pub(super) fn attribute(oid: &Oid<'_>) -> Option<&'static str> {
    Some(match oid.to_id_string().as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.15" => "businessCategory",
        "2.5.4.16" => "postalAddress",
        "2.5.4.17" => "postalCode",
        "2.5.4.18" => "postOfficeBox",
        "2.5.4.20" => "telephoneNumber",
        "2.5.4.41" => "name",
        "2.5.4.42" => "GN",
        "2.5.4.43" => "initials",
        "2.5.4.44" => "generationQualifier",
        "2.5.4.45" => "x500UniqueIdentifier",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.65" => "pseudonym",
        "2.5.4.72" => "role",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.3" => "mail",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        "1.2.840.113549.1.9.8" => "unstructuredAddress",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionL",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionST",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionC",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_shown_up_to_a_length() {
        let usual = "2.25.2".repeat(10) + "1.23";
        assert_eq!(shown(&usual), usual);
        assert_eq!(shown(&(usual.clone() + "4")), usual + "…");
    }

    #[test]
    fn old_algorithms_have_the_name_of_their_hash() {
        for (arcs, name) in [
            (&[1, 2, 840, 113_549, 1, 1, 3][..], "md4WithRSAEncryption"),
            (&[1, 3, 14, 3, 2, 2], "md4WithRSA"),
            (&[1, 3, 14, 3, 2, 4], "md4WithRSAEncryption"),
            (&[1, 3, 14, 3, 2, 13], "dsaWithSHA"),
            (&[1, 3, 14, 3, 2, 15], "shaWithRSAEncryption"),
            (&[1, 3, 14, 3, 2, 29], "sha1WithRSA"),
        ] {
            assert_eq!(signature_algorithm(&Oid::from(arcs).unwrap()), name);
        }
    }
}
