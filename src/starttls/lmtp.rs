//! STARTTLS for LMTP: SMTP's, after LHLO (RFC 2033 section 4.1).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::replies::{Awaited, Code, greeting_names, names_lmtp};
use super::script::{Heard, Script};
use super::smtp::{Step, answer_after};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Lmtp,
    title: "STARTTLS for LMTP (RFC 2033)",
    ports: &[24],
    application_protocols: &[],
    greets_with: |greeting| greeting_names(greeting, Code(220), names_lmtp),
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Awaited<Step>> = Script {
    dialect: Dialect::Lmtp,
    opening: "",
    first_words: &["220", "4", "5"],
    first: Awaited::reply_to(Step::Greeting),
    hear: |awaited: Awaited<Step>, line: &Line| awaited.hear(line, answer),
};

fn answer(step: Step, code: Code) -> Heard<Step> {
    answer_after("LHLO", step, code)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Lmtp, text)
    }

    #[test]
    fn the_hello_is_lhlo() {
        let end = transcript(
            "S: 220 imap.example.com Dovecot (Debian) ready.
             C: LHLO certsweep.invalid
             S: 250-imap.example.com
             S: 250-STARTTLS
             S: 250 PIPELINING
             C: STARTTLS
             S: 220 2.0.0 Begin TLS negotiation now.",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn a_refusal_is_a_declination() {
        let end = transcript(
            "S: 220 imap.example.com LMTP
             C: LHLO certsweep.invalid
             S: 250 imap.example.com
             C: STARTTLS
             S: 502 5.5.1 TLS support isn't enabled.",
        )
        .ends();
        assert_eq!(end, End::Declined);
        assert_eq!(transcript("S: 554 no").ends(), End::Declined);
    }

    #[test]
    fn garbage_is_foreign_and_a_flood_ends() {
        assert_eq!(transcript("S: RFB 003.008").ends(), End::Foreign);
        assert_eq!(flooded(Dialect::Lmtp, "220 x", "x"), End::TooLarge);
    }
}
