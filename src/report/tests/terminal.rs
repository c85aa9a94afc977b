//! Lists and pages, as a terminal shows them.

use super::rows::{certificate, question, used};
use super::*;
use crate::x509;

#[test]
fn a_terminal_sees_no_control_character_but_the_end_of_a_line() {
    for text in &hostile() {
        let (row, seen) = (certificate(text), installation(text));
        let shown = [
            list::certificates([&used(&row, 1)], now(), Some(80)),
            list::certificates([&used(&row, 1)], now(), None),
            list::endpoints([&endpoint(text)], Some(80)),
            list::scans([&scan(text)], Some(80)),
            page::certificate(&row, std::slice::from_ref(&seen), now()),
            page::endpoint(&endpoint(text), &[question(text)], &[seen], now()),
        ];
        for shown in shown {
            let steers = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
            assert!(!shown.contains(steers), "{text:?}: {shown:?}");
            assert!(shown.ends_with('\n'));
        }
    }
}

#[test]
fn lists_fit_a_terminal_of_80_columns() {
    let row = certificate("a-rather-long-host-name-indeed.of.some.department.example");
    for list in [
        list::certificates([&used(&row, 12)], now(), Some(80)),
        list::endpoints([&endpoint("x")], Some(80)),
        list::scans([&scan("a note of several words that goes on")], Some(80)),
    ] {
        for line in list.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn a_page_says_what_is_left_of_the_validity() {
    let mut row = certificate("x");
    let page = page::certificate(&row, &[], now());
    assert!(page.contains("\nDays left:        40\n"), "{page}");
    row.not_after = Some("2026-11-21T07:59:59Z".parse().unwrap());
    let page = page::certificate(&row, &[], now());
    assert!(
        page.contains("Days left:        -1, it has expired"),
        "{page}"
    );
}

#[test]
fn a_page_of_an_endpoint_says_what_it_accepts_and_all_that_it_was_asked() {
    let mut row = endpoint("xmpp");
    row.protocols = vec!["TLSv1.2".to_owned(), "TLSv1.3".to_owned()];
    row.protocols_refused = vec!["SSLv3".to_owned()];
    row.hybrid_group = Some("X25519MLKEM768".to_owned());
    let mut unnamed = question("rsa");
    unnamed.sni = None;
    let mut answered = question("ecdsa");
    answered.sni = Some("a.example".to_owned());
    answered.outcome = OutcomeKind::Certificate;
    let mut seen = installation("x");
    seen.declined_names = vec!["b.example".to_owned(), "c.example".to_owned()];
    seen.session = Arc::new(SessionRow {
        client_auth: Some("requested".to_owned()),
        client_auth_issuers: vec!["CN=KMIP CA".to_owned(), "CN=b".to_owned()],
        ..SessionRow::default()
    });
    let page = page::endpoint(&row, &[unnamed, answered], &[seen], now());
    for lines in [
        "\nDialect:          xmpp\n",
        "\nAccepts:          TLSv1.2, TLSv1.3\n",
        "\nRefuses:          SSLv3\n",
        "\nHybrid group:     X25519MLKEM768\n",
        "\nQuestions:        no name, rsa: tls-refused 2026-11-21T08:00:00Z, \
         answered 2026-11-21T08:00:00Z\n",
        "\n                  a.example, ecdsa: certificate 2026-11-21T08:00:00Z\n",
        "\nDeclined:         b.example\n                  c.example\n",
        "\nClient auth:      requested\nClient CAs:       CN=KMIP CA\n                  CN=b\n",
    ] {
        assert!(page.contains(lines), "{lines}\n{page}");
    }
}

#[test]
fn a_certificate_that_cant_be_parsed_is_shown_by_its_hash() {
    let row = CertificateRow::of(&x509::parse(&Der::from(&b"garbage"[..])));
    let list = list::certificates([&used(&row, 1)], now(), None);
    let hash = Fingerprint::of(b"garbage").to_string();
    assert!(
        list.contains(&hash[..12]) && list.contains("unparsed"),
        "{list}"
    );
    let page = page::certificate(&row, &[], now());
    assert!(
        page.contains(&hash) && page.contains("TBS") || page.contains("DER"),
        "{page}"
    );
    let mut seen = installation("x");
    seen.certificate = row.into();
    let csv = report(Format::Csv, &INSTALLATIONS, &[seen]);
    assert_eq!(cell(&cells(&csv), "sha256"), hash);
    assert_eq!(cell(&cells(&csv), "subject_dn"), "");
}

#[test]
fn a_list_of_endpoints_says_why_a_server_that_spoke_gave_nothing() {
    let declined = EndpointRow {
        detail: "starttls-declined".to_owned(),
        banner: Some("502 not here\r\n221 bye".to_owned()),
        ..endpoint("smtp")
    };
    let list = list::endpoints([&declined], None);
    assert!(list.contains("starttls-declined: 502 not here "), "{list}");
}

#[test]
fn a_page_says_which_question_has_another_certificate_at_every_look() {
    let fresh = QuestionRow {
        is_ephemeral: true,
        ..question("a")
    };
    let page = page::endpoint(&endpoint("x"), &[fresh, question("b")], &[], now());
    assert_eq!(page.matches("ephemeral").count(), 1, "{page}");
}
