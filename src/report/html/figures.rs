use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnetwork::IpNetwork;

use super::breakdown::Breakdown;
use super::timeline::Timeline;
use super::worst::{RANKS, rank};
use crate::domain::{Fingerprint, Severity, Timestamp};
use crate::judge::{Finding, Judgement};
use crate::report::row::{CertificateRow, Installation, InstallationState};

/// All that is counted while rows pass.
#[derive(Debug)]
pub(super) struct Figures {
    now: Timestamp,
    pub(super) installations: u64,
    /// Installations that count as one with others, and nowhere else here.
    pub(super) absorbed: u64,
    pub(super) expired: u64,
    pub(super) expiring: u64,
    pub(super) missing: u64,
    /// Installations by the rank of their worst finding.
    pub(super) ranks: [u64; RANKS],
    pub(super) findings: HashMap<&'static str, RuleFigures>,
    pub(super) charts: Charts,
    /// The certificates met so far: 32 bytes each is the price of telling
    /// certificates from installations.
    certificates: HashSet<Fingerprint>,
}

/// What is counted by kind.
#[derive(Debug)]
pub(super) struct Charts {
    pub(super) timeline: Timeline,
    pub(super) issuers: Breakdown,
    pub(super) keys: Breakdown,
    pub(super) protocols: Breakdown,
    pub(super) networks: Breakdown,
}

/// Installations in which one rule found something.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RuleFigures {
    /// By the rule's worst finding there, least severe first.
    pub(super) severities: [u64; Severity::ALL.len()],
    /// Where all that it found is accepted.
    pub(super) accepted: u64,
}

/// How far ahead the headline looks.
pub(super) const SOON: Duration = Duration::from_hours(30 * 24);

impl Figures {
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            now,
            installations: 0,
            absorbed: 0,
            expired: 0,
            expiring: 0,
            missing: 0,
            ranks: [0; RANKS],
            findings: HashMap::new(),
            charts: Charts {
                timeline: Timeline::from(now),
                issuers: Breakdown::default(),
                keys: Breakdown::default(),
                protocols: Breakdown::default(),
                networks: Breakdown::default(),
            },
            certificates: HashSet::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Installation) {
        self.installations += 1;
        self.missing += u64::from(row.state == InstallationState::Missing);
        self.add_expiry(row.certificate.not_after);
        let severity = row.judgement.as_deref().and_then(Judgement::severity);
        if let Some(count) = self.ranks.get_mut(rank(severity)) {
            *count += 1;
        }
        if let Some(judgement) = &row.judgement {
            self.add_findings(judgement);
        }
        self.charts.add_place(row);
        if self.certificates.insert(row.certificate.sha256) {
            self.charts.add_certificate(&row.certificate);
        }
    }

    pub(super) fn certificates(&self) -> u64 {
        u64::try_from(self.certificates.len()).unwrap_or(u64::MAX)
    }

    /// The same bounds as the filters `--expired` and `--expiring 30d`.
    fn add_expiry(&mut self, end: Option<Timestamp>) {
        let Some(end) = end else {
            return;
        };
        let is_past = self.now.is_past(end);
        let is_soon = end.since(self.now) <= SOON;
        self.expired += u64::from(is_past);
        self.expiring += u64::from(!is_past && is_soon);
    }

    /// Each rule counts once for a row, at its worst.
    fn add_findings(&mut self, judgement: &Judgement) {
        let findings = &judgement.findings;
        for (position, finding) in findings.iter().enumerate() {
            if findings
                .iter()
                .take(position)
                .all(|it| it.rule != finding.rule)
            {
                let worst = worst_of(finding.rule, findings).unwrap_or(finding.severity);
                let figures = self.findings.entry(finding.rule).or_default();
                if let Some(count) = figures.severities.get_mut(worst as usize) {
                    *count += 1;
                }
            }
        }
        let accepted = &judgement.accepted;
        for (position, one) in accepted.iter().enumerate() {
            let rule = one.finding.rule;
            let first = accepted
                .iter()
                .take(position)
                .all(|it| it.finding.rule != rule);
            if first && worst_of(rule, findings).is_none() {
                self.findings.entry(rule).or_default().accepted += 1;
            }
        }
    }
}

impl RuleFigures {
    pub(super) fn installations(&self) -> u64 {
        self.severities.iter().sum()
    }

    /// The severity of its worst finding; `None` where all are accepted.
    pub(super) fn worst(&self) -> Option<Severity> {
        let counted = Severity::ALL.into_iter().zip(self.severities);
        counted
            .rev()
            .find_map(|(severity, count)| (count > 0).then_some(severity))
    }
}

impl Charts {
    fn add_certificate(&mut self, certificate: &CertificateRow) {
        self.timeline.add(certificate.not_after);
        let issuer = certificate
            .issuer_cn
            .as_ref()
            .or(certificate.issuer_dn.as_ref());
        match issuer {
            _ if certificate.self_signed == Some(true) => self.issuers.add_ours("self-signed"),
            Some(name) if !name.is_empty() => self.issuers.add(name),
            _ => self.issuers.add_ours("without a name"),
        }
        match (&certificate.key_type, certificate.key_bits) {
            (Some(family), Some(bits)) => self.keys.add(&format!("{family} {bits}")),
            (Some(family), None) => self.keys.add(family),
            (None, _) => self.keys.add_ours("unknown"),
        }
    }

    /// An installation counts once for each protocol that it is to be had by.
    fn add_place(&mut self, row: &Installation) {
        for protocol in &row.session.protocols {
            self.protocols.add(protocol);
        }
        if row.session.protocols.is_empty() {
            match &row.session.tls_version {
                Some(version) => self.protocols.add(version),
                None => self.protocols.add_ours("imported or unknown"),
            }
        }
        match row.ip.and_then(network) {
            Some(network) => self.networks.add(&network.to_string()),
            None => self.networks.add_ours("imported"),
        }
    }
}

/// The /24 (IPv6: /64) of an address.
fn network(ip: IpAddr) -> Option<IpNetwork> {
    let prefix = if ip.is_ipv4() { 24 } else { 64 };
    let network = IpNetwork::new(ip, prefix).ok()?;
    IpNetwork::new(network.network(), prefix).ok()
}

fn worst_of(rule: &str, findings: &[Finding]) -> Option<Severity> {
    let own = findings.iter().filter(|finding| finding.rule == rule);
    own.map(|finding| finding.severity).max()
}
