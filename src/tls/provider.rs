//! What the hello of rustls offers: suites, groups and signature schemes, most
//! wanted first.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use rustls::crypto::{CipherSuiteCommon, CryptoProvider, SupportedKxGroup};
use rustls::{
    CipherSuite, ConnectionTrafficSecrets, Error, SignatureScheme, SupportedCipherSuite,
    Tls13CipherSuite,
};

use crate::domain::KeyType;

use super::groups::{Secp384r1MlKem1024, Secp521r1};
use super::key_of_one::{BRAINPOOL, FINITE_FIELD, X448};
use super::offer;
use super::rung::Groups;

/// The suites and groups of one kind of hello.
pub(super) fn provider(groups: Groups) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .extend([&AES_128_CCM, &AES_128_CCM_8].map(SupportedCipherSuite::Tls13));
    provider.kx_groups = match groups {
        Groups::All => every_group(),
        Groups::Hybrid => vec![
            kx_group::X25519MLKEM768,
            kx_group::SECP256R1MLKEM768,
            &Secp384r1MlKem1024,
        ],
    };
    provider
}

/// x25519 goes first, since rustls sends a key share for the first group
/// alone: the hello stays within one segment, and a server that insists on
/// another asks for it (RFC 8446 section 4.1.4).
fn every_group() -> Vec<&'static dyn SupportedKxGroup> {
    let mut groups = vec![
        kx_group::X25519,
        kx_group::SECP256R1,
        kx_group::SECP384R1,
        &Secp521r1,
        kx_group::X25519MLKEM768,
        kx_group::SECP256R1MLKEM768,
        &Secp384r1MlKem1024,
        kx_group::MLKEM768,
        kx_group::MLKEM1024,
        &X448,
    ];
    for group in BRAINPOOL.iter().chain(&FINITE_FIELD) {
        groups.push(group);
    }
    groups
}

/// The signature schemes that have a server of TLS 1.3 show a certificate of
/// this key type (RFC 8446 section 4.4.2.2); `None`: of any.
///
/// RSASSA-PKCS1-v1_5 is always among them: in TLS 1.3 it stands for signatures
/// inside the chain alone (section 4.2.3), and RSA authorities sign
/// certificates of every type.
pub(super) fn signature_schemes(key_type: Option<KeyType>) -> Vec<SignatureScheme> {
    const PKCS1_WITH_SHA2: [u16; 3] = [0x0401, 0x0501, 0x0601];
    let mut schemes = offer::signature_schemes(key_type);
    for scheme in PKCS1_WITH_SHA2 {
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    schemes.into_iter().map(SignatureScheme::from).collect()
}

/// The suites with AES-CCM (RFC 8446 appendix B.4), which rustls has not: it
/// agrees on the key, and [`Seal`](super::seal::Seal) opens the records.
static AES_128_CCM: Tls13CipherSuite = with_ccm(CipherSuite::TLS13_AES_128_CCM_SHA256);
static AES_128_CCM_8: Tls13CipherSuite = with_ccm(CipherSuite::TLS13_AES_128_CCM_8_SHA256);

#[expect(clippy::panic, reason = "at compile time: it makes statics alone")]
const fn with_ccm(suite: CipherSuite) -> Tls13CipherSuite {
    let Some(gcm) = TLS13_AES_128_GCM_SHA256.tls13() else {
        panic!("a suite of TLS 1.3");
    };
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite,
            hash_provider: gcm.common.hash_provider,
            confidentiality_limit: gcm.common.confidentiality_limit,
        },
        hkdf_provider: gcm.hkdf_provider,
        aead_alg: &Unused,
        quic: None,
    }
}

/// Stands where rustls wants encryption of a suite that it only agrees on.
struct Unused;

impl Tls13AeadAlgorithm for Unused {
    fn encrypter(&self, _key: AeadKey, _iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Self)
    }

    fn decrypter(&self, _key: AeadKey, _iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Self)
    }

    fn key_len(&self) -> usize {
        16
    }

    fn extract_keys(
        &self,
        _key: AeadKey,
        _iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

impl MessageEncrypter for Unused {
    /// An empty record, since rustls panics on an error here: it would be the
    /// alert that tells of what can't be decrypted, and is never sent.
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        _sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let nothing = PrefixedPayload::with_capacity(0);
        Ok(OutboundOpaqueMessage::new(
            message.typ,
            message.version,
            nothing,
        ))
    }

    fn encrypted_payload_len(&self, _length: usize) -> usize {
        0
    }
}

impl MessageDecrypter for Unused {
    fn decrypt<'a>(
        &mut self,
        _message: InboundOpaqueMessage<'a>,
        _sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        Err(Error::DecryptError)
    }
}
