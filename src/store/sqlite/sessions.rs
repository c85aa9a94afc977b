//! Columns of a session → the session, each read once: of a million
//! installations there may be ten.

use std::mem;
use std::sync::Arc;

use super::cursor::Columns;
use crate::domain::Remembered;
use crate::report::SessionRow;

/// What [`Sessions`] reads, from `r`.
///
/// The view reckons with several answers and surveys of an endpoint; where
/// there is but one, and no more to be said, it is not asked.
pub(super) const COLUMNS: &str = "r.tls_version, \
    iif(r.is_latest_answer and not r.has_more, null, r.protocols), \
    r.cipher_suite, r.key_exchange, r.client_auth, r.alpn, r.client_auth_issuers, \
    r.hybrid_group";

/// How many they are.
const COUNT: usize = 8;

/// Sessions that are remembered, in bytes: usual ones take 1 KB.
const MOST: usize = 8 << 20;

/// Whether the session that a row tells of was known, and what it tells of its
/// endpoint. Now all of it is; of an earlier moment, see `past`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) session: bool,
    pub(super) endpoint: bool,
}

/// Sessions by their columns, as they were read before.
pub(super) struct Sessions {
    remembered: Remembered<Box<[u8]>, Arc<SessionRow>>,
    /// That of the row before, which is mostly that of the next as well.
    latest: (Vec<u8>, Arc<SessionRow>),
    /// Reused for every row.
    key: Vec<u8>,
}

impl Known {
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
                hybrid_group: whole.hybrid_group,
                ..SessionRow::default()
            }
        };
        if self.endpoint {
            return known;
        }
        SessionRow {
            protocols: Vec::new(),
            hybrid_group: None,
            ..known
        }
    }
}

impl Sessions {
    /// Reads a session, without what was not known of it.
    pub(super) fn read(
        &mut self,
        known: Known,
        columns: &mut Columns<'_>,
    ) -> rusqlite::Result<Arc<SessionRow>> {
        self.make_key(known, *columns)?;
        if self.key != self.latest.0 {
            self.latest.1 = self.find(known, columns)?;
            mem::swap(&mut self.latest.0, &mut self.key);
        }
        Ok(Arc::clone(&self.latest.1))
    }

    fn find(
        &mut self,
        known: Known,
        columns: &mut Columns<'_>,
    ) -> rusqlite::Result<Arc<SessionRow>> {
        if let Some(session) = self.remembered.get(self.key.as_slice()) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(known.limit(whole(columns)?));
        let key: Box<[u8]> = self.key.as_slice().into();
        let weight = key.len() + session.weight();
        self.remembered.make_room();
        self.remembered.insert(key, Arc::clone(&session), weight);
        Ok(session)
    }

    /// Makes a key: the same for the same columns.
    fn make_key(&mut self, known: Known, mut columns: Columns<'_>) -> rusqlite::Result<()> {
        let key = &mut self.key;
        key.clear();
        key.extend([known.session, known.endpoint].map(u8::from));
        for _ in 0..COUNT {
            columns.read(|value| {
                let text = value.as_str_or_null()?;
                let length = text.map_or(usize::MAX, str::len);
                key.extend(length.to_ne_bytes());
                key.extend(text.unwrap_or_default().bytes());
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            remembered: Remembered::up_to(MOST),
            latest: (Vec::new(), Arc::default()),
            key: Vec::new(),
        }
    }
}

fn whole(columns: &mut Columns<'_>) -> rusqlite::Result<SessionRow> {
    let tls_version: Option<String> = columns.next()?;
    let protocols = columns.texts()?;
    Ok(SessionRow {
        protocols: protocols.unwrap_or_else(|| tls_version.iter().cloned().collect()),
        tls_version,
        cipher_suite: columns.next()?,
        key_exchange: columns.next()?,
        client_auth: columns.next()?,
        alpn: columns.next()?,
        client_auth_issuers: columns.texts()?.unwrap_or_default(),
        hybrid_group: columns.next()?,
    })
}
