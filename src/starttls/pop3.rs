//! STLS for POP3 (RFC 2595 section 4).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Pop3,
    title: "STLS for POP3 (RFC 2595)",
    ports: &[110],
    application_protocols: &[b"pop3"],
    greets_with: |greeting| greeting.starts_with(b"+OK ") || greeting.starts_with(b"+OK\r\n"),
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Step> = Script {
    dialect: Dialect::Pop3,
    opening: "",
    first_words: &["+OK", "-ERR"],
    first: Step::Greeting,
    hear,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    Stls,
}

fn hear(step: Step, line: &Line) -> Heard<Step> {
    let line = line.upper();
    match (step, line.split(|byte| *byte == b' ').next()) {
        (Step::Greeting, Some(b"+OK")) => Heard::say("STLS\r\n", Step::Stls),
        (Step::Stls, Some(b"+OK")) => Heard::Ready,
        (_, Some(b"-ERR")) => Heard::Declined,
        _ => Heard::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Pop3, text)
    }

    #[test]
    fn a_server_goes_ahead() {
        let end = transcript(
            "S: +OK Dovecot (Debian) ready.
             C: STLS
             S: +OK Begin TLS negotiation now.",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn a_refusal_is_a_declination() {
        let (end, said) = transcript(
            "S: +OK
             C: STLS
             S: -ERR Unknown command.",
        )
        .says();
        assert_eq!(end, End::Declined);
        assert_eq!(said, "+OK\r\n-ERR Unknown command.\r\n");
        assert_eq!(transcript("S: -ERR [SYS/TEMP] busy").ends(), End::Declined);
    }

    #[test]
    fn garbage_is_foreign_first_and_malformed_later_and_a_flood_ends() {
        assert_eq!(transcript("S: +OKAY").ends(), End::Foreign);
        let end = transcript(
            "S: +OK
             C: STLS
             S: OK",
        )
        .ends();
        assert_eq!(end, End::Malformed);
        assert_eq!(flooded(Dialect::Pop3, "+OK ", "x"), End::TooLarge);
    }
}
