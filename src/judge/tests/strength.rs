//! Which keys and which hashes are weak, and of which certificates that counts.

use std::sync::Arc;

use super::scene::{Scene, fixture, read};
use super::{detail, flaws};
use crate::judge::{Verdict, WeakKeys};
use crate::x509::Certificate;

#[test]
fn a_key_that_others_have_is_found_by_a_list() {
    let mut scene = Scene::new();
    scene.chain = vec![fixture("x509/rsa-2047")];
    // openssl x509 -inform der -in rsa-2047.der -noout -modulus | sha1sum
    scene.limits.weak_keys = WeakKeys::read("baa07529418746957f22\n").unwrap();
    let told = detail(&scene, "weak-key").unwrap();
    assert_eq!(
        told,
        "2047 bits, fewer than 2048; it is on a list of keys that others have"
    );
}

#[test]
fn each_weakness_of_a_key_is_named() {
    let weakness = |path: &str| {
        let mut scene = Scene::new();
        scene.chain = vec![fixture(path)];
        detail(&scene, "weak-key")
    };
    for (path, words) in [
        ("judge/exponent-1", "its public exponent is below 2 or even"),
        (
            "judge/exponent-even",
            "its public exponent is below 2 or even",
        ),
        (
            "judge/close-primes",
            "its primes are close: it can be factored",
        ),
        (
            "judge/equal-primes",
            "its primes are close: it can be factored",
        ),
        ("judge/roca", "it was made by the flawed library of ROCA"),
        ("judge/prime192v1", "192 bits, fewer than 224"),
        ("x509/rsa-512", "512 bits, fewer than 2048"),
        ("x509/rsa-2047", "2047 bits, fewer than 2048"),
        ("x509/dsa", "DSA is no longer approved for signing"),
        ("x509/explicit-curve", "its curve is spelled out, not named"),
        (
            "judge/explicit-sect163r1",
            "163 bits, fewer than 224; its curve is spelled out, not named",
        ),
    ] {
        assert_eq!(weakness(path).as_deref(), Some(words), "{path}");
    }
    for path in [
        "judge/exponent-65537",
        "judge/secp224r1",
        "x509/rsa-pss",
        "x509/p-521",
        "x509/ed25519",
        "x509/ed448",
    ] {
        assert_eq!(weakness(path), None, "{path}");
    }
}

/// A fixture with these octets of it, wherever they stand, replaced by others.
fn patched(path: &str, from: &[u8], to: &[u8]) -> Arc<Certificate> {
    let mut der = fixture(path).der.as_bytes().to_vec();
    let found: Vec<_> = (0..der.len())
        .filter(|start| der[*start..].starts_with(from))
        .collect();
    assert!(!found.is_empty(), "{path}");
    for start in found {
        der[start..][..to.len()].copy_from_slice(to);
    }
    read(&der)
}

#[test]
fn a_small_curve_is_found_by_its_name() {
    // 1.3.132.0.33, P-224, and its neighbours in SEC 2.
    let curve = |last: u8| [6, 5, 43, 129, 4, 0, last];
    let weakness = |last: u8| {
        let mut scene = Scene::new();
        scene.chain = vec![patched("judge/secp224r1", &curve(33), &curve(last))];
        detail(&scene, "weak-key")
    };
    for (last, bits) in [
        (6, 112),
        (7, 112),
        (28, 128),
        (29, 128),
        (4, 113),
        (22, 131),
        (2, 163),
        (24, 193),
    ] {
        let told = format!("{bits} bits, fewer than 224");
        assert_eq!(weakness(last), Some(told), "1.3.132.0.{last}");
    }
    for last in [26, 32, 36] {
        assert_eq!(weakness(last), None, "1.3.132.0.{last}");
    }
}

#[test]
fn a_weak_hash_counts_by_whatever_identifier_it_comes() {
    let verdict = |from: &[u8], to: &[u8]| {
        let mut scene = Scene::new();
        scene.chain = vec![patched("judge/issued-md5", from, to)];
        scene.verdict("weak-signature")
    };
    // 1.2.840.113549.1.1.4 and its neighbours.
    let pkcs = |last: u8| [6, 9, 42, 134, 72, 134, 247, 13, 1, 1, last];
    for (last, name) in [(2, "md2"), (3, "md4"), (4, "md5"), (5, "sha1")] {
        let Verdict::Fail(flaws) = verdict(&pkcs(4), &pkcs(last)) else {
            panic!("{name}");
        };
        assert_eq!(flaws[0].detail, format!("{name}WithRSAEncryption"));
    }
    for last in [11, 12, 13, 14] {
        assert_eq!(verdict(&pkcs(4), &pkcs(last)), Verdict::Pass, "{last}");
    }
}

#[test]
fn the_names_of_weak_hashes_are_told_from_those_of_others() {
    let verdict = |algorithm: &str| {
        let mut scene = Scene::new();
        scene.facts().signature_algorithm = algorithm.to_owned();
        scene.verdict("weak-signature")
    };
    for weak in [
        "md4WithRSA",
        "md5WithRSA",
        "md5WithRSASignature",
        "shaWithRSAEncryption",
        "sha1WithRSA",
        "dsaWithSHA",
        "dsaWithSHA1-old",
        "ecdsa-with-SHA1",
        "ecdsa-plain-SHA1",
    ] {
        assert!(matches!(verdict(weak), Verdict::Fail(_)), "{weak}");
    }
    for sound in [
        "dsa_with_SHA256",
        "ecdsa_with_SHA3-256",
        "sha512-256WithRSAEncryption",
        "SLH-DSA-SHA2-128s",
        "SM2-with-SM3",
    ] {
        assert_eq!(verdict(sound), Verdict::Pass, "{sound}");
    }
}

#[test]
fn a_weak_hash_counts_where_somebody_else_signed() {
    let verdict = |path: &str| {
        let mut scene = Scene::new();
        scene.chain = vec![fixture(path)];
        scene.verdict("weak-signature")
    };
    assert!(matches!(verdict("judge/issued-md5"), Verdict::Fail(_)));
    assert!(matches!(verdict("judge/issued-sha1"), Verdict::Fail(_)));
    assert_eq!(verdict("judge/issued-sha256"), Verdict::Pass);
    assert_eq!(verdict("judge/issued-pss-sha256"), Verdict::Pass);
    for (pss, told) in [
        (
            "judge/issued-pss-sha1",
            "rsassaPss with SHA1 for the message",
        ),
        (
            "judge/issued-pss-mask-sha1",
            "rsassaPss with SHA1 for the mask",
        ),
    ] {
        let Verdict::Fail(flaws) = verdict(pss) else {
            panic!("{pss}");
        };
        assert_eq!(flaws[0].detail, told);
    }
    for own in ["x509/rsa-1024-md5", "x509/rsa-1024-sha1", "x509/ed448"] {
        let scene = Scene::of_root(fixture(own));
        assert_eq!(
            scene.verdict("weak-signature"),
            Verdict::NotApplicable,
            "{own}"
        );
    }
}

#[test]
fn to_have_the_name_of_ones_issuer_is_not_to_have_signed_oneself() {
    // Whether its own key made the signature can't be checked.
    let namesake = fixture("x509/rsa-1024-md5");
    let mut scene = Scene::of_root(Arc::clone(&namesake));
    let verdict = |scene: &Scene| scene.verdict("weak-signature");
    assert_eq!(verdict(&scene), Verdict::NotApplicable);
    scene.assessment.root = Scene::new().assessment.root;
    assert_eq!(
        detail(&scene, "weak-signature").as_deref(),
        Some("md5WithRSAEncryption"),
        "another was found above it"
    );
    scene.assessment.path.clear();
    assert_eq!(verdict(&scene), Verdict::NotApplicable, "no path is known");
    let mut scene = Scene::of_root(namesake);
    scene.facts().self_signed = Some(false);
    assert!(matches!(verdict(&scene), Verdict::Fail(_)));
}

#[test]
fn a_key_that_was_not_sent_counts() {
    for (path, told) in [
        ("x509/rsa-512", "CN=rsa-512: 512 bits, fewer than 2048"),
        (
            "judge/roca",
            "CN=fixture: it was made by the flawed library of ROCA",
        ),
    ] {
        let certificate = fixture(path);
        let scene = Scene::below_unsent(Arc::clone(&certificate));
        let [flaw] = &flaws(&scene, "weak-key")[..] else {
            panic!("{path}");
        };
        assert_eq!(flaw.detail, told);
        assert_eq!(flaw.certificate, Some(certificate.fingerprint));
    }
    let mut scene = Scene::below_unsent(fixture("x509/rsa-2047"));
    scene.limits.rsa_bits = 2047;
    assert_eq!(detail(&scene, "weak-key"), None);
    scene.limits.weak_keys = WeakKeys::read("baa07529418746957f22\n").unwrap();
    let told = "CN=rsa-2047: it is on a list of keys that others have";
    assert_eq!(detail(&scene, "weak-key").as_deref(), Some(told));
}

#[test]
fn a_signature_that_was_not_sent_counts_unless_a_store_vouches_for_it() {
    let certificate = fixture("judge/issued-sha1");
    let mut scene = Scene::below_unsent(Arc::clone(&certificate));
    let [flaw] = &flaws(&scene, "weak-signature")[..] else {
        panic!("{:?}", scene.verdict("weak-signature"));
    };
    assert_eq!(flaw.detail, "CN=fixture: sha1WithRSAEncryption");
    assert_eq!(flaw.certificate, Some(certificate.fingerprint));
    scene.assessment.root.as_mut().unwrap().fingerprint = certificate.fingerprint;
    assert_eq!(scene.verdict("weak-signature"), Verdict::Pass);
    scene.chain.push(certificate);
    assert_eq!(
        flaws(&scene, "weak-signature").len(),
        1,
        "whoever sends it means it for those who do not have it"
    );
}
