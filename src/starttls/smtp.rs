//! STARTTLS for SMTP (RFC 3207).

use crate::domain::Dialect;

use super::Protocol;
use super::lines::Line;
use super::replies::{Awaited, Code, greeting_names, names_smtp};
use super::script::{Heard, Script};

pub(super) static PROTOCOL: Protocol = Protocol {
    dialect: Dialect::Smtp,
    title: "STARTTLS for SMTP (RFC 3207)",
    ports: &[25, 587, 2525],
    // Not registered with IANA; nginx goes by it.
    application_protocols: &[b"smtp"],
    greets_with: |greeting| greeting_names(greeting, Code(220), names_smtp),
    begin: |_| SCRIPT.begin(),
};

static SCRIPT: Script<Awaited<Step>> = Script {
    dialect: Dialect::Smtp,
    opening: "",
    first_words: &["220", "4", "5"],
    first: Awaited::reply_to(Step::Greeting),
    hear: |awaited: Awaited<Step>, line: &Line| awaited.hear(line, answer),
};

/// The last word that needs a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Greeting,
    Hello,
    StartTls,
}

/// The client's name in EHLO and LHLO.
///
/// RFC 5321 section 4.1.1.1 wants a domain name or an address literal. Our own
/// address, behind a translator, is not the one that the server sees; a name
/// below `.invalid` (RFC 2606 section 2) is nobody's, passes every check of
/// syntax, and tells who reads the log what came.
pub(super) const CLIENT: &str = "certsweep.invalid";

fn answer(step: Step, code: Code) -> Heard<Step> {
    answer_after("EHLO", step, code)
}

/// Says `hello`, then STARTTLS, whether or not the server lists it: filters
/// strike it from the list of servers that have it, and where it is missing
/// indeed, the refusal costs one line.
pub(super) fn answer_after(hello: &str, step: Step, code: Code) -> Heard<Step> {
    match (step, code.0) {
        (Step::Greeting, 220) => Heard::say(&format!("{hello} {CLIENT}\r\n"), Step::Hello),
        (Step::Hello, 250) => Heard::say("STARTTLS\r\n", Step::StartTls),
        (Step::StartTls, 220) => Heard::Ready,
        _ => Heard::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{End, Transcript, flooded};
    use super::super::{Circumstances, Turn, Verdict};
    use super::*;

    fn transcript(text: &str) -> Transcript {
        Transcript::of_lines(Dialect::Smtp, text)
    }

    #[test]
    fn a_server_of_one_line_each_goes_ahead() {
        let end = transcript(
            "S: 220 mail.example.com ESMTP
             C: EHLO certsweep.invalid
             S: 250 mail.example.com
             C: STARTTLS
             S: 220 go ahead",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn greetings_and_lists_may_have_many_lines() {
        let end = transcript(
            "S: 220-mail.example.com ESMTP Exim 4.96
             S: 220-No
             S: 220
             C: EHLO certsweep.invalid
             S: 250-mail.example.com Hello
             S: 250-SIZE 52428800
             S: 250-STARTTLS
             S: 250 HELP
             C: STARTTLS
             S: 220-2.0.0
             S: 220 2.0.0 TLS go ahead",
        )
        .ends();
        assert_eq!(end, End::Ready);
    }

    #[test]
    fn every_refusal_is_a_declination_and_quotes_the_banner() {
        let (end, said) = transcript("S: 554 mail.example.com ESMTP no, thanks").says();
        assert_eq!(end, End::Declined);
        assert!(said.starts_with("554 mail"));
        assert_eq!(transcript("S: 421 busy").ends(), End::Declined);
        let refused = |reply: &str| {
            let text = format!(
                "S: 220 mail.example.com ESMTP
                 C: EHLO certsweep.invalid
                 S: {reply}"
            );
            transcript(&text).ends()
        };
        assert_eq!(refused("500 what?"), End::Declined);
        assert_eq!(refused("502 5.5.2 no EHLO here"), End::Declined);
        assert_eq!(refused("421 4.7.0 too slow"), End::Declined);
    }

    #[test]
    fn starttls_is_asked_for_where_it_is_not_listed() {
        let end = transcript(
            "S: 220 mail.example.com ESMTP
             C: EHLO certsweep.invalid
             S: 250-mail.example.com
             S: 250 XXXXXXXA
             C: STARTTLS
             S: 454 TLS not available due to temporary reason",
        )
        .ends();
        assert_eq!(end, End::Declined);
    }

    #[test]
    fn what_is_no_smtp_is_foreign_first_and_malformed_later() {
        for banner in ["SSH-2.0-OpenSSH_9.2", "* OK ready", "+OK", "2200 x", "22"] {
            let end = transcript(&format!("S: {banner}")).ends();
            assert_eq!(end, End::Foreign, "{banner}");
        }
        let end = transcript(
            "S: 220 mail.example.com ESMTP
             C: EHLO certsweep.invalid
             S: hello yourself",
        )
        .ends();
        assert_eq!(end, End::Malformed);
    }

    #[test]
    fn bytes_of_another_kind_are_foreign_before_the_line_ends() {
        let mut dialogue = (PROTOCOL.begin)(Circumstances {
            server_name: None,
            address: "192.0.2.1".parse().unwrap(),
        });
        let alert = b"\x15\x03\x01\x00\x02\x02\x28";
        assert_eq!(
            dialogue.feed(alert),
            Turn::Over(Verdict::Foreign(alert.to_vec()))
        );
    }

    #[test]
    fn a_flood_ends() {
        let flooded = |start, more| flooded(Dialect::Smtp, start, more);
        assert_eq!(flooded("220 ", "a"), End::TooLarge);
        assert_eq!(flooded("220-\r\n", "220-\r\n"), End::TooLarge);
        assert_eq!(flooded("220-\r\n", &"220-a\r\n".repeat(500)), End::TooLarge);
    }
}
