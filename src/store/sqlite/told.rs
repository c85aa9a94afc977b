//! Rows of installations and imports → what they say, certificates and chains
//! told apart.

use std::net::IpAddr;
use std::sync::Arc;

use rusqlite::types::{FromSqlResult, ValueRef};

use super::cursor::{Columns, impossible};
use super::look::is_ephemeral;
use super::report::{ShownChain, server_name, starttls};
use crate::domain::{Fingerprint, Port, ScanId, Timestamp, Zone};
use crate::report::{CertificateUse, Installation, InstallationState, Source};

/// What is read of an installation, from `r`, in the order of [`Sighting`].
///
/// The view reckons with several answers and surveys of an endpoint, and
/// several intervals of a certificate; where there is but one, and no more to
/// be said, it is not asked.
pub(super) const COLUMNS: &str = "r.id, r.certificate_id, r.chain_id, r.address, \
    r.previous_sha256, \
    (select case when not r.is_latest_answer then null \
                 when l.ocsp_staple is not null then 1 when l.truncated is null then 0 end \
       from looks l where l.question_id = r.question_id), \
    (select l.restless from looks l where l.question_id = r.question_id), \
    exists (select 1 from endpoints other \
             where other.zone = r.zone and other.address = r.address \
               and other.id <> r.endpoint_id), \
    r.zone, r.port, r.dialect, r.server_name, r.ptr, r.tls_version, \
    iif(r.is_latest_answer \
        and not exists (select 1 from surveys s where s.endpoint_id = r.endpoint_id) \
        and not exists (select 1 from questions other \
                         where other.endpoint_id = r.endpoint_id and other.id <> r.question_id), \
        null, r.protocols), \
    r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, r.state, r.began_at, \
    iif(exists (select 1 from installations other \
                 where other.question_id = r.question_id and other.id <> r.id), \
        r.first_seen, null), \
    r.last_seen, r.last_checked, r.scan_id, r.client_auth_issuers, r.hybrid_group";

/// A row of installations or imports.
pub(super) enum Told {
    Seen(Box<Sighting>),
    Imported {
        certificate: i64,
        chain: i64,
        first: Timestamp,
        last: Option<Timestamp>,
    },
}

/// A row of installations.
pub(super) struct Sighting {
    /// The number of the installation.
    pub(super) id: i64,
    certificate: i64,
    chain: i64,
    address: IpAddr,
    previous: Option<Fingerprint>,
    /// Whether its latest answer brought an OCSP response; known of the
    /// latest answer alone, and only where the flight reached its end.
    pub(super) stapled: Option<bool>,
    /// Whether its question has another certificate at every look.
    pub(super) is_ephemeral: bool,
    /// Whether its address has another endpoint.
    pub(super) has_neighbour: bool,
    zone: Zone,
    port: Port,
    dialect: String,
    server_name: String,
    pointer: Option<String>,
    tls_version: Option<String>,
    /// `None` where it is the version of its session alone.
    protocols: Option<Vec<String>>,
    cipher_suite: Option<String>,
    key_exchange: Option<String>,
    client_auth: Option<String>,
    alpn: Option<String>,
    state: InstallationState,
    began: Timestamp,
    /// When it was first seen there, if its question had other answers.
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    last_checked: Option<Timestamp>,
    scan: Option<ScanId>,
    client_auth_issuers: Vec<String>,
    hybrid_group: Option<String>,
}

/// Whether the session that a row tells of was known, and what it tells of its
/// endpoint: the two columns after [`COLUMNS`]. Now all of it is; of an earlier
/// moment, see `past`.
#[derive(Clone, Copy, Debug)]
struct Known {
    session: bool,
    endpoint: bool,
}

impl Told {
    pub(super) fn read(source: Source, mut columns: Columns<'_>) -> rusqlite::Result<Self> {
        match source {
            Source::Scan => {
                let mut seen = Sighting::read(&mut columns)?;
                let known = Known {
                    session: columns.next()?,
                    endpoint: columns.next()?,
                };
                known.limit(&mut seen);
                Ok(Self::Seen(Box::new(seen)))
            }
            Source::Import => Ok(Self::Imported {
                certificate: columns.next()?,
                chain: columns.next()?,
                first: columns.time()?,
                last: columns.optional_time()?,
            }),
        }
    }

    /// The certificate in whose place it came.
    pub(super) fn previous(&self) -> Option<Fingerprint> {
        self.seen().and_then(|seen| seen.previous)
    }

    /// The number of its certificate.
    pub(super) fn certificate(&self) -> i64 {
        match self {
            Self::Seen(seen) => seen.certificate,
            Self::Imported { certificate, .. } => *certificate,
        }
    }

    /// The number of its chain.
    pub(super) fn chain(&self) -> i64 {
        match self {
            Self::Seen(seen) => seen.chain,
            Self::Imported { chain, .. } => *chain,
        }
    }

    /// What only installations that were seen have.
    pub(super) fn seen(&self) -> Option<&Sighting> {
        match self {
            Self::Seen(seen) => Some(seen),
            Self::Imported { .. } => None,
        }
    }

    /// The whole, with what is told apart.
    pub(super) fn installation(self, shown: &CertificateUse, chain: &ShownChain) -> Installation {
        match self {
            Self::Seen(seen) => seen.installation(shown, chain),
            Self::Imported { first, last, .. } => import(first, last, shown, chain),
        }
    }
}

impl Known {
    /// Leaves out what was not known.
    fn limit(self, seen: &mut Sighting) {
        if !self.endpoint {
            seen.protocols = Some(Vec::new());
            seen.hybrid_group = None;
        }
        if !self.session {
            seen.protocols = Some(seen.protocols());
            seen.tls_version = None;
            seen.cipher_suite = None;
            seen.key_exchange = None;
            seen.client_auth = None;
            seen.client_auth_issuers = Vec::new();
            seen.alpn = None;
            seen.stapled = None;
        }
    }
}

impl Sighting {
    fn read(columns: &mut Columns<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: columns.next()?,
            certificate: columns.next()?,
            chain: columns.next()?,
            address: columns.address()?,
            previous: columns.optional_fingerprint()?,
            stapled: columns.next()?,
            is_ephemeral: is_ephemeral(columns.next()?),
            has_neighbour: columns.next()?,
            zone: columns.word()?,
            port: columns.port()?,
            dialect: columns.next()?,
            server_name: columns.next()?,
            pointer: columns.next()?,
            tls_version: columns.next()?,
            protocols: columns.texts()?,
            cipher_suite: columns.next()?,
            key_exchange: columns.next()?,
            client_auth: columns.next()?,
            alpn: columns.next()?,
            state: columns.read(state)?,
            began: columns.time()?,
            first_seen: columns.optional_time()?,
            last_seen: columns.optional_time()?,
            last_checked: columns.optional_time()?,
            scan: columns.next::<Option<i64>>()?.map(ScanId::new),
            client_auth_issuers: columns.texts()?.unwrap_or_default(),
            hybrid_group: columns.next()?,
        })
    }

    /// Whether its question had other answers, before or after.
    pub(super) fn has_others(&self) -> bool {
        self.first_seen.is_some()
    }

    fn protocols(&mut self) -> Vec<String> {
        let only = || self.tls_version.iter().cloned().collect();
        self.protocols.take().unwrap_or_else(only)
    }

    fn installation(mut self, shown: &CertificateUse, chain: &ShownChain) -> Installation {
        let protocols = self.protocols();
        let sni = server_name(self.server_name);
        Installation {
            zone: Some(self.zone),
            host: sni.clone().unwrap_or_else(|| self.address.to_string()),
            ip: Some(self.address),
            port: Some(self.port),
            sni,
            starttls: starttls(self.dialect),
            pointer: self.pointer,
            tls_version: self.tls_version,
            protocols,
            cipher_suite: self.cipher_suite,
            key_exchange: self.key_exchange,
            client_auth: self.client_auth,
            alpn: self.alpn,
            certificate: Arc::clone(&shown.certificate),
            chain: Arc::clone(&chain.above),
            chain_not_after: chain.not_after,
            installations: shown.installations,
            state: self.state,
            previous: self.previous,
            first_seen: self.first_seen.unwrap_or(self.began),
            last_seen: self.last_seen,
            last_checked: self.last_checked,
            source: Source::Scan,
            scan: self.scan,
            client_auth_issuers: self.client_auth_issuers,
            hybrid_group: self.hybrid_group,
            judgement: None,
        }
    }
}

/// An import. Where it is installed nobody knows, so its places are empty.
fn import(
    first_seen: Timestamp,
    last_seen: Option<Timestamp>,
    shown: &CertificateUse,
    chain: &ShownChain,
) -> Installation {
    Installation {
        zone: None,
        host: String::new(),
        ip: None,
        port: None,
        sni: None,
        starttls: None,
        pointer: None,
        tls_version: None,
        protocols: Vec::new(),
        cipher_suite: None,
        key_exchange: None,
        client_auth: None,
        alpn: None,
        certificate: Arc::clone(&shown.certificate),
        chain: Arc::default(),
        chain_not_after: chain.not_after,
        installations: shown.installations,
        state: InstallationState::Current,
        previous: None,
        first_seen,
        last_seen,
        last_checked: last_seen,
        source: Source::Import,
        scan: None,
        client_auth_issuers: Vec::new(),
        hybrid_group: None,
        judgement: None,
    }
}

fn state(value: ValueRef<'_>) -> FromSqlResult<InstallationState> {
    let word = value.as_str()?;
    let mut states = InstallationState::ALL.into_iter();
    let state = states.find(|state| state.as_str() == word);
    state.ok_or_else(|| impossible("not a state"))
}
