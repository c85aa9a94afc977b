//! What the hello in clear offers: code points in the order of preference.
//!
//! All that makes a server show its certificate, and nothing that could have
//! it choose not to: servers that allow anonymous suites may prefer them, as
//! Postfix does, so those have a hello of their own.

/// Modern before old, forward secrecy before none, ECDSA before RSA before
/// DSS, so that a server answers as it would answer a browser. Export and
/// NULL suites stand last: only a server that has nothing else chooses them,
/// and its certificate is worth as much as another's.
#[rustfmt::skip]
pub(super) const CIPHER_SUITES: &[u16] = &[
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

/// What a server without a certificate agrees to: anonymous ECDH and DH, then
/// pre-shared keys (with RSA as well, which shows a certificate after all).
#[rustfmt::skip]
pub(super) const ANONYMOUS_CIPHER_SUITES: &[u16] = &[
    0xc018, 0xc019, 0xc017, 0xc016, 0xc015, 0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034,
    0x003a, 0x0046, 0x0089, 0x001b, 0x0018, 0x001a, 0x0019, 0x0017,
    0xd001, 0xd002, 0xccac, 0xc037, 0xc038, 0xc035, 0xc036, 0x00aa, 0x00ab, 0xccad,
    0x00b2, 0x00b3, 0x0090, 0x0091, 0x00ac, 0x00ad, 0xccae, 0x00b6, 0x00b7, 0x0094,
    0x0095, 0x00a8, 0x00a9, 0xccab, 0xc0a4, 0xc0a5, 0xc0a8, 0xc0a9, 0x00ae, 0x00af,
    0x008c, 0x008d, 0x008b, 0x008a, 0x002c,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CipherSuite, NamedGroup};
    use crate::tls::suite::{Authentication, Traits};

    fn repeated(code_points: &[u16]) -> Vec<u16> {
        let mut seen = std::collections::HashSet::new();
        let again = |code_point: &&u16| !seen.insert(**code_point);
        code_points.iter().filter(again).copied().collect()
    }

    #[test]
    fn nothing_is_offered_twice() {
        assert!(repeated(CIPHER_SUITES).is_empty());
        assert!(repeated(ANONYMOUS_CIPHER_SUITES).is_empty());
        assert!(repeated(GROUPS).is_empty());
        assert!(repeated(SIGNATURE_SCHEMES).is_empty());
    }

    #[test]
    fn every_suite_offered_is_registered_and_only_its_own_hello_is_anonymous() {
        for suite in CIPHER_SUITES.iter().copied().map(CipherSuite) {
            assert!(suite.name().is_some(), "{suite}");
            let authentication = Traits::of(suite).authentication;
            assert_eq!(authentication, Authentication::Certificate, "{suite}");
        }
        for suite in ANONYMOUS_CIPHER_SUITES.iter().copied().map(CipherSuite) {
            let name = suite.name().unwrap();
            let authentication = Traits::of(suite).authentication;
            let certificate = authentication == Authentication::Certificate;
            assert_eq!(certificate, name.starts_with("TLS_RSA_PSK"), "{suite}");
        }
        for group in GROUPS.iter().copied().map(NamedGroup) {
            assert!(group.name().is_some(), "{group}");
        }
    }
}
