//! Certificates with something broken in them.

use super::*;

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
fn an_element_after_the_signature_is_a_fault() {
    let mut der = fixture("ed25519");
    assert_eq!(der[..2], [0x30, 0x82]);
    let length = u16::from_be_bytes([der[2], der[3]]) + 2;
    der[2..4].copy_from_slice(&length.to_be_bytes());
    der.extend([0x05, 0x00]);
    let facts = read(&der);
    assert_eq!(facts.faults, ["certificate: 2 bytes after its signature"]);
    assert_eq!(facts.self_signed, Some(true), "it is over what it was");
}

#[test]
fn a_serial_number_of_zero_is_a_fault() {
    let mut der = fixture("issued-by-p-384");
    let at = position(&der, b"\x02\x01\x01");
    der[at + 2] = 0;
    let facts = read(&der);
    assert_eq!(facts.serial, [0]);
    assert_eq!(facts.faults, ["serial number: zero"]);
}

#[test]
fn a_version_must_be_defined_and_have_what_is_in_the_certificate() {
    let of_version = |encoded: u8, optional_field: u8| {
        let mut der = fixture("ed25519");
        let at = position(&der, b"\xa0\x03\x02\x01\x02");
        der[at + 4] = encoded;
        let at = position(&der, b"\xa3\x53\x30\x51");
        der[at] = optional_field;
        read(&der).faults
    };
    let (identifier, extensions) = (0xa1, 0xa3);
    assert_eq!(of_version(3, extensions), ["version: 4 is not defined"]);
    assert_eq!(of_version(2, extensions), [""; 0]);
    assert_eq!(
        of_version(1, extensions),
        ["extensions: in a certificate of version 2"]
    );
    assert_eq!(
        of_version(0, extensions),
        ["extensions: in a certificate of version 1"]
    );
    assert_eq!(of_version(1, identifier), [""; 0]);
    assert_eq!(
        of_version(0, identifier),
        ["unique identifiers: in a certificate of version 1"]
    );
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
    let expected = ["a part of it can't be read", "12 bytes left out"];
    let expected = expected.map(|line| format!("alternative names: {line}"));
    assert_eq!(facts.faults, expected);
}
