use std::net::SocketAddr;

use super::text::{Count, shown};
use crate::domain::{Fingerprint, ScanId, Timestamp, Zone};
use crate::report::event::{EventKind, EventRow};
use crate::report::row::ScanRow;

/// What changed between two scans, counted, and the first of it.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) before: ScanId,
    pub(super) before_began: Timestamp,
    pub(super) last: ScanId,
    pub(super) last_began: Timestamp,
    /// Of each kind, in the order in which they came.
    pub(super) counts: Vec<(EventKind, Count)>,
    /// The first [`MAX_CHANGES`].
    pub(super) lines: Vec<ChangeLine>,
    total: u64,
}

/// One change, in words that are safe to show.
#[derive(Debug)]
pub(super) struct ChangeLine {
    pub(super) kind: EventKind,
    pub(super) place: String,
    pub(super) subject: String,
    pub(super) ends: String,
    pub(super) sha256: String,
    /// What it came in place of, or where it was before.
    pub(super) past: String,
}

/// Most changes that a page shows; the command beside them lists all.
pub(super) const MAX_CHANGES: usize = 200;

/// How many hexadecimal digits of a fingerprint `certsweep show` is given.
const DIGITS: usize = 16;

impl Changes {
    pub(super) fn between(before: &ScanRow, last: &ScanRow) -> Self {
        Self {
            before: before.id,
            before_began: before.started_at,
            last: last.id,
            last_began: last.started_at,
            counts: Vec::new(),
            lines: Vec::new(),
            total: 0,
        }
    }

    pub(super) fn add(&mut self, row: &EventRow) {
        self.total += 1;
        match self.counts.iter_mut().find(|(kind, _)| *kind == row.kind) {
            Some((_, count)) => count.0 += 1,
            None => self.counts.push((row.kind, Count(1))),
        }
        if self.lines.len() < MAX_CHANGES {
            self.lines.push(line(row));
        }
    }

    pub(super) fn total(&self) -> Count {
        Count(self.total)
    }

    /// How many have no line.
    pub(super) fn left_out(&self) -> Count {
        let told = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        Count(self.total.saturating_sub(told))
    }
}

fn line(row: &EventRow) -> ChangeLine {
    let ends = row.not_after.map(|end| end.date().to_string());
    let previous = row
        .previous
        .filter(|previous| *previous != row.sha256)
        .map(|previous| {
            let subject = shown(row.previous_subject.as_deref().unwrap_or("unparsed"));
            format!("in place of {} {subject}", beginning(previous))
        });
    let origin = row.moved_from.map(|origin| format!("from {origin}"));
    let past: Vec<_> = origin.into_iter().chain(previous).collect();
    ChangeLine {
        kind: row.kind,
        place: place(row),
        subject: shown(row.subject.as_deref().unwrap_or("unparsed")),
        ends: ends.unwrap_or_default(),
        sha256: beginning(row.sha256),
        past: past.join(", "),
    }
}

/// `plant-1 10.0.0.1:25 smtp (mail.example)`: the zone where it has a name of
/// its own, the dialect and the name asked for, where there are any.
fn place(row: &EventRow) -> String {
    let mut place = SocketAddr::new(row.ip, row.port.number()).to_string();
    if row.zone != Zone::default() {
        place = format!("{} {place}", row.zone);
    }
    if let Some(dialect) = &row.starttls {
        place.push(' ');
        place.push_str(dialect);
    }
    if let Some(name) = &row.sni {
        place = format!("{place} ({name})");
    }
    shown(&place)
}

fn beginning(sha256: Fingerprint) -> String {
    sha256.to_string().chars().take(DIGITS).collect()
}
