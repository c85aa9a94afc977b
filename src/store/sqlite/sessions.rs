//! Columns of a session → the session, each read once: of a million
//! installations there may be ten.

use std::mem;
use std::sync::Arc;

use rusqlite::Statement;
use rusqlite::types::FromSqlError;

use super::cursor::{Columns, Cursor};
use crate::domain::Remembered;
use crate::report::SessionRow;

/// What [`SessionReader`] reads, from `r`: first the endpoint, if it accepts
/// more than the version that its only answer came by.
pub(super) const COLUMNS: &str = "iif(r.is_latest_answer and not r.has_more, null, r.endpoint_id), \
    r.tls_version, r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, \
    r.client_auth_issuers, r.hybrid_group";

/// How many of them are texts.
const TEXTS: usize = 7;

/// Sessions that are remembered, in bytes: usual ones take 1 KB.
const MOST: usize = 8 << 20;

/// Whether the session that a row tells of was known, and what it tells of its
/// endpoint. Now all of it is; of an earlier moment, see `past`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knowledge {
    pub(super) session: bool,
    pub(super) endpoint: bool,
}

/// Sessions by their columns, as they were read before.
pub(super) struct SessionReader<'c> {
    protocols: Protocols<'c>,
    remembered: Remembered<Box<[u8]>, Arc<SessionRow>>,
    /// That of the row before, which is mostly that of the next as well.
    latest: (Vec<u8>, Arc<SessionRow>),
    /// Reused for every row.
    key: Vec<u8>,
}

/// What endpoints accept and refuse, JSON: found once for all the rows of one,
/// which comes with each of its questions.
struct Protocols<'c> {
    find: Statement<'c>,
    latest: Option<(i64, Versions)>,
}

/// The versions of an endpoint, JSON.
struct Versions {
    accepted: String,
    refused: String,
}

impl Knowledge {
    pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            session: columns.next()?,
            endpoint: columns.next()?,
        })
    }

    /// Leaves out what was not known.
    fn limit(self, whole: SessionRow) -> SessionRow {
        let known = if self.session {
            whole
        } else {
            SessionRow {
                protocols: whole.protocols,
                protocols_refused: whole.protocols_refused,
                hybrid_group: whole.hybrid_group,
                ..SessionRow::default()
            }
        };
        if self.endpoint {
            return known;
        }
        SessionRow {
            protocols: Vec::new(),
            protocols_refused: Vec::new(),
            hybrid_group: None,
            ..known
        }
    }
}

impl<'c> SessionReader<'c> {
    pub(super) fn on(cursor: &'c Cursor) -> rusqlite::Result<Self> {
        let find = cursor
            .prepare("select protocols, protocols_refused from endpoint_rows where id = ?")?;
        Ok(Self {
            protocols: Protocols { find, latest: None },
            remembered: Remembered::up_to(MOST),
            latest: (Vec::new(), Arc::default()),
            key: Vec::new(),
        })
    }

    /// Reads a session, without what was not known of it.
    pub(super) fn read(
        &mut self,
        known: Knowledge,
        columns: &mut Columns<'_>,
    ) -> rusqlite::Result<Arc<SessionRow>> {
        let endpoint = columns.next()?;
        self.make_key(known, endpoint, *columns)?;
        if self.key != self.latest.0 {
            self.latest.1 = self.find(known, endpoint, columns)?;
            mem::swap(&mut self.latest.0, &mut self.key);
        }
        Ok(Arc::clone(&self.latest.1))
    }

    fn find(
        &mut self,
        known: Knowledge,
        endpoint: Option<i64>,
        columns: &mut Columns<'_>,
    ) -> rusqlite::Result<Arc<SessionRow>> {
        if let Some(session) = self.remembered.get(self.key.as_slice()) {
            return Ok(Arc::clone(session));
        }
        let protocols = self.protocols.of(endpoint)?;
        let session = Arc::new(known.limit(whole(protocols, columns)?));
        let key: Box<[u8]> = self.key.as_slice().into();
        let weight = key.len() + session.weight();
        self.remembered.make_room();
        self.remembered.insert(key, Arc::clone(&session), weight);
        Ok(session)
    }

    /// Makes a key: the same for the same columns.
    fn make_key(
        &mut self,
        known: Knowledge,
        endpoint: Option<i64>,
        mut columns: Columns<'_>,
    ) -> rusqlite::Result<()> {
        let key = &mut self.key;
        key.clear();
        key.extend([known.session, known.endpoint].map(u8::from));
        let mut push = |text: Option<&str>| {
            let length = text.map_or(usize::MAX, str::len);
            key.extend(length.to_ne_bytes());
            key.extend(text.unwrap_or_default().bytes());
        };
        let protocols = self.protocols.of(endpoint)?;
        push(protocols.map(|versions| versions.accepted.as_str()));
        push(protocols.map(|versions| versions.refused.as_str()));
        for _ in 0..TEXTS {
            columns.read(|value| {
                push(value.as_str_or_null()?);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Protocols<'_> {
    /// `None` without an endpoint.
    fn of(&mut self, endpoint: Option<i64>) -> rusqlite::Result<Option<&Versions>> {
        let Some(endpoint) = endpoint else {
            return Ok(None);
        };
        if self
            .latest
            .as_ref()
            .is_none_or(|(latest, _)| *latest != endpoint)
        {
            let found = self.find.query_row([endpoint], |row| {
                Ok(Versions {
                    accepted: row.get(0)?,
                    refused: row.get(1)?,
                })
            })?;
            self.latest = Some((endpoint, found));
        }
        Ok(self.latest.as_ref().map(|(_, found)| found))
    }
}

/// A session at an endpoint of which these versions are known; without them it
/// is known to accept its own.
fn whole(protocols: Option<&Versions>, columns: &mut Columns<'_>) -> rusqlite::Result<SessionRow> {
    let tls_version: Option<String> = columns.next()?;
    let read = |json: &str| {
        let versions = serde_json::from_str::<Vec<String>>(json);
        versions.map_err(FromSqlError::other)
    };
    let refused = protocols.map(|it| read(&it.refused)).transpose()?;
    let protocols = protocols.map(|it| read(&it.accepted)).transpose()?;
    Ok(SessionRow {
        protocols: protocols.unwrap_or_else(|| tls_version.iter().cloned().collect()),
        protocols_refused: refused.unwrap_or_default(),
        tls_version,
        cipher_suite: columns.next()?,
        key_exchange: columns.next()?,
        client_auth: columns.next()?,
        alpn: columns.next()?,
        client_auth_issuers: columns.texts()?.unwrap_or_default(),
        hybrid_group: columns.next()?,
    })
}
