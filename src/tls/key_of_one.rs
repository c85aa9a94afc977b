//! Key-exchange groups without arithmetic.

use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::{self, FfdheGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// A group in which our private key is 1, and nothing needs to be computed:
/// our share is the group's generator, and the secret is the peer's share.
/// The key protects nothing of ours, since we send nothing under it; it only
/// reads what the server shows to anyone.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyOfOne {
    name: NamedGroup,
    generator: Generator,
}

/// A group's generator, by the form in which shares are written.
#[derive(Clone, Copy, Debug)]
enum Generator {
    /// A number as long as the prime (RFC 8446 section 4.2.8.1).
    Number(FfdheGroup<'static>),
    /// A coordinate, which is the secret as well (RFC 7748 section 6.2).
    Coordinate(&'static [u8]),
    /// A point: 4, its x, its y. The secret is the x (RFC 8446 section
    /// 7.4.2).
    Point(&'static [u8]),
}

/// The groups of RFC 7919.
pub(super) static FINITE_FIELD: [KeyOfOne; 5] = [
    finite_field(NamedGroup::FFDHE2048, ffdhe_groups::FFDHE2048),
    finite_field(NamedGroup::FFDHE3072, ffdhe_groups::FFDHE3072),
    finite_field(NamedGroup::FFDHE4096, ffdhe_groups::FFDHE4096),
    finite_field(NamedGroup::FFDHE6144, ffdhe_groups::FFDHE6144),
    finite_field(NamedGroup::FFDHE8192, ffdhe_groups::FFDHE8192),
];

/// X448 (RFC 7748 section 4.2): the coordinate 5, little-endian.
pub(super) static X448: KeyOfOne = KeyOfOne {
    name: NamedGroup::X448,
    generator: Generator::Coordinate(&{
        let mut five = [0; 56];
        five[0] = 5;
        five
    }),
};

/// The brainpool curves of TLS 1.3 (RFC 8734).
pub(super) static BRAINPOOL: [KeyOfOne; 3] = [
    brainpool(0x001f, &BRAINPOOL_P256R1),
    brainpool(0x0020, &BRAINPOOL_P384R1),
    brainpool(0x0021, &BRAINPOOL_P512R1),
];

struct ExchangeOfOne {
    group: KeyOfOne,
    share: Vec<u8>,
}

const fn finite_field(name: NamedGroup, group: FfdheGroup<'static>) -> KeyOfOne {
    KeyOfOne {
        name,
        generator: Generator::Number(group),
    }
}

const fn brainpool(code_point: u16, generator: &'static [u8]) -> KeyOfOne {
    KeyOfOne {
        name: NamedGroup::Unknown(code_point),
        generator: Generator::Point(generator),
    }
}

impl SupportedKxGroup for KeyOfOne {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let share = match self.generator {
            Generator::Number(group) => padded(group.g, group.p.len()),
            Generator::Coordinate(share) | Generator::Point(share) => share.to_vec(),
        };
        Ok(Box::new(ExchangeOfOne {
            group: *self,
            share,
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.generator.finite_field()
    }

    fn name(&self) -> NamedGroup {
        self.name
    }
}

impl ActiveKeyExchange for ExchangeOfOne {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        if peer.len() != self.share.len() {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let secret = match (self.group.generator, peer) {
            (Generator::Number(_) | Generator::Coordinate(_), _) => peer,
            (Generator::Point(_), [4, x_and_y @ ..]) => x_and_y.split_at(x_and_y.len() / 2).0,
            (Generator::Point(_), _) => return Err(PeerMisbehaved::InvalidKeyShare.into()),
        };
        Ok(SharedSecret::from(secret))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        self.group.generator.finite_field()
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        self.group.name
    }
}

impl Generator {
    const fn finite_field(self) -> Option<FfdheGroup<'static>> {
        match self {
            Self::Number(group) => Some(group),
            Self::Coordinate(_) | Self::Point(_) => None,
        }
    }
}

fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let zeros = length.saturating_sub(number.len());
    let mut padded = vec![0; zeros];
    padded.extend(number);
    padded
}

// The generators of RFC 5639 section 3: 4, x, y.
#[rustfmt::skip]
const BRAINPOOL_P256R1: [u8; 65] = [
    0x04,
    0x8b, 0xd2, 0xae, 0xb9, 0xcb, 0x7e, 0x57, 0xcb, 0x2c, 0x4b, 0x48, 0x2f, 0xfc, 0x81, 0xb7, 0xaf,
    0xb9, 0xde, 0x27, 0xe1, 0xe3, 0xbd, 0x23, 0xc2, 0x3a, 0x44, 0x53, 0xbd, 0x9a, 0xce, 0x32, 0x62,
    0x54, 0x7e, 0xf8, 0x35, 0xc3, 0xda, 0xc4, 0xfd, 0x97, 0xf8, 0x46, 0x1a, 0x14, 0x61, 0x1d, 0xc9,
    0xc2, 0x77, 0x45, 0x13, 0x2d, 0xed, 0x8e, 0x54, 0x5c, 0x1d, 0x54, 0xc7, 0x2f, 0x04, 0x69, 0x97,
];
#[rustfmt::skip]
const BRAINPOOL_P384R1: [u8; 97] = [
    0x04,
    0x1d, 0x1c, 0x64, 0xf0, 0x68, 0xcf, 0x45, 0xff, 0xa2, 0xa6, 0x3a, 0x81, 0xb7, 0xc1, 0x3f, 0x6b,
    0x88, 0x47, 0xa3, 0xe7, 0x7e, 0xf1, 0x4f, 0xe3, 0xdb, 0x7f, 0xca, 0xfe, 0x0c, 0xbd, 0x10, 0xe8,
    0xe8, 0x26, 0xe0, 0x34, 0x36, 0xd6, 0x46, 0xaa, 0xef, 0x87, 0xb2, 0xe2, 0x47, 0xd4, 0xaf, 0x1e,
    0x8a, 0xbe, 0x1d, 0x75, 0x20, 0xf9, 0xc2, 0xa4, 0x5c, 0xb1, 0xeb, 0x8e, 0x95, 0xcf, 0xd5, 0x52,
    0x62, 0xb7, 0x0b, 0x29, 0xfe, 0xec, 0x58, 0x64, 0xe1, 0x9c, 0x05, 0x4f, 0xf9, 0x91, 0x29, 0x28,
    0x0e, 0x46, 0x46, 0x21, 0x77, 0x91, 0x81, 0x11, 0x42, 0x82, 0x03, 0x41, 0x26, 0x3c, 0x53, 0x15,
];
#[rustfmt::skip]
const BRAINPOOL_P512R1: [u8; 129] = [
    0x04,
    0x81, 0xae, 0xe4, 0xbd, 0xd8, 0x2e, 0xd9, 0x64, 0x5a, 0x21, 0x32, 0x2e, 0x9c, 0x4c, 0x6a, 0x93,
    0x85, 0xed, 0x9f, 0x70, 0xb5, 0xd9, 0x16, 0xc1, 0xb4, 0x3b, 0x62, 0xee, 0xf4, 0xd0, 0x09, 0x8e,
    0xff, 0x3b, 0x1f, 0x78, 0xe2, 0xd0, 0xd4, 0x8d, 0x50, 0xd1, 0x68, 0x7b, 0x93, 0xb9, 0x7d, 0x5f,
    0x7c, 0x6d, 0x50, 0x47, 0x40, 0x6a, 0x5e, 0x68, 0x8b, 0x35, 0x22, 0x09, 0xbc, 0xb9, 0xf8, 0x22,
    0x7d, 0xde, 0x38, 0x5d, 0x56, 0x63, 0x32, 0xec, 0xc0, 0xea, 0xbf, 0xa9, 0xcf, 0x78, 0x22, 0xfd,
    0xf2, 0x09, 0xf7, 0x00, 0x24, 0xa5, 0x7b, 0x1a, 0xa0, 0x00, 0xc5, 0x5b, 0x88, 0x1f, 0x81, 0x11,
    0xb2, 0xdc, 0xde, 0x49, 0x4a, 0x5f, 0x48, 0x5e, 0x5b, 0xca, 0x4b, 0xd8, 0x8a, 0x27, 0x63, 0xae,
    0xd1, 0xca, 0x2b, 0x2f, 0xa8, 0xf0, 0x54, 0x06, 0x78, 0xcd, 0x1e, 0x0f, 0x3a, 0xd8, 0x08, 0x92,
];
