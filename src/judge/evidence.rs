use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{
    Dialect, Fingerprint, HybridGroup, KeyExchange, Port, ProtocolSet, Timestamp, TlsVersion,
    Trust, weight_of,
};
use crate::x509::{Certificate, Name, Staple};

use super::KeyFaults;

/// All that is known of one installation when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the server sent, leaf first; an import is a chain of one. Never
    /// empty.
    pub chain: &'a [Arc<Certificate>],
    /// What is wrong with the numbers of each key of the chain, in its order.
    /// It depends on nothing but the certificate, and costs more than all
    /// rules together: a caller judging many installations remembers it.
    pub key_faults: &'a [KeyFaults],
    /// What became of the chain against the stores.
    pub assessment: &'a Assessment,
    /// Where it is installed; `None` for an import.
    pub place: Option<&'a Place>,
    /// What was there before.
    pub past: &'a Past,
    /// What the rest of the inventory says of it.
    pub kin: &'a Kin,
}

/// What is true of a chain, and what each store makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The verdict, names left out: [`Trust::NameMismatch`] is the place's.
    pub trust: Trust,
    /// The reason in words.
    pub reason: String,
    /// The stores that trust it, by name.
    pub trusted_by: Vec<String>,
    /// The root that the path ends in; none that no store holds where another
    /// endpoint's intermediate leads to it, which anybody may present.
    pub root: Option<Root>,
    /// Whether any path leads to a root of Mozilla's, every signature of it
    /// checked, so that the rules of public authorities apply.
    pub publicly_trusted: bool,
    /// The path that was found, leaf first, as positions in the chain sent;
    /// what is not in it was not needed.
    pub path: Vec<usize>,
    /// The certificates of that path that were not sent, lowest first; none
    /// of a path that ends in no store. Of paths that are as good, it is one
    /// that a modern client takes, and of these the one that holds longest.
    pub unsent: Vec<Unsent>,
    /// The SHA-256 of the intermediate that is missing, where another
    /// endpoint presented it, and it is valid.
    pub missing_intermediate: Option<Fingerprint>,
    /// The subjects and issuers that do not link as sent: RFC 8446 section
    /// 4.4.2 wants each certificate to certify the one before it.
    pub out_of_order: bool,
    /// The positions of what was sent and not needed, duplicates apart; none
    /// where the search for a way to a store was given up.
    pub extra: Vec<usize>,
    /// The positions of certificates that were sent before.
    pub duplicates: Vec<usize>,
    /// Why a modern client would refuse the path all the same: it wants more
    /// than RFC 5280 does. Only of a path that ends in a store.
    pub refusal: Option<String>,
}

impl Assessment {
    /// The earliest end of what was not sent and the path rests on; what can't
    /// be read has none.
    #[must_use]
    pub fn unsent_not_after(&self) -> Option<Timestamp> {
        let facts = self.unsent.iter();
        let facts = facts.filter_map(|unsent| unsent.certificate.facts.as_ref().ok());
        facts.filter_map(|facts| facts.not_after).min()
    }

    /// About how many bytes of memory it takes, certificates apart.
    #[must_use]
    pub fn weight(&self) -> usize {
        let root = self.root.iter().flat_map(|root| root.name.texts());
        let positions = [&self.path, &self.extra, &self.duplicates];
        let positions = positions.map(|it| size_of_val(it.as_slice()));
        size_of::<Self>()
            + positions.iter().sum::<usize>()
            + size_of_val(self.unsent.as_slice())
            + weight_of(root)
            + weight_of(std::iter::once(&self.reason).chain(&self.refusal))
            + weight_of(&self.trusted_by)
    }
}

/// What a path ends in: a certificate of a store, or one that says that it
/// signed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// SHA-256 of it.
    pub fingerprint: Fingerprint,
    /// Its subject. It may be a peer's text.
    pub name: Name,
}

/// A certificate of a path that was not sent: a store's, or another
/// endpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// What is wrong with the numbers of its key.
    pub key_faults: KeyFaults,
}

/// Where a certificate is installed, and how it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// How its connections become TLS.
    pub dialect: Dialect,
    /// The server name asked for.
    pub server_name: Option<String>,
    /// Names by which people come here and which the server declined as
    /// unknown: it was asked without one instead.
    pub declined_names: Vec<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// The version by which it came.
    pub tls_version: Option<TlsVersion>,
    /// Every version the endpoint is known to accept.
    pub versions: Arc<[TlsVersion]>,
    /// Every version the endpoint is known to refuse when it is offered no other.
    pub refused: Arc<[TlsVersion]>,
    /// What the hello offered that was answered; `None` where that is not known.
    pub offered: Option<ProtocolSet>,
    /// The key exchange.
    pub key_exchange: Option<KeyExchange>,
    /// What was stapled; `None` where that is not known.
    pub staple: Option<Staple>,
    /// The hybrid group it agrees to, where that was asked.
    pub hybrid_group: Option<HybridGroup>,
    /// When its question was last asked; `None` where that is not known.
    pub last_checked: Option<Timestamp>,
    /// How many ports of this address show this very certificate.
    pub ports_with_it: u32,
}

/// What the same question showed before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The certificate that it renews, read: another that it took the place of
    /// is none.
    pub predecessor: Option<Arc<Certificate>>,
    /// How many days before its predecessor's end each renewal came, latest
    /// first.
    pub days_left_at_renewals: Vec<i64>,
    /// Whether the question has another certificate at every look.
    pub is_ephemeral: bool,
}

/// What the rest of the inventory says of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kin {
    /// Other certificates in use with the same key.
    pub same_key: Vec<Fingerprint>,
    /// The owners of the hosts that show its key, when there are several.
    pub owners_of_key: Vec<String>,
    /// Its successor, where one is seen somewhere while this one is still
    /// current here.
    pub successor: Option<Fingerprint>,
}
