//! Key-exchange groups that rustls has no implementation of: servers exist
//! that take nothing else, and their certificates are wanted too.

use aws_lc_rs::agreement::{self, ECDH_P521, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::{self, FfdheGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// P-521 (RFC 8446 section 4.2.8.2).
#[derive(Debug)]
pub(super) struct Secp521r1;

/// The groups of RFC 7919.
pub(super) static FINITE_FIELD: [&dyn SupportedKxGroup; 5] = [
    &FiniteField(NamedGroup::FFDHE2048, ffdhe_groups::FFDHE2048),
    &FiniteField(NamedGroup::FFDHE3072, ffdhe_groups::FFDHE3072),
    &FiniteField(NamedGroup::FFDHE4096, ffdhe_groups::FFDHE4096),
    &FiniteField(NamedGroup::FFDHE6144, ffdhe_groups::FFDHE6144),
    &FiniteField(NamedGroup::FFDHE8192, ffdhe_groups::FFDHE8192),
];

/// A finite-field group with the private exponent 1, which needs no
/// arithmetic: our share is the generator, the secret is the peer's share.
/// The key protects nothing of ours, since we send nothing under it; it only
/// reads what the server shows to anyone.
#[derive(Debug)]
struct FiniteField(NamedGroup, FfdheGroup<'static>);

struct EllipticExchange {
    private: EphemeralPrivateKey,
    public: agreement::PublicKey,
}

struct FiniteFieldExchange {
    name: NamedGroup,
    group: FfdheGroup<'static>,
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

impl SupportedKxGroup for FiniteField {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let Self(name, group) = *self;
        Ok(Box::new(FiniteFieldExchange {
            name,
            group,
            share: padded(group.g, group.p.len()),
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(self.1)
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}

impl ActiveKeyExchange for FiniteFieldExchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // RFC 8446 section 4.2.8.1: as long as the prime.
        if peer.len() != self.group.p.len() {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        Ok(SharedSecret::from(peer))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(self.group)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        self.name
    }
}

fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let zeros = length.saturating_sub(number.len());
    let mut padded = vec![0; zeros];
    padded.extend(number);
    padded
}
