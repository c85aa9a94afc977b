//! Rows of installations and imports → what they say, certificates and chains
//! told apart.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::look::is_ephemeral;
use super::report::{ShownChain, server_name, starttls};
use super::row;
use crate::domain::{Fingerprint, Port, ScanId, Timestamp};
use crate::report::{CertificateUse, Installation, InstallationState, Source};

/// What is read of an installation, from `r`: two values, and one that holds
/// all others as [`Line`] has them. Each value of a row costs the driver an
/// allocation on one thread and a release on another, more than JSON does.
///
/// The view reckons with several answers and surveys of an endpoint, and
/// several intervals of a certificate; where there is but one, and no more to
/// be said, it is not asked.
pub(super) const COLUMNS: &str = "r.address, r.previous_sha256, json_array(\
    r.id, r.certificate_id, r.chain_id, \
    (select case when l.ocsp_staple is not null then 1 when l.truncated is null then 0 end \
       from looks l where l.question_id = r.question_id and r.is_latest_answer), \
    (select l.restless from looks l where l.question_id = r.question_id), \
    exists (select 1 from installations earlier \
             where earlier.question_id = r.question_id and earlier.id < r.id), \
    exists (select 1 from endpoints other \
             where other.zone = r.zone and other.address = r.address \
               and other.id <> r.endpoint_id), \
    r.zone, r.port, r.dialect, r.server_name, r.ptr, r.tls_version, \
    iif(r.is_latest_answer \
        and not exists (select 1 from surveys s where s.endpoint_id = r.endpoint_id) \
        and not exists (select 1 from questions other \
                         where other.endpoint_id = r.endpoint_id and other.id <> r.question_id), \
        json_array(r.tls_version), r.protocols) || '', \
    r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, r.state, \
    iif(exists (select 1 from installations other \
                 where other.question_id = r.question_id \
                   and other.certificate_id = r.certificate_id and other.id <> r.id), \
        r.first_seen, r.began_at), \
    r.last_seen, r.last_checked, r.scan_id, r.client_auth_issuers, r.hybrid_group)";

/// A row of installations or imports.
pub(super) enum Told<'r> {
    Seen(Box<Seen<'r>>),
    Imported {
        certificate: i64,
        chain: i64,
        first: Timestamp,
        last: Option<Timestamp>,
    },
}

/// A row of installations.
pub(super) struct Seen<'r> {
    address: IpAddr,
    previous: Option<Fingerprint>,
    pub(super) line: Line<'r>,
}

/// Whether the session that a row tells of was known, and what it tells of its
/// endpoint: the two columns after [`COLUMNS`]. Now all of it is; of an earlier
/// moment, see `past`.
#[derive(Clone, Copy, Debug)]
struct Known {
    session: bool,
    endpoint: bool,
}

/// What stands together in one value: numbers first, then words and times.
#[derive(Deserialize)]
pub(super) struct Line<'r> {
    /// The number of the installation.
    pub(super) id: i64,
    certificate: i64,
    chain: i64,
    stapled: Option<u8>,
    restless: i64,
    has_past: u8,
    has_neighbour: u8,
    #[serde(borrow)]
    zone: Cow<'r, str>,
    port: u16,
    dialect: String,
    server_name: String,
    pointer: Option<String>,
    tls_version: Option<String>,
    /// JSON.
    #[serde(borrow)]
    protocols: Option<Cow<'r, str>>,
    cipher_suite: Option<String>,
    key_exchange: Option<String>,
    client_auth: Option<String>,
    alpn: Option<String>,
    #[serde(borrow)]
    state: Cow<'r, str>,
    first_seen: i64,
    last_seen: Option<i64>,
    last_checked: Option<i64>,
    scan: Option<i64>,
    /// JSON.
    #[serde(borrow)]
    client_auth_issuers: Option<Cow<'r, str>>,
    hybrid_group: Option<String>,
}

impl<'r> Told<'r> {
    /// The certificate in whose place it came.
    pub(super) fn previous(&self) -> Option<Fingerprint> {
        match self {
            Self::Seen(seen) => seen.previous,
            Self::Imported { .. } => None,
        }
    }

    pub(super) fn read(source: Source, row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        match source {
            Source::Scan => {
                let line: &str = row.try_get(2)?;
                let mut line: Line<'_> = serde_json::from_str(line).map_err(row::impossible)?;
                let known = Known {
                    session: row.try_get(3)?,
                    endpoint: row.try_get(4)?,
                };
                known.limit(&mut line);
                Ok(Self::Seen(Box::new(Seen {
                    address: row::address(row, 0)?,
                    previous: row::optional_fingerprint(row, 1)?,
                    line,
                })))
            }
            Source::Import => Ok(Self::Imported {
                certificate: row.try_get(0)?,
                chain: row.try_get(1)?,
                first: row::time(row, 2)?,
                last: row::optional_time(row, 3)?,
            }),
        }
    }

    /// The number of its certificate.
    pub(super) fn certificate(&self) -> i64 {
        match self {
            Self::Seen(seen) => seen.line.certificate,
            Self::Imported { certificate, .. } => *certificate,
        }
    }

    /// The number of its chain.
    pub(super) fn chain(&self) -> i64 {
        match self {
            Self::Seen(seen) => seen.line.chain,
            Self::Imported { chain, .. } => *chain,
        }
    }

    /// What only installations that were seen have.
    pub(super) fn line(&self) -> Option<&Line<'r>> {
        match self {
            Self::Seen(seen) => Some(&seen.line),
            Self::Imported { .. } => None,
        }
    }

    /// The whole, with what is told apart.
    pub(super) fn installation(
        self,
        shown: &CertificateUse,
        chain: &ShownChain,
    ) -> Result<Installation, sqlx::Error> {
        match self {
            Self::Seen(seen) => seen.installation(shown, chain),
            Self::Imported { first, last, .. } => Ok(import(first, last, shown, chain)),
        }
    }
}

impl Known {
    /// Leaves out what was not known.
    fn limit(self, line: &mut Line<'_>) {
        if !self.session {
            line.tls_version = None;
            line.cipher_suite = None;
            line.key_exchange = None;
            line.client_auth = None;
            line.client_auth_issuers = None;
            line.alpn = None;
            line.stapled = None;
        }
        if !self.endpoint {
            line.protocols = None;
            line.hybrid_group = None;
        }
    }
}

impl Line<'_> {
    /// Whether its latest answer brought an OCSP response; known of the
    /// latest answer alone, and only where the flight reached its end.
    pub(super) fn stapled(&self) -> Option<bool> {
        self.stapled.map(|stapled| stapled != 0)
    }

    /// Whether its question has another certificate at every look.
    pub(super) fn is_ephemeral(&self) -> bool {
        is_ephemeral(self.restless)
    }

    /// Whether its question had an answer before.
    pub(super) fn has_past(&self) -> bool {
        self.has_past != 0
    }

    /// Whether its address has another endpoint.
    pub(super) fn has_neighbour(&self) -> bool {
        self.has_neighbour != 0
    }
}

impl Seen<'_> {
    fn installation(
        self,
        shown: &CertificateUse,
        chain: &ShownChain,
    ) -> Result<Installation, sqlx::Error> {
        let Self {
            address,
            previous,
            line,
        } = self;
        let sni = server_name(line.server_name);
        Ok(Installation {
            zone: Some(line.zone.parse().map_err(row::impossible)?),
            host: sni.clone().unwrap_or_else(|| address.to_string()),
            ip: Some(address),
            port: Some(Port::new(line.port).ok_or_else(|| row::impossible("port 0"))?),
            sni,
            starttls: starttls(line.dialect),
            pointer: line.pointer,
            tls_version: line.tls_version,
            protocols: texts(line.protocols.as_deref())?,
            cipher_suite: line.cipher_suite,
            key_exchange: line.key_exchange,
            client_auth: line.client_auth,
            alpn: line.alpn,
            certificate: Arc::clone(&shown.certificate),
            chain: Arc::clone(&chain.above),
            chain_not_after: chain.not_after,
            installations: shown.installations,
            state: state(&line.state)?,
            previous,
            first_seen: Timestamp::from_micros(line.first_seen),
            last_seen: line.last_seen.map(Timestamp::from_micros),
            last_checked: line.last_checked.map(Timestamp::from_micros),
            source: Source::Scan,
            scan: line.scan.map(ScanId::new),
            client_auth_issuers: texts(line.client_auth_issuers.as_deref())?,
            hybrid_group: line.hybrid_group,
            judgement: None,
        })
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

/// A list of texts, JSON; none where there is no list.
fn texts(json: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
    let texts = json.map(serde_json::from_str).transpose();
    Ok(texts.map_err(row::impossible)?.unwrap_or_default())
}

fn state(word: &str) -> Result<InstallationState, sqlx::Error> {
    let mut states = InstallationState::ALL.into_iter();
    states
        .find(|state| state.as_str() == word)
        .ok_or_else(|| row::impossible(format!("`{word}` is not a state")))
}
