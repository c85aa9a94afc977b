//! Rows with a chosen text in every field.

use super::*;
use crate::domain::{Severity, Trust};
use crate::judge::{Finding, Judgement, Limits};

/// What servers and certificates may say to harm a reader.
pub(crate) fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "=cmd|' /C calc'!A1",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "  =1",
        "\t=1",
        "\r=1",
        "\n=1",
        "\u{a0}\u{feff}=1",
        "\u{200b}=1",
        "＝1",
        "\0=1",
        "\x1b[2J\x1b]0;owned\x07",
        "\u{9b}31m",
        "\u{202e}gnp.exe\u{2066}",
        "two\r\nlines\u{2028}and\u{2029}more",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "nul\0after",
        "../../../../etc/passwd",
        "..\\..\\windows",
        "a \"quoted\", text",
        "a|b\\|c\\",
        "'",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("=".repeat(64 * 1024));
    texts.push("😀".repeat(40_000));
    texts
}

/// A certificate with `text` wherever it has a text.
pub(crate) fn certificate(text: &str) -> CertificateRow {
    let some = || Some(text.to_owned());
    let list = || vec![text.to_owned(), "plain".to_owned(), text.to_owned()];
    CertificateRow {
        sha256: Fingerprint::of(b"leaf"),
        sha1: [0xab; 20],
        spki_sha256: Some(Fingerprint::of(b"key")),
        subject_cn: some(),
        subject_dn: some(),
        issuer_cn: some(),
        issuer_dn: some(),
        serial: Some(vec![0x00, 0xff, 0x0a]),
        not_before: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        not_after: Some("2026-12-31T23:59:59Z".parse().unwrap()),
        alternative_names: list(),
        key_type: some(),
        key_bits: Some(2048),
        signature_algorithm: some(),
        key_usage: list(),
        extended_key_usage: list(),
        self_signed: Some(false),
        is_ca: Some(true),
        parse_fault: None,
        der: None,
    }
}

/// An installation with `text` wherever it has a text.
pub(crate) fn installation(text: &str) -> Installation {
    let some = || Some(text.to_owned());
    Installation {
        zone: Some("plant-1".parse().unwrap()),
        host: text.to_owned(),
        ip: Some("2001:db8::1".parse().unwrap()),
        port: Some(Port::HTTPS),
        sni: some(),
        declined_names: vec![text.to_owned()],
        starttls: some(),
        pointer: some(),
        session: session(text),
        certificate: certificate(text).into(),
        chain: [Fingerprint::of(b"a"), Fingerprint::of(b"b")].into(),
        chain_not_after: Some(now()),
        installations: 3,
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

/// A session with `text` wherever it has a text.
pub(crate) fn session(text: &str) -> Arc<SessionRow> {
    let some = || Some(text.to_owned());
    Arc::new(SessionRow {
        tls_version: some(),
        protocols: vec![text.to_owned()],
        protocols_refused: vec![text.to_owned()],
        cipher_suite: some(),
        key_exchange: some(),
        client_auth: some(),
        alpn: some(),
        client_auth_issuers: vec![text.to_owned(); 2],
        hybrid_group: some(),
    })
}

pub(crate) fn endpoint(text: &str) -> EndpointRow {
    EndpointRow {
        zone: "default".parse().unwrap(),
        ip: "10.0.0.1".parse().unwrap(),
        port: Port::HTTPS,
        dialect: text.to_owned(),
        outcome: OutcomeKind::NotTls,
        detail: text.to_owned(),
        banner: Some(text.to_owned()),
        attempts: vec![text.to_owned(); 2],
        pointer: Some(text.to_owned()),
        certificates: 0,
        first_seen: now(),
        last_checked: now(),
        scan: ScanId::new(7),
        protocols: vec![text.to_owned()],
        protocols_refused: vec![text.to_owned()],
        hybrid_group: Some(text.to_owned()),
        is_retired: false,
        severity: None,
    }
}

pub(crate) fn question(text: &str) -> QuestionRow {
    QuestionRow {
        sni: Some(text.to_owned()),
        key_type: text.to_owned(),
        outcome: OutcomeKind::TlsRefused,
        asked_at: now(),
        answered_at: now(),
        is_ephemeral: false,
    }
}

pub(crate) fn scan(text: &str) -> ScanRow {
    let mut outcomes = Tally::default();
    outcomes.add_many(OutcomeKind::Certificate, 2);
    outcomes.add_many(OutcomeKind::Excluded, 3);
    ScanRow {
        id: ScanId::new(7),
        started_at: now(),
        finished_at: None,
        state: ScanState::Running,
        targets: 5,
        outcomes,
        note: Some(text.to_owned()),
        settings: r#"{"rate":1000}"#.to_owned(),
        ended_by: None,
        operator: Some(text.to_owned()),
        run: 3,
        incidents: vec![text.to_owned()],
        unlisted: 0,
    }
}

pub(crate) fn coverage(text: &str) -> Coverage {
    Coverage {
        zone: "default".parse().unwrap(),
        network: text.to_owned(),
        port: Port::HTTPS,
        outcomes: scan("").outcomes,
        exclusions: vec![text.to_owned()],
        remarks: vec![text.to_owned()],
        oldest_look: now(),
        latest_look: now(),
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

pub(crate) fn used(certificate: &CertificateRow, installations: u64) -> CertificateUse {
    CertificateUse {
        certificate: Arc::new(certificate.clone()),
        installations,
        severity: None,
    }
}

/// An installation in which these rules found an error each.
pub(crate) fn judged(findings: &[&'static str]) -> Installation {
    let findings = findings.iter().map(|rule| Finding {
        rule,
        severity: Severity::Error,
        detail: String::new(),
        certificate: None,
    });
    Installation {
        judgement: Some(Arc::new(Judgement {
            trust: Trust::Trusted,
            trust_reason: String::new(),
            trusted_by: Vec::new(),
            root: None,
            unsent_not_after: None,
            findings: findings.collect(),
            accepted: Vec::new(),
            owner: None,
            tags: Vec::new(),
            is_one_of_many: false,
            max_age: Limits::default().max_age,
        })),
        ..installation("")
    }
}
