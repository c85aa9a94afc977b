mod damage;
mod encoding;
mod keys;
mod names;

use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, DnValue, IsCa,
    Issuer, KeyPair, SanType,
};

use super::*;

/// What OpenSSL reads in the fixtures; see their README.
const OPENSSL: &str = include_str!("../fixtures/openssl.txt");

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
        let faults: &[&str] = match file {
            "negative-serial.der" => &["serial number: negative"],
            "long-serial.der" => &["serial number: 23 octets long, 20 are allowed"],
            _ => &[],
        };
        assert_eq!(facts.faults, faults, "{file}");
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

#[test]
fn what_a_certificate_weighs_has_its_names_in_it() {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let long = "x".repeat(100_000);
    params.distinguished_name.push(DnType::CommonName, &long);
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let certificate = parse(&Der::from(&certificate.der()[..]));
    let facts = certificate.facts.as_ref().unwrap();
    assert!(facts.subject.common_name.is_some());
    let names = 4 * long.len();
    assert!(certificate.weight() > certificate.der.as_bytes().len() + names);
}
