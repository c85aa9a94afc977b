mod names;

use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, DnValue, IsCa,
    KeyPair, SanType,
};

use super::*;

/// What OpenSSL reads in the fixtures; see their README.
const OPENSSL: &str = include_str!("fixtures/openssl.txt");

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/x509/fixtures");
    std::fs::read(folder.join(name).with_extension("der")).unwrap()
}

fn read(der: &[u8]) -> Facts {
    parse(&Der::from(der)).facts.unwrap()
}

/// The one place where `needle` stands in `haystack`.
fn position(haystack: &[u8], needle: &[u8]) -> usize {
    let mut found = haystack.windows(needle.len()).enumerate();
    found.find(|(_, window)| *window == needle).unwrap().0
}

fn hexadecimal(bytes: &[u8]) -> String {
    name::hexadecimal(bytes).trim_start_matches('#').to_owned()
}

#[test]
fn openssl_reads_the_same_in_every_fixture() {
    for line in OPENSSL.lines() {
        let columns: Vec<&str> = line.split('|').collect();
        let [
            file,
            sha256,
            sha1,
            subject,
            issuer,
            serial,
            start,
            end,
            bits,
            signature,
        ] = columns[..]
        else {
            panic!("{line}");
        };
        let certificate = parse(&Der::from(fixture(file)));
        let facts = certificate.facts.unwrap();
        assert_eq!(certificate.fingerprint.to_string(), sha256, "{file}");
        assert_eq!(hexadecimal(&certificate.sha1), sha1, "{file}");
        assert_eq!(facts.subject.distinguished_name, subject, "{file}");
        assert_eq!(facts.issuer.distinguished_name, issuer, "{file}");
        if file != "negative-serial.der" && file != "long-serial.der" {
            assert_eq!(hexadecimal(&facts.serial), serial, "{file}");
        }
        assert_eq!(facts.not_before.unwrap().to_string(), start, "{file}");
        assert_eq!(facts.not_after.unwrap().to_string(), end, "{file}");
        // It gives no bits for keys whose name says them.
        if !bits.is_empty() {
            let ours = facts.public_key.bits.map(|bits| bits.to_string());
            assert_eq!(ours.as_deref(), Some(bits), "{file}");
        }
        assert_eq!(facts.signature_algorithm, signature.trim(), "{file}");
        assert_eq!(facts.faults, [""; 0], "{file}");
    }
}

#[test]
fn a_serial_number_keeps_its_sign_and_its_padding() {
    assert_eq!(read(&fixture("negative-serial")).serial, [0xb3]);
    let padded = read(&fixture("long-serial")).serial;
    assert_eq!(padded.len(), 23);
    assert_eq!(padded[..3], [0x00, 0xff, 0x01]);
}

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
fn a_signature_verifies_under_its_issuers_key_alone() {
    let child = Der::from(fixture("issued-by-p-384"));
    let issuer = Der::from(fixture("p-384"));
    let other = Der::from(fixture("p-521"));
    let signed = Signed::read(&child).unwrap();
    let under = |der: &Der| verify(&signed, subject_public_key_info(der).unwrap());
    assert_eq!(under(&issuer), Verification::Valid);
    assert_eq!(under(&child), Verification::Invalid);
    assert_eq!(
        under(&Der::from(fixture("ed448"))),
        Verification::NotCheckable
    );
    assert_eq!(under(&other), Verification::Invalid);
    assert_eq!(verify(&signed, b"no key"), Verification::NotCheckable);
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
fn every_extension_is_told_by_its_names() {
    let facts = read(&fixture("every-extension"));
    assert_eq!(facts.version, 3);
    assert_eq!(facts.is_ca, Some(true));
    assert_eq!(
        facts.alternative_names,
        [
            "a.example",
            "*.b.example",
            "192.0.2.1",
            "2001:db8::1",
            "email:c@example",
            "uri:https://d.example/",
            "rid:1.2.3.4",
            "dirname:CN=inside,C=CH",
            "other:1.3.6.1.4.1.311.20.2.3:user@e.example",
            "other:1.2.3.4:#a003020105",
        ]
    );
    let usage = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    assert_eq!(facts.key_usage.unwrap(), usage);
    assert_eq!(
        facts.extended_key_usage.unwrap(),
        ["clientAuth", "serverAuth", "msSmartcardLogin", "1.2.3.4.5"]
    );
}

#[test]
fn a_version_1_certificate_has_no_extensions() {
    let facts = read(&fixture("v1"));
    assert_eq!(facts.version, 1);
    assert_eq!(facts.is_ca, None);
    assert_eq!(facts.key_usage, None);
    assert_eq!(facts.extended_key_usage, None);
    assert_eq!(facts.alternative_names, [""; 0]);
}

#[test]
fn the_common_name_is_the_last_one() {
    let name = |fixture_name| read(&fixture(fixture_name)).subject.common_name;
    assert_eq!(name("multi-valued").as_deref(), Some("last \"#\" "));
    assert_eq!(name("bmp-string").as_deref(), Some("Größe 日本"));
    assert_eq!(name("t61-string").as_deref(), Some("Größe"));
    assert_eq!(name("no-common-name"), None);
    assert_eq!(name("no-subject"), None);
}

#[test]
fn a_bad_date_takes_nothing_else_with_it() {
    let mut der = fixture("p-521");
    let whole = read(&der);
    // The month of notBefore, a UTCTime.
    let at = position(&der, b"\x17\x0d26");
    der[at + 4..at + 6].copy_from_slice(b"99");
    let facts = read(&der);
    assert_eq!(facts.not_before, None);
    assert_eq!(facts.faults, ["notBefore: can't be read"]);
    assert_eq!(facts.self_signed, Some(false), "the signature is over it");
    let expected = Facts {
        not_before: None,
        self_signed: Some(false),
        faults: facts.faults.clone(),
        ..whole
    };
    assert_eq!(facts, expected);
}

#[test]
fn dates_far_from_ours_are_read() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_before = rcgen::date_time_ymd(1, 1, 1);
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let key = KeyPair::generate().unwrap();
    let facts = read(params.self_signed(&key).unwrap().der());
    let [start, end] = [facts.not_before, facts.not_after].map(|time| time.unwrap().to_string());
    assert_eq!(start, "0001-01-01T00:00:00Z");
    assert_eq!(end, "9999-12-31T00:00:00Z");
}

#[test]
fn what_is_there_of_a_truncated_certificate_is_read() {
    let der = fixture("every-extension");
    let whole = read(&der);
    let facts = read(&der[..der.len() - 40]);
    assert_eq!(facts.self_signed, None);
    assert_eq!(
        facts.faults,
        ["certificate: 40 of its 609 bytes are missing"]
    );
    let expected = Facts {
        self_signed: None,
        faults: facts.faults.clone(),
        ..whole.clone()
    };
    assert_eq!(facts, expected);

    // Inside of the subject.
    let end = position(&der, b"every-extension") + 60;
    let facts = read(&der[..end]);
    assert_eq!(facts.issuer, whole.issuer);
    assert_eq!(facts.subject, Name::default());
    assert_eq!(facts.public_key.key_type, KeyType::Unparsed);
    assert_eq!(facts.public_key.spki, None);
    assert!(facts.faults.contains(&"subject: missing".to_owned()));
}

#[test]
fn bytes_after_the_certificate_are_a_fault() {
    let mut der = fixture("ed25519");
    let fingerprint = Der::from(der.as_slice()).fingerprint();
    der.extend([0, 0]);
    let certificate = parse(&Der::from(der));
    assert_ne!(certificate.fingerprint, fingerprint);
    let facts = certificate.facts.unwrap();
    assert_eq!(facts.faults, ["certificate: 2 bytes after its end"]);
    assert_eq!(facts.self_signed, Some(true));
}

#[test]
fn what_is_no_certificate_is_kept_with_the_reason() {
    for garbage in [&b""[..], b"\0", b"-----BEGIN CERTIFICATE-----", &[0x30; 64]] {
        let certificate = parse(&Der::from(garbage));
        assert_eq!(certificate.der.as_bytes(), garbage);
        assert!(certificate.facts.is_err(), "{garbage:?}");
    }
}

#[test]
fn a_malformed_alternative_name_is_a_fault_and_the_others_stand() {
    let mut der = fixture("every-extension");
    let at = position(&der, b"a.example");
    der[at] = 0xff;
    let facts = read(&der);
    assert_eq!(facts.alternative_names[0], "invalid:\u{ff}.example");
    assert_eq!(facts.alternative_names[1], "*.b.example");
    assert_eq!(
        facts.faults,
        ["alternative names: a name of kind 2 is malformed"]
    );
    // The last one's length runs over the end of the list.
    let mut der = fixture("every-extension");
    let at = position(&der, b"\xa0\x0a\x06\x03\x2a\x03\x04");
    der[at + 1] = 0x7f;
    let facts = read(&der);
    assert_eq!(facts.alternative_names.len(), 9);
    assert_eq!(facts.faults, ["alternative names: 12 bytes left out"]);
}

#[test]
fn ten_thousand_names_and_a_long_value_are_kept_whole() {
    let names: Vec<String> = (0..10_000).map(|n| format!("host-{n}.example")).collect();
    let mut params = CertificateParams::new(names.clone()).unwrap();
    let long = "x".repeat(64 * 1024);
    let uri = Ia5String::try_from(format!("https://{long}")).unwrap();
    params.subject_alt_names.push(SanType::URI(uri));
    params.distinguished_name.push(DnType::CommonName, &*long);
    let facts = read(
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der(),
    );
    assert_eq!(facts.alternative_names[..10_000], names);
    assert_eq!(
        facts.alternative_names[10_000],
        format!("uri:https://{long}")
    );
    assert_eq!(facts.subject.common_name, Some(long));
    assert_eq!(facts.faults, [""; 0]);
}

#[test]
fn a_hostile_name_is_told_as_it_is() {
    let hostile = "#=cmd|' /C calc'!A1,O=evil+\\\"<>;\0\r\n\x1b[31m\u{202e}gnp ";
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    let value = DnValue::Utf8String(hostile.to_owned());
    params.distinguished_name.push(DnType::CommonName, value);
    let facts = read(
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der(),
    );
    assert_eq!(facts.subject.common_name.as_deref(), Some(hostile));
    assert_eq!(
        facts.subject.distinguished_name,
        "CN=\\#=cmd|' /C calc'!A1\\,O=evil\\+\\\\\\\"\\<\\>\\;\\00\r\n\x1b[31m\u{202e}gnp\\ "
    );
}

#[test]
fn no_truncation_panics() {
    for name in ["every-extension", "rsa-pss", "multi-valued", "dsa"] {
        let der = fixture(name);
        for end in 0..der.len() {
            let certificate = parse(&Der::from(&der[..end]));
            if let Ok(facts) = certificate.facts {
                assert!(!facts.faults.is_empty(), "{name} cut at {end}");
                assert_eq!(facts.self_signed, None, "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn no_mutation_panics() {
    // Knuth's MMIX generator: a fixed seed, so that a failure comes again.
    let mut state = 0x5eed_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for name in [
        "every-extension",
        "rsa-pss",
        "multi-valued",
        "explicit-curve",
    ] {
        let original = fixture(name);
        for _ in 0..3_000 {
            let mut der = original.clone();
            for _ in 0..=random(4) {
                let at = random(der.len());
                match random(3) {
                    0 => der[at] = u8::try_from(random(256)).unwrap(),
                    1 => drop(der.remove(at)),
                    _ => der.insert(at, u8::try_from(random(256)).unwrap()),
                }
            }
            let der = Der::from(der);
            let certificate = parse(&der);
            assert_eq!(certificate.der, der);
            if let Ok(facts) = certificate.facts {
                assert!(facts.faults.len() <= 32);
            }
        }
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

#[test]
fn a_certificate_says_whether_it_must_be_stapled() {
    let with = |features: &[u8]| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
        let extension = rcgen::CustomExtension::from_oid_content(&oid, features.to_vec());
        params.custom_extensions.push(extension);
        let key = KeyPair::generate().unwrap();
        read(params.self_signed(&key).unwrap().der())
    };
    assert!(with(&[0x30, 3, 2, 1, 5]).must_staple);
    assert!(with(&[0x30, 6, 2, 1, 17, 2, 1, 5]).must_staple);
    assert!(!with(&[0x30, 3, 2, 1, 17]).must_staple);
    let broken = with(&[4]);
    assert!(!broken.must_staple);
    assert_eq!(broken.faults, ["TLS feature: can't be read"]);
}
