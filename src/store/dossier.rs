use std::net::IpAddr;

use crate::domain::{Fingerprint, ProtocolSet, Timestamp};
use crate::report::Installation;
use crate::x509::Staple;

/// An installation with what else the inventory knows that a judgement of it
/// asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    /// What its judgement is stored under; `None` for an import.
    pub id: Option<InstallationId>,
    /// The installation, not judged yet.
    pub row: Installation,
    /// The chain that it came with.
    pub chain: ChainId,
    /// What its latest answer stapled; `None` where it is the answer no more,
    /// or where the flight broke off before there was any.
    pub staple: Option<Staple>,
    /// What the hello offered that its latest answer came to, by an older version
    /// than TLS 1.3; `None` also where that is not known, or not all of it.
    pub offered: Option<ProtocolSet>,
    /// Whether its question has another certificate at every look.
    pub is_ephemeral: bool,
    /// How many ports of its address show its certificate now; at least 1.
    pub ports_with_it: u32,
    /// The certificate that it renews at its question.
    pub predecessor: Option<Fingerprint>,
    /// The renewals at its question up to it, latest first.
    pub renewals: Vec<Renewal>,
    /// Other certificates with its key that are in use somewhere now, imports
    /// and authorities included, at most [`MAX_KIN`].
    pub same_key: Vec<Fingerprint>,
    /// What renewed its certificate elsewhere, or, where that is due, what would
    /// renew it; and is installed there now.
    pub successor: Option<Fingerprint>,
}

/// The number of an installation in its inventory: the newest interval of a
/// certificate at a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallationId(pub(super) i64);

/// The number of a chain in its inventory: certificates in the order sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub(super) i64);

/// A certificate took the place of one that it renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Renewal {
    /// When the new one was first seen.
    pub seen: Timestamp,
    /// The old one's end of validity.
    pub end: Timestamp,
}

/// Where a key is in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHost {
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key: Fingerprint,
    /// The certificate that it is in there.
    pub certificate: Fingerprint,
    /// The chain that it came with.
    pub chain: ChainId,
    /// The address.
    pub address: IpAddr,
    /// The server name asked for.
    pub server_name: Option<String>,
    /// The names that were declined where none was asked for.
    pub declined_names: Vec<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
}

/// Rows that are read, judged and handed on together.
pub const PAGE: usize = 1000;

/// Most relatives of a certificate that are told of: a vendor's default key
/// may be in a million.
pub const MAX_KIN: u32 = 100;

/// Most places of a key that are told of where it is in more than
/// [`MAX_KIN`].
pub const MAX_KEY_HOSTS: u32 = 10_000;

/// Most authorities that are read to find missing intermediates: networks
/// have some hundreds, and a hostile endpoint may show a fresh one at every
/// look.
pub(super) const MAX_AUTHORITIES: u32 = 20_000;

/// Most bytes of their certificates: usual ones have some 1,500 each.
pub(super) const MAX_AUTHORITY_BYTES: usize = 32 << 20;
