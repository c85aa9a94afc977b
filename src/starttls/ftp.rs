//! AUTH TLS for FTP (RFC 4217 section 4).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::replies::{Awaited, Code, greeting_names, names_ftp};
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Ftp,
    title: "AUTH TLS for FTP (RFC 4217)",
    ports: &[21],
    application_protocols: &[b"ftp"],
    greets_with: |greeting| greeting_names(greeting, Code(220), names_ftp),
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Awaited<Step>> = Script {
    dialect: Dialect::Ftp,
    opening: "",
    first_words: &["220", "120", "4", "5"],
    first: Awaited::reply_to(Step::Greeting),
    hear: |awaited: Awaited<Step>, line: &Line| awaited.hear(line, answer),
};

/// The last word that needs a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    AuthTls,
    AuthSsl,
}

/// 334 is what servers of the drafts before RFC 4217 answer, and `SSL` the
/// mechanism that some of them know instead.
fn answer(step: Step, code: Code) -> Heard<Step> {
    match (step, code.0) {
        // "Service ready in nnn minutes": the greeting comes later.
        (Step::Greeting, 120) => Heard::Await(Step::Greeting),
        (Step::Greeting, 220) => Heard::say("AUTH TLS\r\n", Step::AuthTls),
        (Step::AuthTls | Step::AuthSsl, 234 | 334) => Heard::Ready,
        // It closes the connection (RFC 959 section 4.2.2).
        (_, 421) => Heard::Declined,
        (Step::AuthTls, _) => Heard::say("AUTH SSL\r\n", Step::AuthSsl),
        _ => Heard::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Ftp, text)
    }

    #[test]
    fn a_server_of_auth_tls_goes_ahead() {
        for go_ahead in ["234 Proceed with negotiation.", "334 SSLv23/TLSv1"] {
            let end = transcript(&format!(
                "S: 220 (vsFTPd 3.0.3)
                 C: AUTH TLS
                 S: {go_ahead}"
            ))
            .ends();
            assert_eq!(end, End::Ready);
        }
    }

    #[test]
    fn a_greeting_may_be_late_and_long_and_free_between_its_ends() {
        let end = transcript(
            "S: 120 ready in 1 minute
             S: 220-Welcome to
             S:  all of
             S: 123 Main Street
             S: 2200
             S: 220-still
             S: 220 you
             C: AUTH TLS
             S: 234 AUTH TLS OK.",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn auth_ssl_is_asked_for_once() {
        let asked = |reply: &str| {
            transcript(&format!(
                "S: 220 Microsoft FTP Service
                 C: AUTH TLS
                 S: 504 Unknown AUTH type.
                 C: AUTH SSL
                 S: {reply}"
            ))
            .ends()
        };
        assert_eq!(asked("334 AUTH SSL OK."), End::Ready);
        assert_eq!(asked("234 AUTH SSL OK."), End::Ready);
        assert_eq!(asked("530 Please login with USER and PASS."), End::Declined);
    }

    #[test]
    fn who_closes_is_not_asked_again() {
        assert_eq!(transcript("S: 421 Too many users").ends(), End::Declined);
        let end = transcript(
            "S: 220 FTP
             C: AUTH TLS
             S: 421 Timeout",
        )
        .ends();
        assert_eq!(end, End::Declined);
    }

    #[test]
    fn garbage_is_foreign_first_and_malformed_later_and_a_flood_ends() {
        assert_eq!(transcript("S: 22O hello").ends(), End::Foreign);
        assert_eq!(transcript("S: 220hello").ends(), End::Foreign);
        let end = transcript(
            "S: 220 FTP
             C: AUTH TLS
             S: what?",
        )
        .ends();
        assert_eq!(end, End::Malformed);
        assert_eq!(flooded(Dialect::Ftp, "220-\n", "more\n"), End::TooLarge);
    }
}
