use super::breakdown::share;
use super::text::{Count, shown};
use crate::domain::{OutcomeKind, Tally, Timestamp};
use crate::report::Coverage;

/// What became of every target, and the first of the networks.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    outcomes: Tally,
    pub(super) networks: Vec<NetworkLine>,
    left_out: u64,
}

/// How many targets had one outcome.
#[derive(Debug)]
pub(super) struct OutcomeLine {
    pub(super) outcome: &'static str,
    pub(super) meaning: &'static str,
    pub(super) count: Count,
    pub(super) share: String,
    /// Of all targets, in thousandths.
    pub(super) length: u64,
}

/// One network (or name) and port.
#[derive(Debug)]
pub(super) struct NetworkLine {
    pub(super) zone: String,
    pub(super) network: String,
    pub(super) port: u16,
    pub(super) declared: Count,
    pub(super) certificate: Count,
    /// It answered, and gave none.
    pub(super) other: Count,
    /// Nothing answered.
    pub(super) dark: Count,
    /// Nobody asked.
    pub(super) unasked: Count,
    pub(super) exclusions: String,
    pub(super) oldest_look: Timestamp,
}

/// Most networks of the page; the command names the rest.
const MAX_NETWORKS: usize = 500;

impl Ledger {
    pub(super) fn add(&mut self, row: &Coverage) {
        self.outcomes += row.outcomes;
        if self.networks.len() < MAX_NETWORKS {
            self.networks.push(line(row));
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn targets(&self) -> Count {
        Count(self.outcomes.total())
    }

    pub(super) fn left_out(&self) -> Count {
        Count(self.left_out)
    }

    /// The outcomes that were seen; their counts add up to the targets.
    pub(super) fn outcomes(&self) -> Vec<OutcomeLine> {
        let total = self.outcomes.total();
        let seen = self.outcomes.iter().filter(|(_, count)| *count > 0);
        seen.map(|(kind, count)| OutcomeLine {
            outcome: kind.as_str(),
            meaning: meaning(kind),
            count: Count(count),
            share: share(count, total),
            length: count * 1000 / total.max(1),
        })
        .collect()
    }
}

fn line(row: &Coverage) -> NetworkLine {
    let sum = |kinds: &[OutcomeKind]| {
        let counts = kinds.iter().map(|kind| row.outcomes.count(*kind));
        Count(counts.sum())
    };
    NetworkLine {
        zone: shown(row.zone.as_str()),
        network: shown(&row.network),
        port: row.port.number(),
        declared: Count(row.outcomes.total()),
        certificate: sum(&[OutcomeKind::Certificate]),
        other: sum(&[
            OutcomeKind::NoCertificate,
            OutcomeKind::TlsRefused,
            OutcomeKind::NotTls,
            OutcomeKind::Silent,
            OutcomeKind::Broken,
        ]),
        dark: sum(&[
            OutcomeKind::Refused,
            OutcomeKind::Filtered,
            OutcomeKind::Unreachable,
            OutcomeKind::Unresolved,
        ]),
        unasked: sum(&[
            OutcomeKind::Excluded,
            OutcomeKind::Fresh,
            OutcomeKind::NotAttempted,
            OutcomeKind::LocalError,
        ]),
        exclusions: shown(&[&row.exclusions[..], &row.remarks].concat().join("; ")),
        oldest_look: row.oldest_look,
    }
}

const fn meaning(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Certificate => "a certificate was seen",
        OutcomeKind::NoCertificate => "TLS without a certificate",
        OutcomeKind::TlsRefused => "every TLS attempt was refused",
        OutcomeKind::NotTls => "something else is spoken there",
        OutcomeKind::Silent => "open, but nothing was said",
        OutcomeKind::Broken => "the answer was malformed",
        OutcomeKind::Refused => "the port is closed",
        OutcomeKind::Filtered => "no answer at all",
        OutcomeKind::Unreachable => "the network says there is no way",
        OutcomeKind::Unresolved => "the name has no address",
        OutcomeKind::Excluded => "not touched, by instruction",
        OutcomeKind::Fresh => "looked at recently enough",
        OutcomeKind::NotAttempted => "the scan ended before its turn",
        OutcomeKind::LocalError => "could not be asked, for our own reasons",
    }
}
