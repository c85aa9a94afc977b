//! Installations in the order of the main report → those that count for
//! themselves.
//!
//! A certificate on very many ports of a host counts as one, where the same is
//! found of it at each. What is compared is all that filters can ask for, so
//! that it makes no difference whether rows are narrowed before or after.

use std::collections::HashSet;
use std::net::IpAddr;

use super::row::{Installation, InstallationState};
use crate::domain::{Fingerprint, Severity, Zone};
use crate::judge::{Finding, Judgement};

/// What has been counted of the host whose rows pass.
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    host: Option<(Option<Zone>, IpAddr)>,
    counted: HashSet<Alike>,
}

/// What installations that count as one have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Alike {
    certificate: Fingerprint,
    state: InstallationState,
    owner: Option<String>,
    tags: Vec<String>,
    findings: Vec<(&'static str, Severity)>,
    accepted: Vec<(&'static str, Severity)>,
}

impl Distinct {
    /// Whether the next row counts for itself, and not as one with a row
    /// before it.
    pub fn takes(&mut self, row: &Installation) -> bool {
        let judgement = row.judgement.as_ref().filter(|it| it.is_one_of_many);
        let (Some(judgement), Some(ip)) = (judgement, row.ip) else {
            return true;
        };
        let host = Some((row.zone.clone(), ip));
        if self.host != host {
            self.host = host;
            self.counted.clear();
        }
        self.counted.insert(Alike::of(row, judgement))
    }
}

impl Alike {
    fn of(row: &Installation, judgement: &Judgement) -> Self {
        Self {
            certificate: row.certificate.sha256,
            state: row.state,
            owner: judgement.owner.clone(),
            tags: judgement.tags.clone(),
            findings: kinds(judgement.findings.iter()),
            accepted: kinds(judgement.accepted.iter().map(|it| &it.finding)),
        }
    }
}

/// What was found, and how much it matters; the details are each place's own.
fn kinds<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<(&'static str, Severity)> {
    let kinds = findings.map(|finding| (finding.rule, finding.severity));
    kinds.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::Port;
    use crate::report::tests::rows::judged;

    fn at(port: u16, findings: &[&'static str]) -> Installation {
        let mut row = judged(findings);
        row.port = Port::new(port);
        Arc::make_mut(row.judgement.as_mut().unwrap()).is_one_of_many = true;
        row
    }

    /// The ports of the rows that count.
    fn counted(rows: &[Installation]) -> Vec<u16> {
        let mut distinct = Distinct::default();
        let rows = rows.iter().filter(|row| distinct.takes(row));
        rows.map(|row| row.port.unwrap().number()).collect()
    }

    #[test]
    fn a_certificate_on_very_many_ports_of_a_host_counts_once() {
        let rows: Vec<_> = (1..=60).map(|port| at(port, &["expired"])).collect();
        assert_eq!(counted(&rows), [1]);
        let mut few = rows;
        for row in &mut few {
            Arc::make_mut(row.judgement.as_mut().unwrap()).is_one_of_many = false;
        }
        assert_eq!(counted(&few).len(), 60);
    }

    #[test]
    fn what_is_found_at_one_port_alone_is_not_lost_whatever_is_asked_for() {
        let rows = [
            at(1, &["expired"]),
            at(2, &["legacy-protocol"]),
            at(3, &["expired", "legacy-protocol"]),
            at(4, &["expired"]),
        ];
        assert_eq!(counted(&rows), [1, 2, 3]);
        let expired = rows.iter().filter(|row| {
            let mut findings = row.judgement.iter().flat_map(|it| &it.findings);
            findings.any(|finding| finding.rule == "expired")
        });
        let expired: Vec<_> = expired.cloned().collect();
        assert_eq!(counted(&expired), [1, 3]);
    }

    #[test]
    fn another_host_certificate_state_owner_or_tag_counts_for_itself() {
        let change = |change: fn(&mut Installation)| {
            let mut row = at(2, &[]);
            change(&mut row);
            counted(&[at(1, &[]), row]).len()
        };
        assert_eq!(change(|_| {}), 1);
        assert_eq!(change(|row| row.ip = "10.0.0.77".parse().ok()), 2);
        assert_eq!(change(|row| row.zone = "plant".parse().ok()), 2);
        assert_eq!(change(|row| row.state = InstallationState::Missing), 2);
        let another = |row: &mut Installation| {
            Arc::make_mut(&mut row.certificate).sha256 = Fingerprint::of(b"another");
        };
        assert_eq!(change(another), 2);
        let owned = |row: &mut Installation| {
            Arc::make_mut(row.judgement.as_mut().unwrap()).owner = Some("The plant".to_owned());
        };
        assert_eq!(change(owned), 2);
        let tagged = |row: &mut Installation| {
            Arc::make_mut(row.judgement.as_mut().unwrap()).tags = vec!["pci".to_owned()];
        };
        assert_eq!(change(tagged), 2);
    }
}
