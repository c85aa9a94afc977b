use std::net::IpAddr;
use std::sync::Arc;

use super::CertificateRow;
use crate::domain::{Fingerprint, Port, ScanId, Timestamp, Zone, weight_of};
use crate::judge::Judgement;

/// One certificate at one question: a row of the main report.
///
/// Its texts come from the network and may hold anything; every report
/// escapes them for its own medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// From where it was seen; `None` for an import.
    pub zone: Option<Zone>,
    /// The server name asked for, else the address; empty for an import.
    pub host: String,
    /// The address; `None` for an import.
    pub ip: Option<IpAddr>,
    /// The port; `None` for an import.
    pub port: Option<Port>,
    /// The server name sent, if any.
    pub sni: Option<String>,
    /// Names of targets that led here, which the server does not know: it was
    /// asked without one instead. None where a name was sent.
    pub declined_names: Vec<String>,
    /// The STARTTLS dialect; `None` for direct TLS.
    pub starttls: Option<String>,
    /// The PTR name of the address.
    pub pointer: Option<String>,
    /// How the certificate came.
    pub session: Arc<SessionRow>,
    /// The certificate.
    pub certificate: Arc<CertificateRow>,
    /// The rest of what the server sent, in its order.
    pub chain: Arc<[Fingerprint]>,
    /// The earliest end of validity in the chain, leaf included.
    pub chain_not_after: Option<Timestamp>,
    /// How many current installations this certificate has.
    pub installations: u64,
    /// Whether it is still there.
    pub state: InstallationState,
    /// The certificate that it took the place of.
    pub previous: Option<Fingerprint>,
    /// When it was first seen there.
    pub first_seen: Timestamp,
    /// When it was last seen there; `None` of an earlier moment, where later
    /// looks are all that is known.
    pub last_seen: Option<Timestamp>,
    /// When its question was last asked; `None` as above.
    pub last_checked: Option<Timestamp>,
    /// Scan or import.
    pub source: Source,
    /// The scan that saw it last; `None` for an import, and where that is not
    /// known of an earlier moment.
    pub scan: Option<ScanId>,
    /// What is to be said of it; `None` until it is judged.
    pub judgement: Option<Arc<Judgement>>,
}

impl Installation {
    /// The earliest end of validity of all that it rests on: of the chain, and
    /// of what its judgement found above it that the server need not send.
    #[must_use]
    pub fn earliest_end(&self) -> Option<Timestamp> {
        let judgement = self.judgement.as_ref();
        let unsent = judgement.and_then(|judgement| judgement.unsent_not_after);
        self.chain_not_after.into_iter().chain(unsent).min()
    }
}

/// The session that a certificate came by, and what else its endpoint accepts:
/// on most networks very many installations say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRow {
    /// The version by which the certificate came.
    pub tls_version: Option<String>,
    /// Every version the endpoint is known to accept.
    pub protocols: Vec<String>,
    /// Every version it refused when offered no other, and has not come by
    /// since.
    pub protocols_refused: Vec<String>,
    /// The suite chosen.
    pub cipher_suite: Option<String>,
    /// The key exchange chosen.
    pub key_exchange: Option<String>,
    /// Whether a client certificate was asked for.
    pub client_auth: Option<String>,
    /// The application protocol chosen.
    pub alpn: Option<String>,
    /// The authorities whose client certificates it would take, RFC 4514.
    pub client_auth_issuers: Vec<String>,
    /// The hybrid post-quantum group that the endpoint agrees to, `refused`
    /// where it agrees to none; `None` where that was not asked.
    pub hybrid_group: Option<String>,
}

/// Whether an installation is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstallationState {
    /// The latest answer to its question.
    Current,
    /// Not seen by looks that should have seen it.
    Missing,
    /// Replaced, or missing for long enough.
    Gone,
}

/// Where an installation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Seen on the network.
    Scan,
    /// Read from a file.
    Import,
}

impl SessionRow {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let words = [
            &self.tls_version,
            &self.cipher_suite,
            &self.key_exchange,
            &self.client_auth,
            &self.alpn,
            &self.hybrid_group,
        ];
        size_of::<Self>()
            + weight_of(words.into_iter().flatten())
            + weight_of(self.protocols.iter().chain(&self.protocols_refused))
            + weight_of(&self.client_auth_issuers)
    }
}

impl InstallationState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Current, Self::Missing, Self::Gone];

    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Missing => "missing",
            Self::Gone => "gone",
        }
    }
}

impl Source {
    /// Its word, as reports and the inventory write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Import => "import",
        }
    }
}
