//! Keys, and signatures under them.

use super::*;

#[test]
fn every_kind_of_key_has_its_family_size_and_curve() {
    let cases = [
        ("rsa-512", KeyType::Rsa, Some(512), None),
        ("rsa-2047", KeyType::Rsa, Some(2047), None),
        ("rsa-pss", KeyType::Rsa, Some(2048), None),
        ("p-224", KeyType::Ecdsa, Some(224), Some("P-224")),
        ("v1", KeyType::Ecdsa, Some(256), Some("P-256")),
        ("p-384", KeyType::Ecdsa, Some(384), Some("P-384")),
        ("p-521", KeyType::Ecdsa, Some(521), Some("P-521")),
        ("secp256k1", KeyType::Ecdsa, Some(256), Some("secp256k1")),
        (
            "brainpool-p256r1",
            KeyType::Ecdsa,
            Some(256),
            Some("brainpoolP256r1"),
        ),
        ("sm2", KeyType::Ecdsa, Some(256), Some("SM2")),
        ("explicit-curve", KeyType::Ecdsa, Some(256), None),
        ("ed25519", KeyType::Eddsa, Some(255), Some("Ed25519")),
        ("ed448", KeyType::Eddsa, Some(448), Some("Ed448")),
        ("dsa", KeyType::Dsa, Some(1024), None),
    ];
    for (name, key_type, bits, curve) in cases {
        let key = read(&fixture(name)).public_key;
        assert_eq!(key.key_type, key_type, "{name}");
        assert_eq!(key.bits, bits, "{name}");
        assert_eq!(key.curve.as_deref(), curve, "{name}");
        assert!(key.spki.is_some(), "{name}");
    }
}

#[test]
fn a_self_signature_is_claimed_only_where_it_was_checked() {
    let cases = [
        ("rsa-512", None),
        ("rsa-1024-sha1", Some(true)),
        ("rsa-1024-md5", None),
        ("rsa-2047", Some(true)),
        ("rsa-pss", Some(true)),
        ("rsa-pss-longest-salt", Some(true)),
        ("p-224", None),
        ("v1", Some(true)),
        ("p-384", Some(true)),
        ("p-521", Some(true)),
        ("secp256k1", Some(true)),
        ("brainpool-p256r1", None),
        ("sm2", None),
        ("explicit-curve", None),
        ("ed25519", Some(true)),
        ("ed448", None),
        ("dsa", None),
        ("issued-by-p-384", Some(false)),
    ];
    for (name, expected) in cases {
        assert_eq!(read(&fixture(name)).self_signed, expected, "{name}");
        let mut forged = fixture(name);
        let last = forged.last_mut().unwrap();
        *last ^= 1;
        let forged = read(&forged).self_signed;
        assert_eq!(forged, expected.map(|_| false), "{name}, forged");
    }
}

#[test]
fn a_self_signature_is_one_however_the_name_is_written() {
    let named = |name: DnValue| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let subject = named(DnValue::Utf8String("Printer Nine".to_owned()));
    let same = DnValue::PrintableString("PRINTER  nine".try_into().unwrap());
    let other = DnValue::PrintableString("Printer Ten".try_into().unwrap());
    let (own_key, other_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let cases = [
        (&same, &own_key, true),
        (&same, &other_key, false),
        (&other, &own_key, false),
    ];
    for (issuer, key, expected) in cases {
        let params = named(issuer.clone());
        let signer = Issuer::from_params(&params, key);
        let certificate = subject.signed_by(&own_key, &signer).unwrap();
        let facts = read(certificate.der());
        assert_eq!(facts.self_signed, Some(expected), "{issuer:?}");
    }
}

#[test]
fn a_signature_verifies_under_its_issuers_key_alone() {
    let child = Der::from(fixture("issued-by-p-384"));
    let issuer = Der::from(fixture("p-384"));
    let other = Der::from(fixture("p-521"));
    let signed = Signed::read(&child).unwrap();
    let under = |der: &Der| verify(&signed, subject_public_key_info(der).unwrap());
    assert_eq!(under(&issuer), Verification::Valid);
    assert_eq!(under(&child), Verification::Invalid);
    assert_eq!(under(&other), Verification::Invalid);
    assert_eq!(verify(&signed, b"no key"), Verification::NotCheckable);
}

#[test]
fn a_key_of_another_family_did_not_make_a_signature() {
    let families: [&[&str]; 5] = [
        &["rsa-512", "rsa-1024-md5", "rsa-2047", "rsa-pss"],
        &[
            "p-224",
            "p-384",
            "brainpool-p256r1",
            "sm2",
            "explicit-curve",
        ],
        &["dsa"],
        &["ed25519"],
        &["ed448"],
    ];
    let x25519 = [
        &b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00"[..],
        &[9; 32],
    ]
    .concat();
    for family in families {
        for name in family {
            let certificate = Der::from(fixture(name));
            let signed = Signed::read(&certificate).unwrap();
            assert_eq!(verify(&signed, &x25519), Verification::Invalid, "{name}");
            for other in families
                .iter()
                .filter(|other| **other != family)
                .flat_map(|it| *it)
            {
                let other_certificate = Der::from(fixture(other));
                let key = subject_public_key_info(&other_certificate).unwrap();
                let verdict = verify(&signed, key);
                assert_eq!(verdict, Verification::Invalid, "{name} by {other}");
            }
        }
    }
}

/// The OID of RSA keys, and the same of those meant for PSS alone.
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

#[test]
fn a_key_meant_for_pss_makes_no_other_signatures() {
    let certificate = Der::from(fixture("rsa-2047"));
    let signed = Signed::read(&certificate).unwrap();
    let mut key = subject_public_key_info(&certificate).unwrap().to_vec();
    assert_eq!(verify(&signed, &key), Verification::Valid);
    let at = position(&key, RSA);
    key[at..at + PSS.len()].copy_from_slice(PSS);
    assert_eq!(verify(&signed, &key), Verification::Invalid);
}

#[test]
fn a_key_of_any_use_makes_signatures_of_pss() {
    let certificate = Der::from(fixture("rsa-pss"));
    let signed = Signed::read(&certificate).unwrap();
    let mut key = subject_public_key_info(&certificate).unwrap().to_vec();
    assert_eq!(verify(&signed, &key), Verification::Valid);
    let at = position(&key, PSS);
    key[at..at + RSA.len()].copy_from_slice(RSA);
    assert_eq!(verify(&signed, &key), Verification::Valid);
}

#[test]
fn a_certificate_whose_key_makes_no_such_signatures_did_not_sign_itself() {
    let self_signed = |key: &KeyPair, by: &KeyPair| {
        let params = CertificateParams::new(Vec::new()).unwrap();
        let issuer = Issuer::from_params(&params, by);
        let certificate = params.signed_by(key, &issuer).unwrap();
        read(certificate.der()).self_signed
    };
    let elliptic = KeyPair::generate().unwrap();
    let edwards = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    for (key, by) in [(&elliptic, &rsa), (&rsa, &edwards), (&edwards, &elliptic)] {
        assert_eq!(self_signed(key, by), Some(false));
        assert_eq!(self_signed(by, by), Some(true));
    }
}

#[test]
fn what_makes_signatures_by_an_unknown_algorithm_is_not_known() {
    let mut der = fixture("p-384");
    // ecdsa-with-SHA384, inside and outside, to one that nobody defined.
    let known = b"\x2a\x86\x48\xce\x3d\x04\x03\x03";
    for _ in 0..2 {
        let at = position(&der, known);
        der[at + known.len() - 1] = 0x7f;
    }
    assert_eq!(read(&der).self_signed, None);
}

#[test]
fn keys_made_here_are_read_and_verified() {
    let cases = [
        (&rcgen::PKCS_RSA_SHA256, KeyType::Rsa, 2048),
        (&rcgen::PKCS_ECDSA_P256_SHA256, KeyType::Ecdsa, 256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, KeyType::Ecdsa, 384),
        (&rcgen::PKCS_ED25519, KeyType::Eddsa, 255),
        (&rcgen::PKCS_ML_DSA_44, KeyType::MlDsa, 44),
        (&rcgen::PKCS_ML_DSA_65, KeyType::MlDsa, 65),
        (&rcgen::PKCS_ML_DSA_87, KeyType::MlDsa, 87),
    ];
    for (algorithm, key_type, bits) in cases {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let ca = CertifiedIssuer::self_signed(params, key).unwrap();
        let facts = read(ca.der());
        assert_eq!(facts.public_key.key_type, key_type);
        assert_eq!(facts.public_key.bits, Some(bits));
        assert_eq!(facts.self_signed, Some(true), "{algorithm:?}");
        assert_eq!(facts.is_ca, Some(true));

        let mut params = CertificateParams::new(["leaf.example".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let leaf = params
            .signed_by(&KeyPair::generate().unwrap(), &ca)
            .unwrap();
        assert_eq!(read(leaf.der()).self_signed, Some(false));
        let leaf = Der::from(leaf.der().as_ref());
        let issuer = Der::from(ca.der().as_ref());
        let verdict = verify(
            &Signed::read(&leaf).unwrap(),
            subject_public_key_info(&issuer).unwrap(),
        );
        assert_eq!(verdict, Verification::Valid, "{algorithm:?}");
    }
}

#[test]
fn the_numbers_of_an_rsa_key_are_read() {
    let numbers = |name: &str| {
        let der = Der::from(fixture(name));
        rsa_public_key(subject_public_key_info(&der).unwrap())
    };
    for (name, octets) in [("rsa-512", 64), ("rsa-2047", 256), ("rsa-pss", 256)] {
        let key = numbers(name).unwrap();
        assert_eq!(key.modulus.len(), octets, "{name}");
        assert_eq!(key.exponent, [1, 0, 1], "{name}");
    }
    assert_eq!(numbers("p-384"), None);
    let der = Der::from(fixture("rsa-512"));
    let spki = subject_public_key_info(&der).unwrap();
    for end in 0..spki.len() {
        assert_eq!(rsa_public_key(&spki[..end]), None);
    }
}
