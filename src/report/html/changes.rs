/// What changed since an earlier scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Since when, in words: `scan 12, 2026-11-14`.
    pub since: String,
    /// How many changes of each kind there are: `renewed`, 12.
    pub counts: Vec<(&'static str, u64)>,
    /// The first of them; more than [`MAX_CHANGES`] are not shown.
    pub lines: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its kind: `renewed`.
    pub kind: &'static str,
    /// Where: `10.0.0.1:443 (sni a.example)`. It may hold the peer's texts.
    pub place: String,
    /// What, in words. It may hold the peer's texts.
    pub detail: String,
}

/// Most changes that a page shows: what gives the changes may stop there.
pub const MAX_CHANGES: usize = 200;
