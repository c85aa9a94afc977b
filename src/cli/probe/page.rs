//! An examination → a page for a person, at most 80 columns wide.
//!
//! Whatever comes from the network goes through [`printable`]: the page holds
//! no control character but LF.

use std::fmt::Write;

use super::examination::{Examination, Look};
use crate::domain::{
    Acceptance, ClientAuth, Fingerprint, HybridGroup, Outcome, Session, Survey, Timestamp, counted,
    printable,
};
use crate::judge::Judgement;
use crate::probe::{ClientCertificate, Handshaken, Verdict};
use crate::report::CertificateRow;
use crate::x509::{self, Certificate};

/// Lines of a label and a value, under headings.
struct Page(String);

/// Columns of a label, its colon and a blank included.
const LABEL: usize = 16;
/// Columns of a value: a SHA-256 in hexadecimal fits.
const VALUE: usize = 64;

impl Page {
    fn heading(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        for piece in wrapped(&printable(text), LABEL + VALUE) {
            // Writing to a String can't fail.
            let _ = writeln!(self.0, "{}", piece.trim_end());
        }
    }

    fn line(&mut self, label: &str, value: &str) {
        self.list(label, &[value]);
    }

    fn optional(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.line(label, &value.to_string());
        }
    }

    /// One item a line, or more where it is long; the label at the first.
    fn list(&mut self, label: &str, items: &[impl AsRef<str>]) {
        let mut label = format!("{label}:");
        let items = items.iter().map(|item| printable(item.as_ref()));
        for item in items.filter(|item| !item.is_empty()) {
            for piece in wrapped(&item, VALUE) {
                // Writing to a String can't fail.
                let _ = writeln!(self.0, "{label:LABEL$}{}", piece.trim_end());
                label.clear();
            }
        }
    }
}

/// Cuts a text where it is too long for a line: behind blanks and commas, and
/// anywhere in a word that would not fit on a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let words = text.split_inclusive([' ', ',']);
    for word in words.flat_map(|word| pieces(word, width)) {
        let Some(line) = lines.last_mut() else {
            continue;
        };
        let length = line.chars().count() + word.trim_end().chars().count();
        if length <= width {
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// A word in pieces of so many characters at most.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(width).map(String::from_iter).collect()
}

/// Everything about one endpoint.
pub(super) fn text(examination: &Examination, now: Timestamp) -> String {
    let mut page = Page(String::new());
    page.line("Endpoint", &examination.endpoint.to_string());
    page.optional("PTR", examination.pointer.name());
    let mut shown = Vec::new();
    for look in &examination.looks {
        answer(&mut page, look, &mut shown);
    }
    if let Some(survey) = &examination.survey {
        versions(&mut page, survey);
    }
    let headings = [
        "Handshake without a client certificate",
        "Handshake with the client certificate",
    ];
    for (heading, handshaken) in headings.iter().zip(&examination.handshakes) {
        handshake(&mut page, heading, handshaken);
    }
    let mut described = Vec::new();
    for look in &examination.looks {
        for (position, certificate) in look.chain.iter().enumerate() {
            if !described.contains(&certificate.fingerprint) {
                described.push(certificate.fingerprint);
                describe(&mut page, certificate, position, now);
            }
        }
    }
    page.0
}

fn answer(page: &mut Page, look: &Look, shown: &mut Vec<Vec<Fingerprint>>) {
    let seen = &look.observation;
    page.heading(&question(look));
    page.line("Outcome", &in_words(&seen.outcome));
    let attempts: Vec<String> = seen.attempts.iter().map(ToString::to_string).collect();
    page.list("Attempts", &attempts);
    match &seen.outcome {
        Outcome::Certificate(presented) => session(page, &presented.session),
        Outcome::NoCertificate(_, Some(negotiated)) => session(page, negotiated),
        Outcome::NotTls(_, said) => page.line("It said", &String::from_utf8_lossy(said)),
        Outcome::NoCertificate(_, None)
        | Outcome::TlsRefused(_)
        | Outcome::Silent(_)
        | Outcome::Broken(_)
        | Outcome::Refused
        | Outcome::Filtered
        | Outcome::Unreachable
        | Outcome::Unresolved(_)
        | Outcome::Excluded(_)
        | Outcome::Fresh
        | Outcome::NotAttempted
        | Outcome::LocalError(_) => {}
    }
    let chain: Vec<Fingerprint> = look.chain.iter().map(|one| one.fingerprint).collect();
    if chain.is_empty() {
        return;
    }
    if shown.contains(&chain) {
        page.line("Chain", "the same as before");
    } else {
        page.list(
            "Chain",
            &chain.iter().map(ToString::to_string).collect::<Vec<_>>(),
        );
        shown.push(chain);
    }
    if let Some(judgement) = &look.judgement {
        judged(page, judgement);
    }
}

fn judged(page: &mut Page, judgement: &Judgement) {
    let (trust, reason) = (judgement.trust, &judgement.trust_reason);
    page.line("Trust", &format!("{trust}: {reason}"));
    page.line("Trusted by", &judgement.trusted_by.join(", "));
    let findings = judgement.findings.iter();
    let findings = findings.map(|it| format!("{} {}: {}", it.severity, it.rule, it.detail));
    page.list("Findings", &findings.collect::<Vec<_>>());
    let accepted = judgement.accepted.iter();
    let accepted = accepted.map(|it| format!("{}: {}", it.finding.rule, it.reason));
    page.list("Accepted", &accepted.collect::<Vec<_>>());
}

/// What was asked: `Asked for www.example.com, ECDSA only, in smtp`.
fn question(look: &Look) -> String {
    let seen = &look.observation;
    let mut text = match &seen.server_name {
        Some(name) => format!("Asked for {name}"),
        None => "Asked without a name".to_owned(),
    };
    if let Some(key_type) = seen.asked_for {
        let _ = write!(text, ", {key_type} keys only");
    }
    if let Some(dialect) = look.dialect().starttls() {
        let _ = write!(text, ", in {dialect}");
    }
    text
}

fn session(page: &mut Page, session: &Session) {
    let mut negotiated = vec![
        session.version.to_string(),
        session.cipher_suite.to_string(),
    ];
    negotiated.extend(session.key_exchange.map(|exchange| exchange.to_string()));
    page.line("Session", &negotiated.join(", "));
    page.optional("ALPN", session.alpn_text());
    page.optional("Client auth", session.client_auth.map(ClientAuth::as_str));
    page.list("Accepts CA", &x509::name_texts(&session.acceptable_issuers));
    if let Some(staple) = &session.ocsp_staple {
        page.line("OCSP staple", &format!("{} bytes", staple.len()));
    }
}

fn versions(page: &mut Page, survey: &Survey) {
    page.heading("Versions");
    for (version, acceptance) in &survey.versions {
        page.line(&version.to_string(), acceptance_word(*acceptance));
    }
    if let Some(group) = survey.hybrid_group {
        page.line("Hybrid group", &hybrid_word(group));
    }
}

pub(super) const fn acceptance_word(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "accepted",
        Acceptance::Refused => "refused",
    }
}

pub(super) fn hybrid_word(group: HybridGroup) -> String {
    match group {
        HybridGroup::Agreed(group) => group.to_string(),
        HybridGroup::Refused => "refused".to_owned(),
    }
}

fn handshake(page: &mut Page, heading: &str, handshaken: &Handshaken) {
    page.heading(heading);
    page.line("Verdict", &verdict(&handshaken.verdict));
    if let Verdict::TlsError(fault) = &handshaken.verdict {
        page.optional("Hint", fault.hint());
    }
    page.line(
        "Client cert",
        client_certificate(handshaken.client_certificate),
    );
    page.optional(
        "Client auth",
        handshaken.client_auth().map(ClientAuth::as_str),
    );
    if let Some(negotiated) = &handshaken.session {
        let suite = negotiated.cipher_suite;
        page.line("Session", &format!("{}, {suite}", negotiated.version));
        page.list(
            "Accepts CA",
            &x509::name_texts(&negotiated.acceptable_issuers),
        );
    }
    match &handshaken.verified {
        Some(Ok(())) => page.line("Server", "verified under the roots of --ca"),
        Some(Err(why)) => page.line("Server", &format!("not verified: {why}")),
        None => {}
    }
}

/// `rejected (alert certificate_required(116))`.
pub(super) fn verdict(verdict: &Verdict) -> String {
    format!("{} ({})", verdict.as_str(), verdict.detail())
}

const fn client_certificate(client_certificate: ClientCertificate) -> &'static str {
    match client_certificate {
        ClientCertificate::NotAsked => "not asked for",
        ClientCertificate::NotSent => "asked for, none sent",
        ClientCertificate::Sent => "asked for, sent",
    }
}

fn describe(page: &mut Page, certificate: &Certificate, position: usize, now: Timestamp) {
    let row = CertificateRow::of(certificate);
    page.heading(if position == 0 {
        "Certificate"
    } else {
        "Certificate of the chain"
    });
    page.optional("Unparsed", row.parse_fault.as_ref());
    page.optional("Subject", row.subject_dn.as_ref());
    page.optional("Issuer", row.issuer_dn.as_ref());
    page.optional("Valid from", row.not_before);
    page.optional("Valid to", row.not_after.map(|end| validity(end, now)));
    page.line("Names", &row.alternative_names.join(", "));
    let bits = row
        .key_bits
        .map(|bits| format!(" {bits}"))
        .unwrap_or_default();
    page.optional("Key", row.key_type.map(|family| family + &bits));
    page.optional("Signature", row.signature_algorithm.as_ref());
    page.line("SHA-256", &row.sha256.to_string());
    page.line("SHA-1", &hexadecimal(&row.sha1));
    page.optional("Key SHA-256", row.spki_sha256);
}

fn validity(end: Timestamp, now: Timestamp) -> String {
    match now.days_until(end) {
        left @ ..0 => format!("{end} (expired {} ago)", counted(-left, "day")),
        left => format!("{end} ({} left)", counted(left, "day")),
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in octets {
        // Writing to a String can't fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// An outcome's word, with what it leaves out in brackets.
pub(super) fn in_words(outcome: &Outcome) -> String {
    match outcome.detail() {
        detail if detail.is_empty() => outcome.kind().to_string(),
        detail => format!("{} ({detail})", outcome.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_longer_than_a_line_is_cut() {
        let mut page = Page(String::new());
        let word = "z".repeat(200);
        page.heading(&format!("Asked for {word}"));
        page.line("Names", &format!("{word}, b"));
        page.line("SHA-256", &"c".repeat(VALUE));
        assert!(
            page.0.lines().all(|line| line.chars().count() <= 80),
            "{}",
            page.0
        );
        assert_eq!(page.0.matches('z').count(), 400);
        assert_eq!(page.0.lines().count(), 4 + 4 + 1, "{}", page.0);
    }

    #[test]
    fn long_values_go_on_below_their_beginning_and_hold_nothing_that_steers() {
        let mut page = Page(String::new());
        page.line("Names", &["name.example"; 12].join(", "));
        page.line("Subject", "CN=\u{1b}[31m\u{202e}");
        assert!(
            page.0.lines().all(|line| line.chars().count() <= 80),
            "{}",
            page.0
        );
        assert!(page.0.lines().count() > 3);
        let indented = |line: &str| line.starts_with(&" ".repeat(LABEL));
        assert_eq!(page.0.lines().filter(|line| indented(line)).count(), 2);
        assert!(page.0.ends_with("CN=\\u{1b}[31m\\u{202e}\n"));
    }
}
