//! Certificates that lenient parsers take and strict ones refuse.

use super::*;

/// The bytes of a NULL: what belongs nowhere here.
const NULL: &[u8] = &[0x05, 0x00];

/// The way through `every-extension`, by the position in each element.
const TO_SERIAL: &[usize] = &[0, 1];
const TO_VALIDITY: &[usize] = &[0, 4];
const TO_NOT_AFTER: &[usize] = &[0, 4, 1];
const TO_KEY: &[usize] = &[0, 6];
const TO_KEY_ALGORITHM: &[usize] = &[0, 6, 0];
const TO_EXPLICIT: &[usize] = &[0, 7];
const TO_LIST: &[usize] = &[0, 7, 0];

/// The value of the extension at this position.
fn value_of(extension: usize) -> [usize; 5] {
    // The first two are critical.
    [0, 7, 0, extension, if extension < 2 { 2 } else { 1 }]
}

/// The element at this place, its content changed, and the lengths of all
/// that it stands in.
fn edited(element: &[u8], way: &[usize], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let element = Element::first(element).unwrap();
    let content = match way.split_first() {
        None => change(element.any.data),
        Some((position, way)) => {
            let parts = walk::elements(element.any.data).enumerate();
            let parts = parts.map(|(at, part)| {
                if at == *position {
                    edited(part.raw, way, change)
                } else {
                    part.raw.to_vec()
                }
            });
            parts.collect::<Vec<_>>().concat()
        }
    };
    tagged(element.raw[0], &content)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let padding = length.iter().take_while(|octet| **octet == 0).count();
    let length = match content.len() {
        short @ ..0x80 => vec![u8::try_from(short).unwrap()],
        _ => [&[0x84 - u8::try_from(padding).unwrap()], &length[padding..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// What is wrong with `every-extension` after a change of the content at one
/// place, the rest of it being read as before.
#[track_caller]
fn faults_after(way: &[usize], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<String> {
    let original = fixture("every-extension");
    let whole = read(&original);
    let facts = read(&edited(&original, way, change));
    let expected = Facts {
        self_signed: facts.self_signed,
        faults: facts.faults.clone(),
        serial: facts.serial.clone(),
        public_key: PublicKey {
            spki: facts.public_key.spki,
            ..whole.public_key.clone()
        },
        ..whole
    };
    assert_eq!(facts, expected, "the rest");
    facts.faults
}

fn with_null(content: &[u8]) -> Vec<u8> {
    [content, NULL].concat()
}

#[test]
fn bytes_after_what_belongs_there_are_a_fault() {
    let cases = [
        (TO_VALIDITY, "validity"),
        (TO_KEY, "public key"),
        (TO_KEY_ALGORITHM, "public key"),
        (TO_EXPLICIT, "extensions"),
        (&[0, 0], "version"),
        (&value_of(0), "basic constraints"),
        (&value_of(1), "key usage"),
        (&value_of(2), "extended key usage"),
        (&value_of(3), "alternative names"),
        (&value_of(4), "subject key identifier"),
        (&[0, 7, 0, 0], "basic constraints"),
        (&[0, 7, 0, 3], "alternative names"),
    ];
    for (way, field) in cases {
        let faults = faults_after(way, &with_null);
        assert_eq!(faults, [format!("{field}: 2 bytes too many")], "{way:?}");
    }
    let faults = faults_after(&[1], &|algorithm| [algorithm, NULL, NULL].concat());
    let expected = ["another inside than outside", "2 bytes too many"];
    assert_eq!(
        faults,
        expected.map(|line| format!("signature algorithm: {line}"))
    );
}

#[test]
fn bytes_that_are_no_element_are_not_too_many() {
    let faults = faults_after(&[1], &|algorithm| {
        let identifier = walk::elements(algorithm).next().unwrap();
        [identifier.raw, &[0x05, 0x09]].concat()
    });
    assert!(
        faults.contains(&"signature algorithm: 2 bytes at its end can't be read".to_owned()),
        "{faults:?}"
    );
    assert!(!faults.iter().any(|line| line.ends_with("too many")));
}

#[test]
fn an_element_where_none_belongs_is_a_fault() {
    let stray = "an element that does not belong there";
    assert_eq!(
        faults_after(&[0], &with_null),
        [format!("TBSCertificate: {stray}")]
    );
    let in_value = |content: &[u8]| edited(content, &[], &with_null);
    assert_eq!(
        faults_after(&value_of(2), &in_value),
        ["extended key usage: one is no object identifier"]
    );
}

#[test]
fn an_extension_that_stands_twice_is_a_fault() {
    let twice = |position: usize| {
        move |list: &[u8]| {
            let again = walk::elements(list).nth(position).unwrap();
            [list, again.raw].concat()
        }
    };
    let fields = [
        "basic constraints",
        "key usage",
        "extended key usage",
        "alternative names",
        "subject key identifier",
    ];
    for (position, field) in fields.into_iter().enumerate() {
        assert_eq!(
            faults_after(TO_LIST, &twice(position)),
            [format!(
                "{field}: stands twice, the first that can be read counts"
            )]
        );
    }
    let unknown = tagged(0x30, b"\x06\x03\x2a\x03\x04\x04\x03own");
    assert_eq!(
        faults_after(TO_LIST, &|list| [list, &unknown].concat()),
        [""; 0]
    );
    assert_eq!(
        faults_after(TO_LIST, &|list| [list, &unknown, &unknown].concat()),
        ["extension 1.2.3.4: stands twice, the first that can be read counts"]
    );
}

#[test]
fn a_long_identifier_of_an_extension_makes_no_long_lines() {
    let identifier = tagged(0x06, &[vec![0x2a], vec![0x07; 500_000]].concat());
    let wrong = [0x01, 0x01, 0x01, 0x02, 0x02, 0x00, 0x7f].repeat(100);
    let hostile = [&identifier[..], b"\x01\x01\xff\x04\x00", &wrong].concat();
    let hostile = tagged(0x30, &hostile);
    let der = edited(&fixture("every-extension"), TO_LIST, &|list| {
        [list, &hostile, &hostile].concat()
    });
    let faults = read(&der).faults;
    assert!(faults.len() > 3, "{}", faults.len());
    let length: usize = faults.iter().map(String::len).sum();
    assert!(length < 1_000, "{length} bytes");
    let [unknown, again] = &crate::x509::linkage(&Der::from(der)).unknown_critical[..] else {
        panic!("both are critical");
    };
    assert!(unknown == again && unknown.len() < 100);
}

#[test]
fn of_an_extension_that_stands_twice_the_first_that_can_be_read_counts() {
    let constraints = |value: &[u8]| {
        let value = tagged(0x04, value);
        tagged(0x30, &[b"\x06\x03\x55\x1d\x13", &value[..]].concat())
    };
    let authority = constraints(b"\x30\x03\x01\x01\xff");
    let list = [constraints(b"?"), authority].concat();
    let facts = read(&edited(&fixture("every-extension"), TO_LIST, &|_| {
        list.clone()
    }));
    assert_eq!(facts.is_ca, Some(true));
    let told = [
        "can't be read",
        "stands twice, the first that can be read counts",
    ];
    assert_eq!(
        facts.faults,
        told.map(|line| format!("basic constraints: {line}"))
    );
}

#[test]
fn a_true_of_another_byte_is_a_fault() {
    for way in [&[0, 7, 0, 0, 1][..], &[0, 7, 0, 1, 1]] {
        let faults = faults_after(way, &|_| vec![0x01]);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].ends_with(": a BOOLEAN is neither 0x00 nor 0xff"));
    }
    let in_value = |content: &[u8]| edited(content, &[0], &|_| vec![0x01]);
    assert_eq!(
        faults_after(&value_of(0), &in_value),
        ["basic constraints: a BOOLEAN is neither 0x00 nor 0xff"]
    );
}

#[test]
fn a_padded_serial_number_is_a_fault_and_kept_padded() {
    let padded = |_: &[u8]| vec![0x00, 0x05];
    assert_eq!(
        faults_after(TO_SERIAL, &padded),
        ["serial number: an INTEGER takes more octets than it needs"]
    );
    let der = edited(&fixture("every-extension"), TO_SERIAL, &padded);
    assert_eq!(read(&der).serial, [0x00, 0x05]);
}

#[test]
fn a_length_in_more_octets_than_it_needs_is_a_fault() {
    // Short lengths, each in two octets.
    let lengthened = |position: usize| {
        move |content: &[u8]| {
            let parts = walk::elements(content).enumerate();
            let parts = parts.map(|(at, part)| {
                if at == position {
                    [&[part.raw[0], 0x81], &part.raw[1..]].concat()
                } else {
                    part.raw.to_vec()
                }
            });
            parts.collect::<Vec<_>>().concat()
        }
    };
    let cases = [
        (&[0][..], 0, "version"),
        (&[0], 1, "serial number"),
        (TO_VALIDITY, 1, "validity"),
        (&[0, 5, 0, 0], 1, "subject"),
        (TO_KEY, 1, "public key"),
        (&[], 2, "signature"),
        (TO_LIST, 0, "basic constraints"),
        (&[0, 7, 0, 4], 1, "subject key identifier"),
        (&value_of(2), 0, "extended key usage"),
    ];
    for (way, position, field) in cases {
        assert_eq!(
            faults_after(way, &lengthened(position)),
            [format!("{field}: a length takes more octets than it needs")]
        );
    }
    let mut der = fixture("every-extension");
    der.splice(1..4, [0x83, 0x00, 0x02, 0x61]);
    assert_eq!(
        read(&der).faults,
        ["certificate: a length takes more octets than it needs"]
    );
}

#[test]
fn a_date_in_another_form_is_a_fault_of_its_field() {
    let whole = read(&fixture("every-extension"));
    let with_offset = |_: &[u8]| b"361118104904+0100".to_vec();
    let der = edited(&fixture("every-extension"), TO_NOT_AFTER, &with_offset);
    let facts = read(&der);
    assert_eq!(facts.not_after, whole.not_after);
    assert_eq!(facts.faults, ["notAfter: not in UTC, which a Z marks"]);
}

#[test]
fn a_name_beyond_ascii_is_a_fault() {
    for tag in [0x81, 0x82, 0x86] {
        let names = tagged(0x30, &tagged(tag, "bücher.example".as_bytes()));
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
        params.custom_extensions.push(extension);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let facts = read(certificate.der());
        assert!(facts.alternative_names[0].ends_with("bücher.example"));
        assert_eq!(facts.faults, ["alternative names: a name is not in ASCII"]);
    }
}

#[test]
fn the_public_roots_have_few_faults_and_these_are_true() {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    assert!(roots.len() > 100);
    let mut faulty: Vec<_> = roots.iter().map(|root| read(root)).collect();
    faulty.retain(|facts| facts.faults != [""; 0] && facts.faults != ["serial number: zero"]);
    let [certum] = &faulty[..] else {
        panic!("{faulty:?}")
    };
    let name = certum.subject.common_name.as_deref();
    assert_eq!(name, Some("Certum Trusted Network CA 2"));
    let dates = ["notBefore", "notAfter"];
    let expected = dates.map(|field| format!("{field}: a GeneralizedTime before 2050"));
    assert_eq!(certum.faults, expected);
}
