//! Words of sessions → what they mean, once for all installations that share
//! them.

use std::str::FromStr;
use std::sync::Arc;

use crate::domain::{HybridGroup, KeyExchange, Remembered, TlsVersion};
use crate::report::SessionRow;

/// Sessions that are remembered, in bytes: usual ones take 1 KB.
const MOST: usize = 4 << 20;

/// What sessions that were read mean, by where they are in memory: as long as
/// one is kept, nothing else is there.
pub(super) struct Glossary(Remembered<usize, (Arc<SessionRow>, Terms)>);

/// What of a session a judgement may depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) tls_version: Option<TlsVersion>,
    pub(super) versions: Arc<[TlsVersion]>,
    pub(super) refused: Arc<[TlsVersion]>,
    pub(super) key_exchange: Option<KeyExchange>,
    pub(super) hybrid_group: Option<HybridGroup>,
}

impl Glossary {
    /// What a session means.
    pub(super) fn terms(&mut self, session: &Arc<SessionRow>) -> Terms {
        let place = Arc::as_ptr(session).addr();
        if let Some((_, terms)) = self.0.get(&place) {
            return terms.clone();
        }
        let terms = Terms::of(session);
        let known = (Arc::clone(session), terms.clone());
        self.0.make_room();
        self.0.insert(place, known, session.weight());
        terms
    }
}

impl Default for Glossary {
    fn default() -> Self {
        Self(Remembered::up_to(MOST))
    }
}

impl Terms {
    fn of(session: &SessionRow) -> Self {
        let meaning = |words: &[String]| words.iter().filter_map(|word| read(word)).collect();
        Self {
            tls_version: session.tls_version.as_deref().and_then(read),
            versions: meaning(&session.protocols),
            refused: meaning(&session.protocols_refused),
            key_exchange: session.key_exchange.as_deref().and_then(read),
            hybrid_group: session.hybrid_group.as_deref().and_then(read),
        }
    }
}

/// A word of the inventory; what a newer program wrote may mean nothing here.
pub(super) fn read<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}
