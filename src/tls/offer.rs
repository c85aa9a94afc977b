//! What the hello in clear offers: code points in the order of preference.
//!
//! All that makes a server show its certificate, and nothing that could have
//! it choose not to: servers that allow anonymous suites may prefer them, as
//! Postfix does, so those have a hello of their own. The lists of the short
//! hellos hold what servers of that age have.

use crate::domain::{CipherSuite, KeyType, TlsVersion};

use super::rung::{Rung, Shape, Suites};
use super::suite::{Agreement, Authentication, Traits};

/// Modern before old, forward secrecy before none, ECDSA before RSA before
/// DSS, so that a server answers as it would answer a browser. Export and
/// NULL suites stand last: only a server that has nothing else chooses them,
/// and its certificate is worth as much as another's.
#[rustfmt::skip]
const CIPHER_SUITES: &[u16] = &[
    // ECDHE: AES-GCM, ChaCha20, AES-CCM, ARIA and Camellia in GCM.
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af,
    0xc05c, 0xc05d, 0xc060, 0xc061, 0xc086, 0xc087, 0xc08a, 0xc08b,
    // ECDHE: AES and Camellia in CBC.
    0xc023, 0xc027, 0xc009, 0xc013, 0xc024, 0xc028, 0xc00a, 0xc014, 0xc072, 0xc076,
    0xc073, 0xc077,
    // DHE: AES-GCM, ChaCha20, AES-CCM, AES, Camellia and SEED in CBC; DSS.
    0x009e, 0x009f, 0xccaa, 0xc09e, 0xc09f, 0xc0a2, 0xc0a3, 0x0067, 0x006b, 0x0033,
    0x0039, 0x0045, 0x0088, 0x00be, 0x00c4, 0x009a, 0x00a2, 0x00a3, 0x0040, 0x006a,
    0x0032, 0x0038, 0x0044, 0x0087, 0x0099,
    // RSA key transport.
    0x009c, 0x009d, 0xc09c, 0xc09d, 0xc0a0, 0xc0a1, 0x003c, 0x003d, 0x002f, 0x0035,
    0xc050, 0xc051, 0x0041, 0x0084, 0x00ba, 0x00c0, 0x0096,
    // Static ECDH and DH.
    0xc02d, 0xc031, 0xc02e, 0xc032, 0xc025, 0xc029, 0xc004, 0xc00e, 0xc005, 0xc00f,
    0x00a0, 0x00a4, 0x0031, 0x0030, 0x0037, 0x0036,
    // 3DES, RC4, IDEA, DES.
    0xc008, 0xc012, 0x0016, 0x0013, 0x000a, 0xc003, 0xc00d, 0xc007, 0xc011, 0x0005,
    0x0004, 0x0066, 0xc002, 0xc00c, 0x0007, 0x0015, 0x0012, 0x0009,
    // Export, 56 and 40 bits.
    0x0064, 0x0062, 0x0014, 0x0011, 0x0008, 0x0006, 0x0003,
    // No encryption.
    0xc006, 0xc010, 0x003b, 0x0002, 0x0001,
];

/// What a short hello offers up to TLS 1.1, in the same order.
#[rustfmt::skip]
const SHORT: &[u16] = &[
    // ECDHE, DHE, RSA and static ECDH with AES and Camellia.
    0xc009, 0xc013, 0xc00a, 0xc014, 0x0033, 0x0039, 0x0032, 0x0038, 0x0045, 0x0088,
    0x0044, 0x0087, 0x002f, 0x0035, 0x0041, 0x0084, 0x0096, 0xc004, 0xc00e, 0xc005,
    0xc00f,
    // 3DES, RC4, IDEA, DES.
    0xc008, 0xc012, 0x0016, 0x0013, 0x000a, 0xc003, 0xc00d, 0xc007, 0xc011, 0x0005,
    0x0004, 0x0066, 0xc002, 0xc00c, 0x0007, 0x0015, 0x0012, 0x0009,
    // Export, and no encryption.
    0x0064, 0x0062, 0x0014, 0x0011, 0x0008, 0x0006, 0x0003, 0x0002, 0x0001,
];

/// What goes before them where TLS 1.2 is offered.
#[rustfmt::skip]
const SHORT_OF_TLS_1_2: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0x009c, 0x009d,
    0x003c, 0x003d,
];

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV, for servers that insist on secure
/// renegotiation, where the extension has no room (RFC 5746 section 3.3).
const RENEGOTIATION_INFO_SCSV: u16 = 0x00ff;

/// The cipher kinds of SSL 2.0, 24 bits each.
pub(super) const CIPHER_KINDS: &[CipherSuite] = &[
    CipherSuite(0x01_0080),
    CipherSuite(0x02_0080),
    CipherSuite(0x03_0080),
    CipherSuite(0x04_0080),
    CipherSuite(0x05_0080),
    CipherSuite(0x06_0040),
    CipherSuite(0x07_00c0),
];

/// What a server without a certificate agrees to: anonymous ECDH and DH, then
/// pre-shared keys (with RSA as well, which shows a certificate after all),
/// then passwords.
#[rustfmt::skip]
const ANONYMOUS_CIPHER_SUITES: &[u16] = &[
    0xc018, 0xc019, 0xc017, 0xc016, 0xc015, 0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034,
    0x003a, 0x0046, 0x0089, 0x001b, 0x0018, 0x001a, 0x0019, 0x0017,
    0xd001, 0xd002, 0xccac, 0xc037, 0xc038, 0xc035, 0xc036, 0x00aa, 0x00ab, 0xccad,
    0x00b2, 0x00b3, 0x0090, 0x0091, 0x00ac, 0x00ad, 0xccae, 0x00b6, 0x00b7, 0x0094,
    0x0095, 0x00a8, 0x00a9, 0xccab, 0xc0a4, 0xc0a5, 0xc0a8, 0xc0a9, 0x00ae, 0x00af,
    0x008c, 0x008d, 0x008b, 0x008a, 0x002c, 0xc01d, 0xc020, 0xc01a,
];

/// x25519, P-256, P-384, P-521, X448, brainpool, secp256k1, the old binary
/// curves that OpenSSL 1.0 put first, P-224, P-192, ffdhe. No duplicates:
/// tlslite-ng refuses a hello that has one.
#[rustfmt::skip]
pub(super) const GROUPS: &[u16] = &[
    0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x001a, 0x001b, 0x001c, 0x0016, 0x000e,
    0x000d, 0x000b, 0x000c, 0x0009, 0x000a, 0x0015, 0x0013,
    // All of RFC 7919: a server that knows the registry and finds none of its
    // own among them must not choose DHE (section 4).
    0x0100, 0x0101, 0x0102, 0x0103, 0x0104,
];

/// ECDSA, EdDSA, RSA-PSS, RSA, with SHA-2; then ML-DSA, the brainpool curves'
/// own, DSA, SHA-224, SHA-1 and MD5: a server keeps a certificate back whose
/// signature its client does not list (RFC 5246 section 7.4.2).
#[rustfmt::skip]
pub(super) const SIGNATURE_SCHEMES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a,
    0x080b, 0x0401, 0x0501, 0x0601, 0x0904, 0x0905, 0x0906, 0x081a, 0x081b, 0x081c,
    0x0402, 0x0502, 0x0602, 0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, 0x0101,
];

/// The TLS suites a hello in clear offers.
pub(super) fn cipher_suites(rung: Rung) -> Vec<u16> {
    let mut suites = match (rung.suites, rung.shape()) {
        (Suites::Anonymous, _) => ANONYMOUS_CIPHER_SUITES.to_vec(),
        (Suites::Certified, Shape::Extended) => CIPHER_SUITES.to_vec(),
        (Suites::Certified, Shape::Plain | Shape::Version2) => short(rung.offered.newest()),
    };
    if let Some(key_type) = rung.key_type {
        suites.retain(|suite| certifies(*suite, key_type));
    }
    suites
}

/// The signature algorithms a hello offers for a certificate of this key type;
/// `None`: of any.
pub(super) fn signature_schemes(key_type: Option<KeyType>) -> Vec<u16> {
    let schemes = SIGNATURE_SCHEMES.iter().copied();
    let fits = |scheme: &u16| key_type.is_none_or(|key_type| signer(*scheme) == Some(key_type));
    schemes.filter(fits).collect()
}

/// SSL 2.0 itself has none of them.
fn short(newest: TlsVersion) -> Vec<u16> {
    let mut suites = Vec::new();
    if newest >= TlsVersion::TLS_1_2 {
        suites.extend(SHORT_OF_TLS_1_2);
    }
    if newest >= TlsVersion::SSL_3 {
        suites.extend(SHORT);
        suites.push(RENEGOTIATION_INFO_SCSV);
    }
    suites
}

/// Whether a server that chooses `suite` shows a certificate of this key type,
/// or may: EdDSA signs in those of ECDHE_ECDSA (RFC 8422 section 5.10).
fn certifies(suite: u16, key_type: KeyType) -> bool {
    let Traits {
        agreement,
        authentication,
    } = Traits::of(CipherSuite(suite.into()));
    match key_type {
        KeyType::Eddsa => {
            agreement == Agreement::Ecdhe && authentication == Authentication::Key(KeyType::Ecdsa)
        }
        _ => authentication == Authentication::Key(key_type),
    }
}

/// The type of the key that signs by a scheme (RFC 8446 section 4.2.3, RFC 8734
/// section 3); up to TLS 1.2 the second byte tells (RFC 5246 section 7.4.1.4.1).
const fn signer(scheme: u16) -> Option<KeyType> {
    match scheme {
        0x0804..=0x0806 | 0x0809..=0x080b => Some(KeyType::Rsa),
        0x0807 | 0x0808 => Some(KeyType::Eddsa),
        0x081a..=0x081c => Some(KeyType::Ecdsa),
        0x0904..=0x0906 => Some(KeyType::MlDsa),
        _ => match scheme & 0xff {
            1 => Some(KeyType::Rsa),
            2 => Some(KeyType::Dsa),
            3 => Some(KeyType::Ecdsa),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NamedGroup;

    fn repeated(code_points: &[u16]) -> Vec<u16> {
        let mut seen = std::collections::HashSet::new();
        let again = |code_point: &&u16| !seen.insert(**code_point);
        code_points.iter().filter(again).copied().collect()
    }

    fn offered(set: &str, key_type: Option<KeyType>) -> Vec<u16> {
        cipher_suites(Rung {
            key_type,
            ..Rung::new(set.parse().unwrap())
        })
    }

    #[test]
    fn nothing_is_offered_twice() {
        for set in ["tls1.2", "tls1.0+ssl3", "tls1.2+ssl3", "tls1.0+ssl3+ssl2"] {
            assert!(repeated(&offered(set, None)).is_empty(), "{set}");
        }
        assert!(repeated(ANONYMOUS_CIPHER_SUITES).is_empty());
        assert!(repeated(GROUPS).is_empty());
        assert!(repeated(SIGNATURE_SCHEMES).is_empty());
    }

    #[test]
    fn every_suite_offered_is_registered_and_only_its_own_hello_is_anonymous() {
        let authentication = |suite: u16| {
            let suite = CipherSuite(suite.into());
            assert!(suite.name().is_some(), "{suite}");
            Traits::of(suite).authentication
        };
        for suite in CIPHER_SUITES.iter().chain(SHORT).chain(SHORT_OF_TLS_1_2) {
            assert_ne!(authentication(*suite), Authentication::Other, "{suite:#x}");
        }
        for suite in ANONYMOUS_CIPHER_SUITES {
            let name = CipherSuite((*suite).into()).name().unwrap();
            let certificate = authentication(*suite) != Authentication::Other;
            assert_eq!(certificate, name.starts_with("TLS_RSA_PSK"), "{suite:#x}");
        }
        assert!(CIPHER_KINDS.iter().all(|kind| kind.name().is_some()));
        for group in GROUPS.iter().copied().map(NamedGroup) {
            assert!(group.name().is_some(), "{group}");
        }
    }

    #[test]
    fn a_short_hello_offers_what_a_long_one_does_too_and_no_fallback() {
        const FALLBACK_SCSV: u16 = 0x5600;
        for set in ["ssl3", "tls1.0+ssl3", "tls1.2+tls1.0+ssl3+ssl2"] {
            let suites = offered(set, None);
            assert_eq!(suites.last(), Some(&RENEGOTIATION_INFO_SCSV));
            assert!(!suites.contains(&FALLBACK_SCSV));
            for suite in &suites[..suites.len() - 1] {
                assert!(CIPHER_SUITES.contains(suite), "{suite:#x}");
            }
        }
        assert!(offered("ssl2", None).is_empty(), "its kinds stand apart");
        let before_tls_1_2 = |suite: &&u16| {
            let name = CipherSuite((**suite).into()).name().unwrap();
            name.ends_with("_SHA") || name.ends_with("_MD5")
        };
        assert!(SHORT.iter().all(|suite| before_tls_1_2(&suite)));
        assert!(!SHORT_OF_TLS_1_2.iter().any(|suite| before_tls_1_2(&suite)));
    }

    #[test]
    fn a_key_type_leaves_its_own_suites_and_signatures_alone() {
        let cases: [(KeyType, &[&str], u16); 4] = [
            (
                KeyType::Rsa,
                &["TLS_RSA_", "TLS_DHE_RSA_", "TLS_ECDHE_RSA_"],
                0x0401,
            ),
            (
                KeyType::Ecdsa,
                &["TLS_ECDHE_ECDSA_", "TLS_ECDH_ECDSA_", "TLS_ECDH_RSA_"],
                0x0403,
            ),
            (KeyType::Eddsa, &["TLS_ECDHE_ECDSA_"], 0x0807),
            (KeyType::Dsa, &["TLS_DHE_DSS_"], 0x0402),
        ];
        let every_scheme = signature_schemes(None).len();
        let mut schemes = signature_schemes(Some(KeyType::MlDsa)).len();
        for (key_type, methods, scheme) in cases {
            let suites = offered("tls1.2+tls1.1+tls1.0", Some(key_type));
            assert!(suites.len() > 5);
            for suite in suites {
                let name = CipherSuite(suite.into()).name().unwrap();
                assert!(
                    methods.iter().any(|method| name.starts_with(method)),
                    "{name}"
                );
            }
            let fitting = signature_schemes(Some(key_type));
            assert!(fitting.contains(&scheme), "{key_type}");
            schemes += fitting.len();
        }
        assert_eq!(signature_schemes(Some(KeyType::Eddsa)), [0x0807, 0x0808]);
        assert_eq!(schemes, every_scheme, "each scheme is of one key type");
    }
}
