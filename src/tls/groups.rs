//! Key-exchange groups that rustls has no implementation of: servers exist
//! that take nothing else, and their certificates are wanted too.

use aws_lc_rs::agreement::{self, ECDH_P521, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

/// P-521 (RFC 8446 section 4.2.8.2).
#[derive(Debug)]
pub(super) struct Secp521r1;

/// P-384 and ML-KEM-1024 together (draft-ietf-tls-ecdhe-mlkem section 4).
#[derive(Debug)]
pub(super) struct Secp384r1MlKem1024;

struct EllipticExchange {
    private: EphemeralPrivateKey,
    public: agreement::PublicKey,
}

struct HybridExchange {
    classical: Box<dyn ActiveKeyExchange>,
    post_quantum: Box<dyn ActiveKeyExchange>,
    share: Vec<u8>,
}

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let random = SystemRandom::new();
        let private =
            EphemeralPrivateKey::generate(&ECDH_P521, &random).map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(EllipticExchange { private, public }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl ActiveKeyExchange for EllipticExchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let invalid = Error::from(PeerMisbehaved::InvalidKeyShare);
        let peer = UnparsedPublicKey::new(&ECDH_P521, peer);
        agreement::agree_ephemeral(self.private, peer, invalid, |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl Secp384r1MlKem1024 {
    pub(super) const NAME: NamedGroup = NamedGroup::Unknown(0x11ed);
    /// How long a share of P-384 is, which stands first in both shares.
    pub(super) const CLASSICAL_SHARE: usize = 97;
}

impl SupportedKxGroup for Secp384r1MlKem1024 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let classical = kx_group::SECP384R1.start()?;
        let post_quantum = kx_group::MLKEM1024.start()?;
        Ok(Box::new(HybridExchange {
            share: [classical.pub_key(), post_quantum.pub_key()].concat(),
            classical,
            post_quantum,
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        Self::NAME
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

impl ActiveKeyExchange for HybridExchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let (classical, post_quantum) = peer
            .split_at_checked(Secp384r1MlKem1024::CLASSICAL_SHARE)
            .ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let classical = self.classical.complete(classical)?;
        let post_quantum = self.post_quantum.complete(post_quantum)?;
        let secret = [classical.secret_bytes(), post_quantum.secret_bytes()].concat();
        Ok(SharedSecret::from(secret))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        Secp384r1MlKem1024::NAME
    }
}
