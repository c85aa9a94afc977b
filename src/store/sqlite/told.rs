//! Rows of installations and imports → what they say, certificates and chains
//! told apart.

use std::net::IpAddr;
use std::sync::Arc;

use rusqlite::types::{FromSqlError, FromSqlResult, ValueRef};

use super::certificates::key_type_of_word;
use super::cursor::{Columns, Cursor, impossible};
use super::look::is_ephemeral;
use super::questions;
use super::report::{ShownChain, server_name};
use super::sessions::{Knowledge, SessionReader};
use crate::domain::{Dialect, Fingerprint, KeyType, Port, ProtocolSet, ScanId, Timestamp, Zone};
use crate::report::{CertificateUse, Installation, InstallationState, SessionRow, Source};
use crate::x509::Staple;

/// What is read of an installation, from `r`, in the order of [`Sighting`]. The
/// columns of [`Knowledge`] come before it, those of its session after it.
///
/// The view reckons with several intervals of a certificate; where there is but
/// one, it is not asked when the first of them began. Its look is asked only for
/// a staple that there is, and for what it offered only where less was chosen.
pub(super) const COLUMNS: &str = "r.id, r.certificate_id, r.chain_id, r.address, \
    r.previous_sha256, \
    iif(r.stapled, (select l.ocsp_staple from looks l where l.question_id = r.question_id), \
        r.stapled), \
    iif(r.is_latest_answer and r.tls_version <> 'TLSv1.3', \
        (select l.offered from looks l where l.question_id = r.question_id), null), \
    r.restless, \
    exists (select 1 from endpoints other \
             where other.zone = r.zone and other.address = r.address \
               and other.id <> r.endpoint_id), \
    r.zone, r.port, r.dialect, r.server_name, r.question_key_type, r.ptr, r.state, r.began_at, \
    iif(r.has_others, r.first_seen, null), \
    r.last_seen, r.last_checked, r.scan_id";

/// A row of installations or imports.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are large; a million small boxes would go from thread to thread"
)]
pub(super) enum Told {
    Seen(Sighting),
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
    /// What its latest answer stapled.
    pub(super) staple: Option<Staple>,
    /// What was offered to its server, where that may not be what it chose.
    pub(super) offered: Option<ProtocolSet>,
    /// Whether its question has another certificate at every look.
    pub(super) is_ephemeral: bool,
    /// Whether its address has another endpoint.
    pub(super) has_neighbour: bool,
    zone: Zone,
    port: Port,
    /// `None` for direct TLS.
    starttls: Option<String>,
    server_name: String,
    key_type: KeyType,
    pointer: Option<String>,
    state: InstallationState,
    began: Timestamp,
    /// When it was first seen there, if its question had other answers.
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    last_checked: Option<Timestamp>,
    scan: Option<ScanId>,
    session: Arc<SessionRow>,
}

/// What nearly every row repeats.
pub(super) struct Repeated<'c> {
    zone: Option<Zone>,
    sessions: SessionReader<'c>,
}

impl Told {
    pub(super) fn read(
        source: Source,
        mut columns: Columns<'_>,
        repeated: &mut Repeated<'_>,
    ) -> rusqlite::Result<Self> {
        match source {
            Source::Scan => Sighting::read(&mut columns, repeated).map(Self::Seen),
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

    /// Whether both were seen at one port of one address.
    pub(super) fn is_at_port_of(&self, other: &Self) -> bool {
        match (self.seen(), other.seen()) {
            (Some(one), Some(other)) => {
                (one.address, one.port) == (other.address, other.port) && one.zone == other.zone
            }
            _ => false,
        }
    }

    /// What goes by name comes first, of the rows of one port.
    pub(super) fn order(&self) -> impl Ord {
        self.seen().map(|seen| {
            let dialect = seen.starttls.as_deref().unwrap_or(Dialect::Tls.as_str());
            let name = seen.server_name.as_str();
            (name, dialect, seen.key_type.as_str(), seen.id)
        })
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

impl<'c> Repeated<'c> {
    pub(super) fn on(cursor: &'c Cursor) -> rusqlite::Result<Self> {
        Ok(Self {
            zone: None,
            sessions: SessionReader::on(cursor)?,
        })
    }

    /// Mostly that of the row before.
    fn zone(&mut self, columns: &mut Columns<'_>) -> rusqlite::Result<Zone> {
        columns.read(|value| {
            let word = value.as_str()?;
            if let Some(zone) = self.zone.as_ref().filter(|zone| zone.as_str() == word) {
                return Ok(zone.clone());
            }
            let zone: Zone = word.parse().map_err(FromSqlError::other)?;
            self.zone = Some(zone.clone());
            Ok(zone)
        })
    }
}

impl Sighting {
    fn read(columns: &mut Columns<'_>, repeated: &mut Repeated<'_>) -> rusqlite::Result<Self> {
        let known = Knowledge::read(columns)?;
        let offered_known = |set: Option<ProtocolSet>| set.filter(|_| known.session);
        let staple_known = |staple: Option<Staple>| staple.filter(|_| known.session);
        Ok(Self {
            id: columns.next()?,
            certificate: columns.next()?,
            chain: columns.next()?,
            address: columns.address()?,
            previous: columns.optional_fingerprint()?,
            staple: columns.read(staple).map(staple_known)?,
            offered: columns.read(offered).map(offered_known)?,
            is_ephemeral: is_ephemeral(columns.next()?),
            has_neighbour: columns.next()?,
            zone: repeated.zone(columns)?,
            port: columns.port()?,
            starttls: columns.read(starttls)?,
            server_name: columns.next()?,
            key_type: columns.read(key_type)?,
            pointer: columns.next()?,
            state: columns.read(state)?,
            began: columns.time()?,
            first_seen: columns.optional_time()?,
            last_seen: columns.optional_time()?,
            last_checked: columns.optional_time()?,
            scan: columns.next::<Option<i64>>()?.map(ScanId::new),
            session: repeated.sessions.read(known, columns)?,
        })
    }

    /// Whether its question had other answers, before or after.
    pub(super) fn has_others(&self) -> bool {
        self.first_seen.is_some()
    }

    fn installation(self, shown: &CertificateUse, chain: &ShownChain) -> Installation {
        let sni = server_name(self.server_name);
        Installation {
            zone: Some(self.zone),
            host: sni.clone().unwrap_or_else(|| self.address.to_string()),
            ip: Some(self.address),
            port: Some(self.port),
            sni,
            declined_names: Vec::new(),
            starttls: self.starttls,
            pointer: self.pointer,
            session: self.session,
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
        declined_names: Vec::new(),
        starttls: None,
        pointer: None,
        session: Arc::default(),
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
        judgement: None,
    }
}

/// `None` for direct TLS.
fn starttls(value: ValueRef<'_>) -> FromSqlResult<Option<String>> {
    let dialect = Some(value.as_str()?);
    let starttls = dialect.filter(|dialect| *dialect != Dialect::Tls.as_str());
    Ok(starttls.map(str::to_owned))
}

/// The bytes, or that there are none, or nothing.
fn staple(value: ValueRef<'_>) -> FromSqlResult<Option<Staple>> {
    match value {
        ValueRef::Integer(_) => Ok(Some(Staple::Missing)),
        bytes => Ok(bytes.as_blob_or_null()?.map(questions::staple)),
    }
}

/// What a newer program wrote may mean nothing here.
fn offered(value: ValueRef<'_>) -> FromSqlResult<Option<ProtocolSet>> {
    let word = value.as_str_or_null()?;
    Ok(word.and_then(|word| word.parse().ok()))
}

fn key_type(value: ValueRef<'_>) -> FromSqlResult<KeyType> {
    value.as_str().map(key_type_of_word)
}

fn state(value: ValueRef<'_>) -> FromSqlResult<InstallationState> {
    let word = value.as_str()?;
    let mut states = InstallationState::ALL.into_iter();
    let state = states.find(|state| state.as_str() == word);
    state.ok_or_else(|| impossible("not a state"))
}
