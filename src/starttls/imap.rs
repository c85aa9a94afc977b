//! STARTTLS for IMAP (RFC 9051 section 6.2.1).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Imap,
    title: "STARTTLS for IMAP (RFC 9051)",
    ports: &[143],
    application_protocols: &[b"imap"],
    greets_with: |greeting| greeting.starts_with(b"* OK ") || greeting.starts_with(b"* PREAUTH "),
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Step> = Script {
    dialect: Dialect::Imap,
    opening: "",
    first_words: &["* "],
    first: Step::Greeting,
    hear,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    StartTls,
}

/// Asks without having seen the capabilities, and also where the greeting is
/// PREAUTH, in which state no server has to accept: a refusal is an answer.
fn hear(step: Step, line: &Line) -> Heard<Step> {
    let line = line.upper();
    let mut words = line.split(|byte| *byte == b' ');
    match (step, words.next(), words.next()) {
        (Step::Greeting, Some(b"*"), Some(b"OK" | b"PREAUTH")) => {
            Heard::say("a1 STARTTLS\r\n", Step::StartTls)
        }
        // BAD without a tag: it could not make out the command.
        (_, Some(b"*"), Some(b"BYE"))
        | (Step::StartTls, Some(b"*"), Some(b"BAD"))
        | (Step::StartTls, Some(b"A1"), Some(b"NO" | b"BAD")) => Heard::Declined,
        (Step::StartTls, Some(b"*"), Some(_)) => Heard::Await(step),
        (Step::StartTls, Some(b"A1"), Some(b"OK")) => Heard::Ready,
        _ => Heard::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Imap, text)
    }

    #[test]
    fn a_server_goes_ahead_with_whatever_untagged_lines_before() {
        for greeting in [
            "* OK [CAPABILITY IMAP4rev1] ready",
            "* ok",
            "* PREAUTH hello",
        ] {
            let end = transcript(&format!(
                "S: {greeting}
                 C: a1 STARTTLS
                 S: * CAPABILITY IMAP4rev1
                 S: * OK [ALERT] Down tomorrow
                 S: A1 ok Begin TLS negotiation now."
            ))
            .ends();
            assert_eq!(end, End::Ready);
        }
    }

    #[test]
    fn every_refusal_is_a_declination() {
        assert_eq!(transcript("S: * BYE Too many").ends(), End::Declined);
        for reply in [
            "a1 BAD Unknown command",
            "a1 NO [UNAVAILABLE] not now",
            "* BYE",
            "* BAD What?",
        ] {
            let end = transcript(&format!(
                "S: * OK ready
                 C: a1 STARTTLS
                 S: {reply}"
            ))
            .ends();
            assert_eq!(end, End::Declined, "{reply}");
        }
    }

    #[test]
    fn garbage_is_foreign_first_and_malformed_later() {
        assert_eq!(transcript("S: +OK ready").ends(), End::Foreign);
        assert_eq!(
            transcript("S: * ACAP (IMPLEMENTATION)").ends(),
            End::Foreign
        );
        for reply in [
            "what?", "+ go on", "a2 OK", "a1", "a1 MAYBE", "*", "a10 OK", "",
        ] {
            let end = transcript(&format!(
                "S: * OK ready
                 C: a1 STARTTLS
                 S: {reply}"
            ))
            .ends();
            assert_eq!(end, End::Malformed, "{reply}");
        }
    }

    #[test]
    fn a_flood_ends() {
        let flooded = |start, more| flooded(Dialect::Imap, start, more);
        assert_eq!(flooded("* OK", "x"), End::TooLarge);
        assert_eq!(flooded("* OK\r\n", "* OK still here\r\n"), End::TooLarge);
    }
}
