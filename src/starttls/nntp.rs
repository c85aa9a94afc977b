//! STARTTLS for NNTP (RFC 4642).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::replies::{Awaited, Code, greeting_names, names_nntp};
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Nntp,
    title: "STARTTLS for NNTP (RFC 4642)",
    ports: &[119],
    application_protocols: &[b"nntp"],
    greets_with: |greeting| {
        // Posting allowed, posting prohibited (RFC 3977 section 5.1.1).
        [Code(200), Code(201)]
            .iter()
            .any(|code| greeting_names(greeting, *code, names_nntp))
    },
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Awaited<Step>> = Script {
    dialect: Dialect::Nntp,
    opening: "",
    first_words: &["200", "201", "4", "5"],
    first: Awaited::reply_to(Step::Greeting),
    hear: |awaited: Awaited<Step>, line: &Line| awaited.hear(line, answer),
};

/// The last word that needs a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    StartTls,
}

fn answer(step: Step, code: Code) -> Heard<Step> {
    match (step, code.0) {
        (Step::Greeting, 200 | 201) => Heard::say("STARTTLS\r\n", Step::StartTls),
        (Step::StartTls, 382) => Heard::Ready,
        _ => Heard::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Nntp, text)
    }

    #[test]
    fn servers_that_let_us_post_or_not_go_ahead() {
        for greeting in ["200 news.example.com InterNetNews NNRP", "201 no posting"] {
            let end = transcript(&format!(
                "S: {greeting}
                 C: STARTTLS
                 S: 382 Begin TLS negotiation now"
            ))
            .ends();
            assert_eq!(end, End::Ready);
        }
    }

    #[test]
    fn every_refusal_is_a_declination() {
        for reply in ["580 Error initializing TLS", "502 Already", "500 What?"] {
            let end = transcript(&format!(
                "S: 200 ready
                 C: STARTTLS
                 S: {reply}"
            ))
            .ends();
            assert_eq!(end, End::Declined);
        }
        assert_eq!(transcript("S: 502 go away").ends(), End::Declined);
        assert_eq!(transcript("S: 400 later").ends(), End::Declined);
    }

    #[test]
    fn garbage_is_foreign_and_a_flood_ends() {
        assert_eq!(transcript("S: 220 mail ESMTP").ends(), End::Foreign);
        assert_eq!(flooded(Dialect::Nntp, "200 ", "x"), End::TooLarge);
    }
}
