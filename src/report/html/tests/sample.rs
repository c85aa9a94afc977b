//! Installations and pages to test with.

use std::sync::Arc;

use super::super::{About, Html, Scope};
use crate::domain::{
    Fingerprint, OutcomeKind, Port, ScanId, ScanState, Severity, Tally, Timestamp, Trust,
};
use crate::judge::{Accepted, Finding, Judgement, Limits, Rule, Verdict};
use crate::report::tests::rows::session;
use crate::report::{
    CertificateRow, Coverage, EventKind, EventRow, Head, Installation, InstallationState, ScanRow,
    Source,
};

static RULES: [&Rule; 2] = [&EXPIRING, &WEAK_KEY];

static EXPIRING: Rule = Rule {
    id: "expiring",
    title: "The certificate ends soon",
    severity: Severity::Warning,
    citation: "RFC 5280 section 4.1.2.5",
    advice: "renew it, and find out why that was not done by itself",
    note: None,
    zlint: &[],
    check: |_| Verdict::NotApplicable,
};

static WEAK_KEY: Rule = Rule {
    id: "weak-key",
    title: "The key is too weak",
    severity: Severity::Error,
    citation: "NIST SP 800-131A",
    advice: "make a new key of at least 2048 bits, or on P-256",
    note: None,
    zlint: &[],
    check: |_| Verdict::NotApplicable,
};

/// What servers and certificates may say to harm a reader.
pub(super) fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]></style><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "' autofocus onfocus='alert(1)",
        "{{ 7 * 7 }}",
        "&lt;b&gt;",
        "javascript:alert(1)",
        "=cmd|' /C calc'!A1",
        "\x1b[2J\x1b]0;owned\x07",
        "\u{202e}gnp.exe\u{2066}",
        "\0\u{9b}31m",
        "two\r\nlines\u{2028}and\u{2029}more",
        "../../etc/passwd",
        "\\u003cscript>",
        "__proto__",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("<b>".repeat(22_000));
    texts
}

pub(super) fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

pub(super) fn about() -> About {
    About {
        head: Head::at(now()),
        scope: Scope::default(),
        settings: Vec::new(),
        rules: &RULES,
    }
}

pub(super) fn page(rows: &[Installation]) -> String {
    let mut out = Vec::new();
    let mut html = Html::begin(&mut out, about());
    for row in rows {
        html.row(row).unwrap();
    }
    html.end().unwrap();
    String::from_utf8(out).unwrap()
}

/// An installation, judged, with `text` wherever it has a text; its
/// certificate is another for another text.
pub(super) fn installation(text: &str) -> Installation {
    judged(text, &[], &[])
}

/// An installation with these findings, and these accepted.
pub(super) fn judged(
    text: &str,
    findings: &[(&'static str, Severity)],
    accepted: &[&'static str],
) -> Installation {
    let finding = |rule, severity| Finding {
        rule,
        severity,
        detail: text.to_owned(),
        certificate: None,
    };
    let accepted = accepted.iter().map(|rule| Accepted {
        finding: finding(rule, Severity::Error),
        owner: text.to_owned(),
        reason: text.to_owned(),
        until: now(),
    });
    let judgement = Judgement {
        trust: Trust::Trusted,
        trust_reason: text.to_owned(),
        trusted_by: vec![text.to_owned()],
        root: Some(text.to_owned()),
        unsent_not_after: None,
        findings: findings
            .iter()
            .map(|(rule, it)| finding(rule, *it))
            .collect(),
        accepted: accepted.collect(),
        owner: Some(text.to_owned()),
        tags: vec![text.to_owned()],
        is_one_of_many: false,
        max_age: Limits::default().max_age,
    };
    Installation {
        judgement: Some(judgement.into()),
        ..unjudged(text)
    }
}

fn unjudged(text: &str) -> Installation {
    let some = || Some(text.to_owned());
    Installation {
        zone: Some("plant-1".parse().unwrap()),
        host: text.to_owned(),
        ip: Some("2001:db8::1".parse().unwrap()),
        port: Some(Port::HTTPS),
        sni: some(),
        declined_names: Vec::new(),
        starttls: some(),
        pointer: some(),
        session: session(text),
        certificate: certificate(text).into(),
        chain: Arc::default(),
        chain_not_after: Some(now()),
        installations: 1,
        state: InstallationState::Current,
        previous: None,
        first_seen: now(),
        last_seen: Some(now()),
        last_checked: Some(now()),
        source: Source::Scan,
        scan: Some(ScanId::new(7)),
        judgement: None,
    }
}

fn certificate(text: &str) -> CertificateRow {
    let some = || Some(text.to_owned());
    CertificateRow {
        sha256: Fingerprint::of(text.as_bytes()),
        sha1: [0xab; 20],
        spki_sha256: None,
        subject_cn: some(),
        subject_dn: some(),
        issuer_cn: some(),
        issuer_dn: some(),
        serial: None,
        not_before: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        not_after: Some("2027-03-31T23:59:59Z".parse().unwrap()),
        alternative_names: vec![text.to_owned()],
        key_type: some(),
        key_bits: Some(2048),
        signature_algorithm: some(),
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        self_signed: Some(false),
        is_ca: Some(false),
        parse_fault: None,
        der: None,
    }
}

/// Five targets in one network.
pub(super) fn coverage() -> Coverage {
    let mut outcomes = Tally::default();
    outcomes.add_many(OutcomeKind::Certificate, 2);
    outcomes.add_many(OutcomeKind::Excluded, 3);
    Coverage {
        zone: "default".parse().unwrap(),
        network: "10.0.0.0/24".to_owned(),
        port: Port::HTTPS,
        outcomes,
        exclusions: vec!["a turbine".to_owned()],
        remarks: vec!["a turbine".to_owned()],
        oldest_look: now(),
        latest_look: now(),
    }
}

/// A scan of the given number.
pub(super) fn scan(number: i64) -> ScanRow {
    ScanRow {
        id: ScanId::new(number),
        started_at: now(),
        finished_at: Some(now()),
        state: ScanState::Complete,
        targets: 1,
        outcomes: Tally::default(),
        note: None,
        settings: "{}".to_owned(),
        ended_by: None,
        operator: None,
        run: number,
        incidents: Vec::new(),
        unlisted: 0,
    }
}

/// A renewal of a certificate with this subject.
pub(super) fn event(subject: &str) -> EventRow {
    EventRow {
        id: "1-began".to_owned(),
        kind: EventKind::Renewed,
        at: now(),
        scan: ScanId::new(2),
        zone: "default".parse().unwrap(),
        host: "mail.example".to_owned(),
        ip: "10.0.0.1".parse().unwrap(),
        port: Port::HTTPS,
        sni: Some("mail.example".to_owned()),
        starttls: Some("smtp".to_owned()),
        sha256: Fingerprint::of(b"new"),
        subject: Some(subject.to_owned()),
        issuer_dn: None,
        not_after: Some(now()),
        previous: Some(Fingerprint::of(b"old")),
        previous_subject: None,
        moved_from: None,
    }
}
