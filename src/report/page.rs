//! One row → a page for a terminal: everything known of it.
//!
//! Whatever comes from the network goes through [`printable`]: the result
//! holds no control character but LF.

use std::fmt::Write;

use super::list;
use super::row::{CertificateRow, EndpointRow, Installation, QuestionRow};
use super::table::{colons, days_left, hexadecimal};
use crate::domain::{OutcomeKind, Timestamp, printable};
use crate::judge::{ALL, Finding};

/// A page: lines of a label and a value.
struct Page(String);

/// Columns that a label takes, the colon and one blank included.
const LABEL: usize = 18;

impl Page {
    fn line(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            // Writing to a String can't fail.
            let label = format!("{label}:");
            let _ = writeln!(self.0, "{label:LABEL$}{}", printable(value));
        }
    }

    fn optional(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.line(label, &value.to_string());
        }
    }

    /// One item a line, the label at the first.
    fn list(&mut self, label: &str, items: &[String]) {
        let Some((first, rest)) = items.split_first() else {
            return;
        };
        self.line(label, first);
        for item in rest {
            let _ = writeln!(self.0, "{:LABEL$}{}", "", printable(item));
        }
    }

    fn heading(&mut self, text: &str) {
        let _ = writeln!(self.0, "\n{text}");
    }
}

/// One certificate: what it says, and where it is installed.
#[must_use]
pub fn certificate(row: &CertificateRow, installations: &[Installation], now: Timestamp) -> String {
    let mut page = Page(String::new());
    match &row.parse_fault {
        Some(fault) => page.line("Unparsed", fault),
        None => facts(&mut page, row, now),
    }
    page.line("SHA-256", &row.sha256.to_string());
    page.line("SHA-1", &hexadecimal(&row.sha1));
    page.optional("Key SHA-256", row.spki_sha256);
    for installation in installations {
        page.heading(&place(installation));
        judged(&mut page, installation);
        seen(&mut page, installation);
    }
    page.0
}

/// One endpoint: what came of the latest look, what it was asked, and what is
/// installed there.
#[must_use]
pub fn endpoint(
    row: &EndpointRow,
    questions: &[QuestionRow],
    installations: &[Installation],
    now: Timestamp,
) -> String {
    let mut page = Page(String::new());
    page.line("Endpoint", &list::endpoint(row));
    page.line("Zone", row.zone.as_str());
    page.line("Dialect", &row.dialect);
    page.optional("PTR", row.pointer.as_ref());
    page.line("Outcome", row.outcome.as_str());
    page.line("Detail", &row.detail);
    page.optional("Banner", row.banner.as_ref());
    page.list("Attempts", &row.attempts);
    page.line("Accepts", &row.protocols.join(", "));
    page.line("Refuses", &row.protocols_refused.join(", "));
    page.optional("Hybrid group", row.hybrid_group.as_ref());
    let questions: Vec<_> = questions.iter().map(question).collect();
    page.list("Questions", &questions);
    page.line("First seen", &row.first_seen.to_string());
    page.line("Last checked", &row.last_checked.to_string());
    page.line("Scan", &row.scan.to_string());
    for installation in installations {
        page.heading(&place(installation));
        judged(&mut page, installation);
        seen(&mut page, installation);
        let certificate = &installation.certificate;
        page.line("SHA-256", &certificate.sha256.to_string());
        match &certificate.parse_fault {
            Some(fault) => page.line("Unparsed", fault),
            None => facts(&mut page, certificate, now),
        }
    }
    page.0
}

/// `a.example, rsa: tls-refused 2026-11-21T08:00:00Z, answered 2026-11-14T08:00:00Z`.
fn question(row: &QuestionRow) -> String {
    let name = row.sni.as_deref().unwrap_or("no name");
    let (key_type, outcome, asked) = (&row.key_type, row.outcome, row.asked_at);
    let ephemeral = if row.is_ephemeral {
        ", ephemeral: another certificate at every look"
    } else {
        ""
    };
    let asked = format!("{name}, {key_type}: {outcome} {asked}{ephemeral}");
    match outcome {
        OutcomeKind::Certificate => asked,
        _ => format!("{asked}, answered {}", row.answered_at),
    }
}

fn facts(page: &mut Page, row: &CertificateRow, now: Timestamp) {
    page.optional("Subject", row.subject_dn.as_ref());
    page.optional("Issuer", row.issuer_dn.as_ref());
    page.optional("Serial", row.serial.as_deref().map(colons));
    page.optional("Valid from", row.not_before);
    page.optional("Valid to", row.not_after);
    match days_left(row, now) {
        Some(days) if days < 0 => page.line("Days left", &format!("{days}, it has expired")),
        days => page.optional("Days left", days),
    }
    page.list("Names", &row.alternative_names);
    page.line("Key", &list::key(row));
    page.optional("Signature", row.signature_algorithm.as_ref());
    page.line("Key usage", &row.key_usage.join(", "));
    page.line("Extended usage", &row.extended_key_usage.join(", "));
    page.optional("Self-signed", row.self_signed.map(yes_or_no));
    page.optional("CA", row.is_ca.map(yes_or_no));
}

/// A certificate that is sent along: its subject, its end, its fingerprint.
#[must_use]
pub fn chain_member(row: &CertificateRow) -> String {
    let subject = row.subject_dn.as_deref().unwrap_or("unparsed");
    let ends = row
        .not_after
        .map(|end| format!(", ends {}", list::date(end)));
    let subject = list::short(subject, 200);
    format!("{} {subject}{}", row.sha256, ends.unwrap_or_default())
}

/// Where an installation is: `10.0.0.1:443 (sni a.example)`.
#[must_use]
pub fn place(row: &Installation) -> String {
    let mut place = match (row.ip, row.port) {
        (Some(ip), Some(port)) => std::net::SocketAddr::new(ip, port.number()).to_string(),
        _ => row.source.as_str().to_owned(),
    };
    if let Some(sni) = &row.sni {
        place.push_str(" (sni ");
        place.push_str(sni);
        place.push(')');
    }
    printable(&place)
}

/// The verdict with its reason, and each finding with what to do about it.
fn judged(page: &mut Page, row: &Installation) {
    let Some(judgement) = &row.judgement else {
        return;
    };
    let trust = judgement.trust;
    page.line("Trust", &format!("{trust}: {}", judgement.trust_reason));
    page.line("Trusted by", &judgement.trusted_by.join(", "));
    page.optional("Root", judgement.root.as_ref());
    page.optional("Owner", judgement.owner.as_ref());
    page.line("Tags", &judgement.tags.join(", "));
    let findings = judgement.findings.iter().flat_map(|finding| {
        let rule = ALL.iter().find(|rule| rule.id == finding.rule);
        let advice = rule.map(|rule| format!("  {}", rule.advice));
        std::iter::once(found(finding)).chain(advice)
    });
    page.list("Findings", &findings.collect::<Vec<_>>());
    let accepted = judgement.accepted.iter().map(|it| {
        let (owner, reason, until) = (&it.owner, &it.reason, it.until);
        let finding = found(&it.finding);
        format!("{finding}; accepted by {owner} until {until}: {reason}")
    });
    page.list("Accepted", &accepted.collect::<Vec<_>>());
}

/// `error expiring: ends in 6 days, at ...`
fn found(finding: &Finding) -> String {
    format!("{} {}: {}", finding.severity, finding.rule, finding.detail)
}

fn seen(page: &mut Page, row: &Installation) {
    page.list("Declined", &row.declined_names);
    page.optional("Zone", row.zone.as_ref());
    page.optional("PTR", row.pointer.as_ref());
    page.optional("STARTTLS", row.starttls.as_ref());
    let session = &row.session;
    let chosen = [
        &session.tls_version,
        &session.cipher_suite,
        &session.key_exchange,
    ];
    let chosen: Vec<&str> = chosen.into_iter().flatten().map(String::as_str).collect();
    page.line("Session", &chosen.join(", "));
    page.line("Protocols", &session.protocols.join(", "));
    page.optional("Client auth", session.client_auth.as_ref());
    page.list("Client CAs", &session.client_auth_issuers);
    page.optional("ALPN", session.alpn.as_ref());
    let chain: Vec<String> = row.chain.iter().map(ToString::to_string).collect();
    page.list("Chain", &chain);
    page.line("State", row.state.as_str());
    page.optional("Replaced", row.previous);
    page.line("First seen", &row.first_seen.to_string());
    page.optional("Last seen", row.last_seen);
    page.optional("Last checked", row.last_checked);
    page.optional("Scan", row.scan);
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
